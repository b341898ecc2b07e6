import type { InfluenceBlock, InfluenceLimits } from "../linear/covariance/influence.js";

/** The measures of a row. */
export interface RowDiagnosis {
  /** The row's number, from 1, the header not counted. */
  row: number;
  /** What the column that names rows says. */
  name?: string | undefined;
  observed: number;
  fitted: number;
  residual: number;
  leverage: number;
  rstandard: number;
  rstudent: number;
  cooks: number;
  dffits: number;
}

/** How many rows stand out, by each rule, and by any. */
export interface StandingOut {
  rstudent: number;
  leverage: number;
  cooks: number;
  dffits: number;
  any: number;
}

/** The rows of some chunks that stand out; plain data. */
export interface Influential<Row extends RowDiagnosis> {
  counts: StandingOut;
  /** The rows that stand out most by Cook's distance, in falling order. */
  top: Row[];
  /** The row of the largest |rstudent|. */
  extreme: Row | undefined;
}

/** In the order of their bits in what `rulesOf` gives. */
const RULES = ["rstudent", "leverage", "cooks", "dffits"] as const;

/** By which rules row r stands out, a bit each; 0 where by none. */
export function rulesOf(
  { rstudent, leverage, cooks, dffits }: InfluenceBlock,
  r: number,
  limits: InfluenceLimits,
) {
  return (
    (Math.abs(rstudent[r]!) > limits.rstudent ? 1 : 0) |
    (leverage[r]! > limits.leverage ? 2 : 0) |
    (cooks[r]! > limits.cooks ? 4 : 0) |
    (Math.abs(dffits[r]!) > limits.dffits ? 8 : 0)
  );
}

/** The measures of row r. */
export function measuresOf(influence: InfluenceBlock, r: number) {
  return {
    residual: influence.residual[r]!,
    leverage: influence.leverage[r]!,
    rstandard: influence.rstandard[r]!,
    rstudent: influence.rstudent[r]!,
    cooks: influence.cooks[r]!,
    dffits: influence.dffits[r]!,
  };
}

/** Rows by falling Cook's distance; those without one first, for their leverage is 1; then by number. */
function byInfluence(a: RowDiagnosis, b: RowDiagnosis): number {
  const of = ({ cooks }: RowDiagnosis) => (Number.isNaN(cooks) ? Number.POSITIVE_INFINITY : cooks);
  return of(a) === of(b) ? a.row - b.row : of(b) - of(a);
}

/** Counts the rows that stand out, and keeps the first of them. */
export class InfluentialRows<Row extends RowDiagnosis> {
  readonly #most: number;
  #counts: StandingOut = { rstudent: 0, leverage: 0, cooks: 0, dffits: 0, any: 0 };
  #top: Row[] = [];
  #extreme: Row | undefined;

  /** @param most how many rows to keep */
  constructor(most: number) {
    this.#most = most;
  }

  /** Whether a row has anything to add. */
  concerns(rules: number, rstudent: number): boolean {
    return rules !== 0 || this.#isFurther(rstudent);
  }

  add(row: Row, rules: number): void {
    if (this.#isFurther(row.rstudent)) this.#extreme = row;
    if (rules === 0) return;
    this.#counts.any++;
    for (const [bit, name] of RULES.entries()) if ((rules >> bit) & 1) this.#counts[name]++;
    if (this.#top.length === this.#most && byInfluence(row, this.#top.at(-1)!) > 0) return;
    this.#top.push(row);
    this.#top.sort(byInfluence).splice(this.#most);
  }

  /** Adds the rows of another chunk, which come later. */
  merge({ counts, top, extreme }: Influential<Row>): void {
    for (const name of [...RULES, "any"] as const) this.#counts[name] += counts[name];
    this.#top = [...this.#top, ...top].sort(byInfluence).slice(0, this.#most);
    if (extreme !== undefined && this.#isFurther(extreme.rstudent)) this.#extreme = extreme;
  }

  /** What there is, to begin anew. */
  take(): Influential<Row> {
    const taken = { counts: this.#counts, top: this.#top, extreme: this.#extreme };
    this.#counts = { rstudent: 0, leverage: 0, cooks: 0, dffits: 0, any: 0 };
    this.#top = [];
    this.#extreme = undefined;
    return taken;
  }

  #isFurther(rstudent: number): boolean {
    return Math.abs(rstudent) > Math.abs(this.#extreme?.rstudent ?? 0);
  }
}
