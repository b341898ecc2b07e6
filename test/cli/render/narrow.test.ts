import { expect, test } from "vitest";
import { reportSteps } from "../../../src/cli/render/model-report.js";
import { renderSummary } from "../../../src/cli/render/summary.js";
import { displayWidth } from "../../../src/cli/render/table.js";
import { fitCsv } from "../../../src/index.js";
import { inOneGo } from "../../../src/parallel/steps.js";

test("a summary has room in narrow terminals: its table is broken in parts, with all figures of the usual one", async () => {
  const { model } = await fitCsv("data/boston.csv", { target: "medv", threads: 1 });
  const report = inOneGo(reportSteps(model));
  const text = (columns: number) =>
    renderSummary(report, { level: 0.95, vif: false, correlation: false }, columns);
  for (const columns of [40, 50, 60, 80, 120])
    expect(
      text(columns)
        .split("\n")
        .filter((line) => displayWidth(line) > columns),
    ).toEqual([]);
  const narrow = text(40);
  // A header and a line of each coefficient in each of two parts.
  expect(narrow).toMatch(/^ +Estimate +Std\. Error\n\(Intercept\) +36\.4594884 +5\.103459\ncrim /m);
  expect(narrow).toMatch(/^ +t value +p\n\(Intercept\) +7\.144 +3\.3e-12 {2}\*\*\*\ncrim /m);
  expect(text(60)).toMatch(/^ +Estimate +Std\. Error +t value +p$/m);
});
