/** Runs that a trial of the other way takes, the first of which does not count: the threads may have been asleep. */
const TRIAL = 4;
/** Times of each way that are kept. */
const KEPT = 7;
/** Runs before the first trial, and between trials: as many again after each that brought nothing. */
const FIRST = 4;
const LEAST = 16;
const MOST = 256;
/** Several threads have to take this share of the time or less. */
const GAIN = 0.95;

/**
 * Whether short runs are quicker on several threads or on the caller's alone, by trial: estimates do not know how busy
 * the machine is, nor that threads are slow before their code has been compiled.
 *
 * Runs begin on the caller's thread. Now and then some go the other way; where they took less, those after them do, too.
 * Both ways give the same bits.
 */
export class Pace {
  private readonly times: Record<"alone" | "together", number[]> = { alone: [], together: [] };
  private way: "alone" | "together" = "alone";
  private gap = LEAST;
  private untilTrial = FIRST;
  private sinceTrial = 0;
  /** Runs of the trial under way that are still to be measured. */
  private inTrial = 0;

  /** Whether the next run goes to several threads. */
  get together(): boolean {
    return (this.way === "together") !== this.inTrial > 0;
  }

  /** A run has taken so many milliseconds, the way that `together` said. */
  took(ms: number): void {
    const { times, way } = this;
    const tried = way === "alone" ? "together" : "alone";
    if (this.inTrial === 0) {
      keep(times[way], ms);
      this.sinceTrial++;
      if (--this.untilTrial > 0 && !this.isDoubtful()) return;
      this.sinceTrial = 0;
      this.inTrial = TRIAL;
      times[tried].length = 0;
      return;
    }
    if (this.inTrial < TRIAL) keep(times[tried], ms);
    if (--this.inTrial > 0) return;
    const factor = tried === "together" ? GAIN : 1;
    if (median(times[tried]) <= factor * median(times[way])) {
      this.way = tried;
      this.gap = LEAST;
    } else this.gap = Math.min(MOST, 2 * this.gap);
    this.untilTrial = this.gap;
  }

  /** Whether several threads have come to take more than one took when it was last tried. */
  private isDoubtful(): boolean {
    const { alone, together } = this.times;
    return (
      this.way === "together" &&
      this.sinceTrial >= LEAST &&
      alone.length > 0 &&
      median(together) > median(alone)
    );
  }
}

function keep(times: number[], ms: number): void {
  times.push(ms);
  if (times.length > KEPT) times.shift();
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
