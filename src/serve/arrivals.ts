import { RequestError } from "./request-error.js";

/** A body that is arriving. */
export interface Arrival {
  /** Bytes that have come over the wire. */
  received: number;
  /** Its place among those that are watched; −1 for none. */
  place: number;
  /** When it began, by `performance.now()`. */
  readonly since: number;
  /** Gives it up. */
  fail(error: RequestError): void;
}

/** How long a body may take before its rate is looked at. */
const GRACE_MS = 5000;
const LOOK_MS = 500;

/**
 * Looks after the bodies that are arriving, and gives up those that come too slowly: a request holds a place from
 * its headers on, and a client that sends a byte now and then could keep it for as long as it likes. One timer for
 * all, and none while nothing is on its way.
 */
export class Arrivals {
  private readonly open: Arrival[] = [];
  private timer: NodeJS.Timeout | undefined;

  /** @param leastRate bytes per second, on average, after the first 5 seconds; 0 asks for nothing */
  constructor(private readonly leastRate: number) {}

  /** Looks after a body until it has come. */
  watch(arrival: Arrival): void {
    if (this.leastRate === 0) return;
    arrival.place = this.open.push(arrival) - 1;
    this.timer ??= setInterval(() => this.look(), LOOK_MS).unref();
  }

  /** Looks no longer after a body. */
  forget(arrival: Arrival): void {
    const { place } = arrival;
    if (place < 0) return;
    arrival.place = -1;
    // The last one takes its place.
    const last = this.open.pop()!;
    if (last === arrival) return;
    this.open[place] = last;
    last.place = place;
  }

  private look(): void {
    const now = performance.now();
    for (const arrival of [...this.open]) {
      const { received, since } = arrival;
      const owed = (this.leastRate * (now - since - GRACE_MS)) / 1000;
      if (received >= owed) continue;
      this.forget(arrival);
      const seconds = ((now - since) / 1000).toFixed(0);
      arrival.fail(
        new RequestError(
          408,
          `the body arrives too slowly: ${received} bytes in ${seconds} s, expected ${this.leastRate} a second`,
        ),
      );
    }
    if (this.open.length > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }
}
