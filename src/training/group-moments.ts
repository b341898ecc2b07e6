import type { CrossProducts } from "../stats/cross-products.js";
import type { GroupTable } from "../stats/group-table.js";
import type { LevelCodes } from "../stats/level-codes.js";
import type { SparseMoments } from "../stats/sparse-moments.js";

/** The moments of each group's folds. */
export interface GroupMoments {
  /** The groups that were met; some may have no rows. */
  readonly names: readonly string[];
  /** Whether any group has rows. */
  readonly hasRows: boolean;
  /** The moments of each fold of a group. */
  foldsOf(name: string): CrossProducts[];
}

/** The moments of groups whose rows have factors: an object for each fold of each group that has rows. */
export class SparseGroups implements GroupMoments {
  readonly groups: LevelCodes;
  /** By number of the group. */
  readonly folds: Map<number, SparseMoments[]>;
  readonly #none: () => SparseMoments[];

  constructor(groups: LevelCodes, folds: Map<number, SparseMoments[]>, none: () => SparseMoments[]) {
    this.groups = groups;
    this.folds = folds;
    this.#none = none;
  }

  get names(): readonly string[] {
    return this.groups.names;
  }

  get hasRows(): boolean {
    return [...this.folds.values()].some((folds) => folds.some(({ n }) => n > 0));
  }

  foldsOf(name: string): CrossProducts[] {
    return this.folds.get(this.groups.find(name)) ?? this.#none();
  }

  /** Merges later rows into these. */
  absorb(later: SparseGroups): this {
    for (const [group, folds] of later.folds) {
      const own = this.folds.get(group);
      if (own === undefined) this.folds.set(group, folds);
      else for (const [f, fold] of own.entries()) fold.absorb(folds[f]!);
    }
    return this;
  }

  /** The same, levels numbered in the order of `names`. */
  ordered(names: readonly (readonly string[])[]): SparseGroups {
    const ordered = (folds: SparseMoments[]) => folds.map((fold) => fold.ordered(names));
    const folds = new Map([...this.folds].map(([group, own]) => [group, ordered(own)]));
    return new SparseGroups(this.groups, folds, () => ordered(this.#none()));
  }
}

/** Either kind. */
export type AnyGroups = GroupTable | SparseGroups;
