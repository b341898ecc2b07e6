import type { JointTests } from "../../linear/joint/joint-tests.js";
import type { JointStatistic, MultivariateTest } from "../../linear/joint/statistics.js";
import { pValue, significant, stars } from "./numbers.js";
import { type Align, renderTable } from "./table.js";

/** What a statistic is called above its column. */
const TITLES: Record<JointStatistic, string> = {
  pillai: "Pillai",
  wilks: "Wilks",
  "hotelling-lawley": "Hotelling-Lawley",
  roy: "Roy",
};

/** Joint tests by one of the statistics, a line for each term, as R prints them. */
export function renderJoint({ rows, dfResidual }: JointTests, statistic: JointStatistic): string {
  const lines = rows.map(({ term, df, [statistic]: test }) => [
    term,
    String(df),
    significant(test.value, 6),
    ...(Number.isNaN(test.f)
      ? ["", "", "", "", ""]
      : [
          significant(test.f, 5),
          significant(test.df1, 6),
          significant(test.df2, 6),
          pValue(test.p),
          stars(test.p),
        ]),
  ]);
  lines.push(["Residuals", String(dfResidual), "", "", "", "", "", ""]);
  const titles = ["", "Df", TITLES[statistic], "approx F", "num Df", "den Df", "p", ""];
  const align = titles.map((_, j): Align => (j === 0 || j === titles.length - 1 ? "left" : "right"));
  return renderTable({ titles, rows: lines, align });
}

/** The same as JSON, of all statistics. */
export function jointDocument({ targets, dfResidual, covariance, rows }: JointTests) {
  const named = (test: MultivariateTest) => ({ ...test });
  return {
    targets,
    dfResidual,
    covariance,
    terms: rows.map(({ term, df, pillai, wilks, "hotelling-lawley": trace, roy }) => ({
      term,
      df,
      pillai: named(pillai),
      wilks: named(wilks),
      hotellingLawley: named(trace),
      roy: named(roy),
    })),
  };
}
