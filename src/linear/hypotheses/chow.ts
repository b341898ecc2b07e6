import { ModelError } from "../../errors.js";
import { inOneGo } from "../../parallel/steps.js";
import { fSurvival } from "../../stats/distributions.js";
import type { LinearModel } from "../model/model.js";
import { mergeTreeSteps } from "../solve/merge-steps.js";
import { solve } from "../solve/solve.js";

/** Whether one model holds in all groups. */
export interface ChowTest {
  groups: number;
  /** The residual sums of squares of one fit to the rows of all, and of a fit to each group's. */
  rssTogether: number;
  rssApart: number;
  f: number;
  df1: number;
  df2: number;
  p: number;
}

/**
 * Chow's test (1960) that all groups have the same coefficients: F = ((RSS − Σ RSS_g)/(Σ p_g − p)) / (Σ RSS_g/(n − Σ p_g)), p the ranks. From the
 * groups' moments, without rows. It takes errors to be of one variance.
 *
 * @throws ModelError for penalised fits, factors, absorbed effects and too few rows
 *
 * @example
 * ```js
 * import { chowTest, fitGroupsCsv } from "goml";
 *
 * const { models } = await fitGroupsCsv("data/boston.csv", { features: ["rm", "lstat"], groupBy: "chas" });
 * const { f, df1, df2 } = chowTest(models.models);
 * console.log(f.toFixed(4), df1, df2); // 8.5010 3 500
 * ```
 */
export function chowTest(models: ReadonlyMap<string, LinearModel>): ChowTest {
  const all = [...models.values()];
  const [first] = all;
  if (first === undefined || all.length < 2) throw new ModelError("a test between groups needs two groups");
  if (all.some(({ penalty }) => penalty !== undefined))
    throw new ModelError("penalised fits are biased, and have no F test");
  if (
    first.absorbed !== undefined ||
    all.some(({ spec }) => spec.variables.some(({ kind }) => kind === "factor"))
  )
    throw new ModelError(
      "the groups' models have factors, whose levels they do not share: there is no test between them",
      {
        hint: "fit the groups as a factor that multiplies the terms, and test these",
      },
    );
  const together = solve(inOneGo(mergeTreeSteps(all.map(({ moments }) => moments))), first.regression, {
    inverse: false,
  });
  const rssApart = all.reduce((sum, { rss }) => sum + rss, 0);
  const ranks = all.reduce((sum, { rank }) => sum + rank, 0);
  const df1 = ranks - together.rank;
  const df2 = all.reduce((sum, { n }) => sum + n, 0) - ranks;
  if (df1 <= 0 || df2 <= 0)
    throw new ModelError(
      "the groups have too few rows for a test between them: no degrees of freedom are left",
    );
  const f = (together.rss - rssApart) / df1 / (rssApart / df2);
  return { groups: all.length, rssTogether: together.rss, rssApart, f, df1, df2, p: fSurvival(f, df1, df2) };
}
