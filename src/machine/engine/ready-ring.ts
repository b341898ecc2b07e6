/** What `pop` gives where there is nothing. */
export const NOTHING = -1;

/** How many cells a ring needs for `items` items. */
export function ringSize(items: number): number {
  return 2 ** Math.max(1, Math.ceil(Math.log2(items)));
}

/**
 * A first-in, first-out queue in shared memory that any thread may push to and pop from.
 *
 * A ticket, taken from `tail` by whoever pushes and from `head` by whoever pops, names a cell. The cell's lowest bit
 * is that of the lap, which tells an item from what the lap before left there: no cell is ever cleared, and a pop
 * that was held up between two steps can do no harm, because then its exchange of `head` fails. The ring cannot
 * overflow as long as no more items are in it than it has cells, which is for those who push to see to.
 */
export class ReadyRing {
  private readonly words: Int32Array;
  private readonly head: number;
  private readonly tail: number;
  private readonly cells: Int32Array;
  private readonly mask: number;
  private readonly lapShift: number;

  /**
   * @param words where `head` and `tail` stand, at these indices, both 0 at first
   * @param cells all 0 at first, `ringSize` of them
   */
  constructor(words: Int32Array, head: number, tail: number, cells: Int32Array) {
    this.words = words;
    this.head = head;
    this.tail = tail;
    this.cells = cells;
    this.mask = cells.length - 1;
    this.lapShift = Math.log2(cells.length);
  }

  /** Adds `item`, 0 to 2³⁰ − 1. */
  push(item: number): void {
    const ticket = Atomics.add(this.words, this.tail, 1);
    Atomics.store(this.cells, ticket & this.mask, (item << 1) | this.lapOf(ticket));
  }

  /** Takes the oldest item; `NOTHING` where there is none, or where who pushes it is not through yet. */
  pop(): number {
    for (;;) {
      const ticket = Atomics.load(this.words, this.head);
      const cell = Atomics.load(this.cells, ticket & this.mask);
      if ((cell & 1) !== this.lapOf(ticket)) return NOTHING;
      if (Atomics.compareExchange(this.words, this.head, ticket, (ticket + 1) | 0) === ticket)
        return cell >>> 1;
    }
  }

  /** Whether `pop` would find something. */
  ready(): boolean {
    const ticket = Atomics.load(this.words, this.head);
    return (Atomics.load(this.cells, ticket & this.mask) & 1) === this.lapOf(ticket);
  }

  /** 1 in the first lap, for cells are 0 before; then 0 and 1 in turn. */
  private lapOf(ticket: number): number {
    return ((ticket >>> this.lapShift) & 1) ^ 1;
  }
}
