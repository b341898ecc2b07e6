/** In which group each level of a factor was met; plain data. */
export interface LevelGroups {
  /** Whether a level was met in more than one: then the rest is not told. */
  crossed: boolean;
  /** The levels met, by number, and for each its group, by number in `names`. */
  levels: Int32Array;
  groups: Int32Array;
  names: readonly string[];
}

/** Finds out, over the rows of chunks, whether all rows of each level of some factors are in one group. */
export class LevelNesting {
  /** Per factor and level, the group, −1 for none yet; undefined once a level was met in two. */
  readonly #groups: (Int32Array | undefined)[];
  /** Per factor, the levels that were met in this chunk. */
  #met: number[][];
  readonly #numbers = new Map<number, number>();
  #list: number[] = [];

  /** @param sizes how many levels each factor has */
  constructor(sizes: readonly number[]) {
    this.#groups = sizes.map((size) => new Int32Array(size).fill(-1));
    this.#met = sizes.map(() => []);
  }

  /**
   * Adds rows.
   *
   * @param codes the rows' levels of a factor
   * @param groups their groups, numbers of any kind
   * @param scores NaN for rows that do not count
   */
  add(
    rows: number,
    codes: (factor: number) => Int32Array,
    groups: ArrayLike<number>,
    scores: Float64Array,
  ): void {
    this.#groups.forEach((known, f) => {
      if (known === undefined) return;
      const own = codes(f);
      for (let r = 0; r < rows; r++) {
        const [group, level] = [groups[r]!, own[r]!];
        if (Number.isNaN(scores[r]!) || Number.isNaN(group) || level < 0) continue;
        const number = this.#number(group);
        if (known[level] === number) continue;
        if (known[level]! >= 0) {
          this.#groups[f] = undefined;
          return;
        }
        known[level] = number;
        this.#met[f]!.push(level);
      }
    });
  }

  /** What the rows since the last call say; `name` names a group in all threads alike. */
  take(name: (group: number) => string): LevelGroups[] {
    const names = this.#list.map(name);
    const taken = this.#met.map((met, f) => {
      const known = this.#groups[f];
      const levels = known === undefined ? new Int32Array(0) : Int32Array.from(met);
      const groups = levels.map((level) => known![level]!);
      for (const level of levels) known![level] = -1;
      return { crossed: known === undefined, levels, groups, names };
    });
    this.#met = this.#met.map(() => []);
    this.#numbers.clear();
    this.#list = [];
    return taken;
  }

  #number(group: number): number {
    let number = this.#numbers.get(group);
    if (number === undefined) {
      number = this.#list.push(group) - 1;
      this.#numbers.set(group, number);
    }
    return number;
  }
}

/** Whether the levels of a factor are each in one group, by what the chunks so far say. */
export class NestedLevels {
  /** The group of each level met; undefined once one was met in two. */
  #groups: Map<number, string> | undefined;

  constructor({ crossed, levels, groups, names }: LevelGroups) {
    this.#groups = crossed
      ? undefined
      : new Map(Array.from(levels, (level, i) => [level, names[groups[i]!]!] as const));
  }

  get nested(): boolean {
    return this.#groups !== undefined;
  }

  absorb(later: NestedLevels): void {
    if (this.#groups === undefined || later.#groups === undefined) {
      this.#groups = undefined;
      return;
    }
    for (const [level, group] of later.#groups) {
      const own = this.#groups.get(level);
      if (own !== undefined && own !== group) {
        this.#groups = undefined;
        return;
      }
      this.#groups.set(level, group);
    }
  }
}
