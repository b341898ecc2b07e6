/** A place in a `Waiters` queue; the queue owns `previous`, `next` and `queue`. */
export interface Waiter {
  previous: this | undefined;
  next: this | undefined;
  queue: Waiters<this> | undefined;
}

/**
 * A first-in, first-out queue of waiters from which any of them can leave in constant time.
 *
 * A linked list, and not an array with dead entries, because a `select` over a busy and a silent channel leaves
 * the silent one again and again: dead entries would pile up there.
 */
export class Waiters<W extends Waiter> {
  private first: W | undefined;
  private last: W | undefined;
  length = 0;

  /** Adds `waiter` at the end. */
  push(waiter: W): void {
    waiter.queue = this;
    waiter.previous = this.last;
    waiter.next = undefined;
    if (this.last === undefined) this.first = waiter;
    else this.last.next = waiter;
    this.last = waiter;
    this.length++;
  }

  /** Takes the waiter that has waited longest, or gives undefined. */
  shift(): W | undefined {
    const waiter = this.first;
    if (waiter !== undefined) this.remove(waiter);
    return waiter;
  }

  /** Takes `waiter` out, wherever it stands; does nothing when it is not in this queue. */
  remove(waiter: W): void {
    if (waiter.queue !== this) return;
    if (waiter.previous === undefined) this.first = waiter.next;
    else waiter.previous.next = waiter.next;
    if (waiter.next === undefined) this.last = waiter.previous;
    else waiter.next.previous = waiter.previous;
    waiter.queue = undefined;
    waiter.previous = undefined;
    waiter.next = undefined;
    this.length--;
  }
}
