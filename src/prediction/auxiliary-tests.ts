import { solveSteps } from "../linear/solve/solve.js";
import type { Steps } from "../parallel/steps.js";
import { chiSquareSurvival, fSurvival } from "../stats/distributions.js";
import { MergeTree } from "../stats/merge-tree.js";
import { Moments } from "../stats/moments.js";
import type { DiagnoseResult } from "./diagnose-job.js";

/** A test of an auxiliary regression: χ² on df1, or F on df1 and df2. */
export interface AuxiliaryTest {
  statistic: number;
  df1: number;
  df2: number | undefined;
  p: number;
}

/**
 * The regressions that test residuals, from moments of the whitened columns and of e² − RSS/n, the square and the cube
 * of the fitted values, and e: well conditioned whatever the model's own columns are.
 */
export class AuxiliaryMoments {
  readonly #tree = new MergeTree<Moments>();
  readonly #columns: string[];
  readonly #own: string[];
  readonly #intercept: boolean;
  #squares: [number, number] = [0, 0];
  #total: Moments | undefined;

  /** For `columns` whitened columns besides the intercept's. */
  constructor(columns: number, intercept: boolean) {
    this.#own = Array.from({ length: columns }, (_, i) => `u${i + 1}`);
    this.#columns = [...this.#own, "variance", "square", "cube", "e"];
    this.#intercept = intercept;
  }

  /** Takes a chunk's. */
  push(chunk: number, { moments, squares }: DiagnoseResult): void {
    this.#tree.push(chunk, Moments.of({ columns: this.#columns, ...moments }));
    this.#squares = [this.#squares[0] + squares[0], this.#squares[1] + squares[1]];
  }

  get #moments(): Moments {
    this.#total ??= this.#tree.finish()!;
    return this.#total;
  }

  /**
   * Breusch and Pagan's test with Koenker's studentising: e² − σ̂² regressed on the model's columns, n Σ w v̂²/Σ v²
   * as χ²; R's `lmtest::bptest`.
   *
   * @param rss Σ w e² over these rows
   * @param mean what was taken from e² when the moments were summed
   */
  *breuschPaganSteps(rss: number, mean: number): Steps<AuxiliaryTest | undefined> {
    if (this.#own.length === 0) return undefined;
    const moments = this.#moments.clone();
    yield;
    const shift = rss / moments.n - mean;
    const at = this.#columns.indexOf("variance");
    moments.mean[at]! -= shift;
    const regression = { target: "variance", terms: this.#own, intercept: this.#intercept };
    const { tss, rss: rest, rank } = yield* solveSteps(moments, regression, { inverse: false });
    const explained = tss - rest + (this.#intercept ? moments.sumW * moments.mean[at]! ** 2 : 0);
    const [sum, squares] = this.#squares;
    const total = squares - 2 * shift * sum + moments.n * shift * shift;
    const statistic = (moments.n * explained) / total;
    const df1 = rank - 1;
    return df1 > 0 ? { statistic, df1, df2: undefined, p: chiSquareSurvival(statistic, df1) } : undefined;
  }

  /** Ramsey's RESET with the squares and cubes of the fitted values; R's `lmtest::resettest`, here weighted too. */
  *resetSteps(): Steps<AuxiliaryTest | undefined> {
    const base = { target: "e", intercept: this.#intercept };
    const before = yield* solveSteps(this.#moments, { ...base, terms: this.#own }, { inverse: false });
    const terms = [...this.#own, "square", "cube"];
    const after = yield* solveSteps(this.#moments, { ...base, terms }, { inverse: false });
    const df1 = after.rank - before.rank;
    const df2 = this.#moments.n - after.rank;
    if (df1 === 0 || df2 <= 0) return undefined;
    const statistic = (before.rss - after.rss) / df1 / (after.rss / df2);
    return { statistic, df1, df2, p: fSurvival(statistic, df1, df2) };
  }
}
