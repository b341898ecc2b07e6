import { timesInOrder } from "../../dataset/times-in-order.js";

/** How often intervals cover rows that were held out from all of it. */
export interface Coverage {
  level: number;
  /** Rows held out, and those whose y lies within its interval. */
  n: number;
  covered: number;
  /** The mean width of the intervals that are bounded, and how many are not. */
  width: number;
  unbounded: number;
  /** The same of each group, where there are groups. */
  groups?: { name: string; n: number; covered: number }[] | undefined;
}

/** Rows whose target is compared with an interval: plain data. */
export interface CoveredRows {
  n: number;
  covered: number;
  /** The sum of the widths that are bounded, and how many are not. */
  widths: number;
  unbounded: number;
  /** Of each group its name, its rows and those that are covered; none without groups. */
  groups: readonly (readonly [name: string, n: number, covered: number])[];
}

/** What rows without a value in the groups' column are counted under. */
const NO_GROUP = "NA";

/** Counts rows whose target lies within its interval. */
export class CoverageCount {
  #n = 0;
  #covered = 0;
  #widths = 0;
  #unbounded = 0;
  readonly #groups = new Map<string, [n: number, covered: number]>();
  #grouped = false;

  /** @param group the row's, undefined where there are no groups, or it has none */
  add(y: number, lower: number, upper: number, group: string | undefined): void {
    const covered = lower <= y && y <= upper ? 1 : 0;
    this.#n++;
    this.#covered += covered;
    if (upper - lower < Infinity) this.#widths += upper - lower;
    else this.#unbounded++;
    this.#grouped ||= group !== undefined;
    this.#count(group ?? NO_GROUP, 1, covered);
  }

  #count(group: string, n: number, covered: number): void {
    const counts = this.#groups.get(group);
    if (counts === undefined) this.#groups.set(group, [n, covered]);
    else {
      counts[0] += n;
      counts[1] += covered;
    }
  }

  get rows(): CoveredRows {
    const groups = this.#grouped
      ? [...this.#groups].map(([name, [n, covered]]) => [name, n, covered] as const)
      : [];
    return {
      n: this.#n,
      covered: this.#covered,
      widths: this.#widths,
      unbounded: this.#unbounded,
      groups,
    };
  }

  /** Adds the rows of a later chunk. */
  absorb({ n, covered, widths, unbounded, groups }: CoveredRows): void {
    this.#n += n;
    this.#covered += covered;
    this.#widths += widths;
    this.#unbounded += unbounded;
    if (groups.length === 0 && n > 0) this.#count(NO_GROUP, n, covered);
    for (const [name, own, coveredOwn] of groups) {
      this.#grouped = true;
      this.#count(name, own, coveredOwn);
    }
  }

  /** What all rows come to. */
  coverage(level: number): Coverage {
    const { widths, groups, ...counts } = this.rows;
    const names = timesInOrder(groups.map(([name]) => name));
    const byName = new Map(groups.map(([name, n, covered]) => [name, { name, n, covered }]));
    return {
      level,
      ...counts,
      width: widths / (counts.n - counts.unbounded),
      ...(groups.length === 0 ? {} : { groups: names.map((name) => byName.get(name)!) }),
    };
  }
}
