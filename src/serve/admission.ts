import { RequestError } from "./request-error.js";

/**
 * Counts the requests that are in the house and the bytes of their bodies, and turns away what does not fit: memory
 * and waiting stay bounded, and who is turned away learns it at once.
 */
export class Admission {
  readonly mostRequests: number;
  readonly mostBytes: number;
  private inside = 0;
  private held = 0;

  constructor(mostRequests: number, mostBytes: number) {
    this.mostRequests = mostRequests;
    this.mostBytes = mostBytes;
  }

  get requests(): number {
    return this.inside;
  }

  get bytes(): number {
    return this.held;
  }

  /** Lets a request in. @throws RequestError (503) when there is no room */
  enter(bytes: number): Visit {
    if (this.inside >= this.mostRequests)
      throw new RequestError(503, `the server is busy with ${this.inside} requests, try again`);
    const visit = new Visit((more) => this.hold(more));
    visit.grow(bytes);
    this.inside++;
    visit.onLeave = (all) => {
      this.inside--;
      this.held -= all;
    };
    return visit;
  }

  private hold(bytes: number): void {
    // One body alone always fits, whatever the limits are: else it never would.
    if (this.held > 0 && this.held + bytes > this.mostBytes)
      throw new RequestError(503, `the server is busy with ${this.held} bytes of requests, try again`);
    this.held += bytes;
  }
}

/** One request's stay. */
export class Visit {
  private bytes = 0;
  onLeave: ((bytes: number) => void) | undefined;

  constructor(private readonly hold: (bytes: number) => void) {}

  /** Accounts for more bytes of body. @throws RequestError (503) when there is no room for them */
  grow(bytes: number): void {
    this.hold(bytes);
    this.bytes += bytes;
  }

  /** Makes room again; once. */
  leave(): void {
    this.onLeave?.(this.bytes);
    this.onLeave = undefined;
  }
}
