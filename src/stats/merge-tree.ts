/** Values that merge in place, such as `Moments`. */
export interface Mergeable<T> {
  /** Merges `other` into this one. */
  absorb(other: T): unknown;
}

/**
 * Merges the values of chunks 0, 1, 2, … in one fixed binary tree over the chunk numbers, whatever the order in
 * which they arrive, so that floating-point results do not depend on it. Two siblings merge as soon as both are
 * there: with k chunks in order O(log k) values are held, and one more for each chunk that is ahead of its sibling.
 *
 * The values pushed are consumed: the left sibling absorbs the right one.
 */
export class MergeTree<T extends Mergeable<T>> {
  /** Per level, the nodes without their sibling so far: node i of level l covers chunks i·2^l to (i + 1)·2^l − 1. */
  readonly #levels: Map<number, T>[] = [];
  #count = 0;
  #last = -1;

  /** Adds the value of one chunk. Throws RangeError where the chunk was there before, while that can still be seen. */
  push(chunk: number, value: T): void {
    for (const _ of this.pushing(chunk, value));
  }

  /** `push` that yields after every merge; to be gone through before anything else is done. */
  *pushing(chunk: number, value: T): Generator<undefined, void, void> {
    this.#count++;
    this.#last = Math.max(this.#last, chunk);
    let index = chunk;
    let node = value;
    for (let level = 0; ; level++) {
      if (level === this.#levels.length) this.#levels.push(new Map());
      const nodes = this.#levels[level]!;
      const sibling = nodes.get(index ^ 1);
      if (sibling === undefined) {
        if (nodes.has(index)) throw new RangeError(`chunk ${chunk} came twice`);
        nodes.set(index, node);
        return;
      }
      nodes.delete(index ^ 1);
      if (index % 2 === 0) node.absorb(sibling);
      else {
        sibling.absorb(node);
        node = sibling;
      }
      index = index >>> 1;
      yield;
    }
  }

  /** The number of values held at present. */
  get held(): number {
    return this.#levels.reduce((sum, nodes) => sum + nodes.size, 0);
  }

  /**
   * The merge of all chunks, or undefined where there was none: what is left over at the right edge merges from the
   * right. Throws RangeError where a chunk below the last is missing.
   */
  finish(): T | undefined {
    const merging = this.finishing();
    for (;;) {
      const { done, value } = merging.next();
      if (done) return value;
    }
  }

  /** `finish` that yields after every merge. */
  *finishing(): Generator<undefined, T | undefined, void> {
    if (this.#count !== this.#last + 1)
      throw new RangeError(`${this.#count} chunks came, the last of them number ${this.#last}`);
    let right: T | undefined;
    for (const nodes of this.#levels)
      for (const node of nodes.values()) {
        if (right !== undefined) {
          node.absorb(right);
          yield;
        }
        right = node;
      }
    this.#levels.length = 0;
    return right;
  }
}
