/**
 * What wakes threads that sleep because they found nothing to do.
 *
 * Who sleeps first counts itself among the sleepers, then reads the bell, then looks for work once more, and only
 * then waits for the bell to change. Who makes work first puts it where it is found, then looks for sleepers. Of the
 * two one sees the other, whatever the order of their steps, for atomic steps have one order in all threads.
 */
export class Bell {
  private readonly words: Int32Array;
  private readonly sleepers: number;
  private readonly bell: number;
  private readonly some: { readonly size: number; readonly own: number } | undefined;

  /**
   * @param words where the number of sleepers and the bell stand, at these indices, both 0 at first
   * @param some where not all who may sleep are of use to who rings, but the first `own` alone, `words[size]` being how
   *   many there are: then all are woken
   */
  constructor(
    words: Int32Array,
    sleepers: number,
    bell: number,
    some?: { readonly size: number; readonly own: number },
  ) {
    this.words = words;
    this.sleepers = sleepers;
    this.bell = bell;
    this.some = some;
  }

  /** Wakes a sleeper, or all where that one might be of no use, and says whether there was one. */
  ring(): boolean {
    if (Atomics.load(this.words, this.sleepers) === 0) return false;
    const { some } = this;
    const all = some !== undefined && Atomics.load(this.words, some.size) > some.own;
    Atomics.add(this.words, this.bell, 1);
    Atomics.notify(this.words, this.bell, all ? Number.POSITIVE_INFINITY : 1);
    return true;
  }

  /** Wakes all. */
  ringAll(): void {
    Atomics.add(this.words, this.bell, 1);
    Atomics.notify(this.words, this.bell);
  }

  /** Sleeps until the bell rings, unless `found` says that there is something to do after all. */
  sleep(found: () => boolean): void {
    Atomics.add(this.words, this.sleepers, 1);
    const seen = Atomics.load(this.words, this.bell);
    if (!found()) Atomics.wait(this.words, this.bell, seen);
    Atomics.sub(this.words, this.sleepers, 1);
  }

  /**
   * As `sleep`, for a thread that may not block: a promise of the bell's next ring, or undefined where there is
   * something to do. `awake` ends it.
   */
  sleepAsync(found: () => boolean): Promise<unknown> | undefined {
    Atomics.add(this.words, this.sleepers, 1);
    const seen = Atomics.load(this.words, this.bell);
    if (!found()) {
      const waiting = Atomics.waitAsync(this.words, this.bell, seen);
      if (waiting.async) return waiting.value;
    }
    this.awake();
    return undefined;
  }

  /** Counts a thread among the sleepers that still has a promise from before; it looks for work after this. */
  count(): void {
    Atomics.add(this.words, this.sleepers, 1);
  }

  /** Takes the caller of `sleepAsync` or `count` off the sleepers. */
  awake(): void {
    Atomics.sub(this.words, this.sleepers, 1);
  }
}
