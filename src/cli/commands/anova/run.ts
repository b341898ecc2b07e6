import type { LinearModel } from "../../../linear/model/model.js";
import { readModel } from "../../../linear/model/model-file.js";
import { anovaModels, anovaTerms, type ModelRow, type TermRow } from "../../../linear/selection/anova.js";
import { version } from "../../../version.js";
import { colour } from "../../render/colour.js";
import { alignedDecimals, pValue, significant, stars } from "../../render/numbers.js";
import { print } from "../../render/print.js";
import { type Align, renderTable } from "../../render/table.js";

/** The options of `goml anova`, as commander gives them. */
export interface AnovaOptions {
  json?: boolean;
  trust?: boolean;
}

/** `goml anova`: the terms of one model in sequence, or several models compared. */
export async function anova(paths: string[], options: AnovaOptions, signal: AbortSignal): Promise<number> {
  const models: { name: string; model: LinearModel }[] = [];
  for (const name of paths)
    models.push({ name, model: await readModel(name, { trust: options.trust, signal }) });
  const { model } = models[0]!;
  const single = models.length === 1;
  if (options.json) {
    const table = single ? anovaTerms(model) : anovaModels(models);
    const document = { goml: version, command: "anova", target: model.target, models: paths, table };
    print(`${JSON.stringify(document, null, 2)}\n`);
    return 0;
  }
  const title = colour.bold(`Analysis of variance of ${model.target}`);
  const lines = single
    ? [`${title}, terms in sequence`, "", renderTerms(anovaTerms(model))]
    : [
        title,
        ...models.map((one, i) => `${i + 1}: ${one.name}, ${one.model.spec.formula}`),
        "",
        renderModels(anovaModels(models)),
      ];
  if (models.some((one) => one.model.vcov.type !== "iid"))
    lines.push(
      colour.yellow("note: F compares residual sums of squares; a robust covariance has no part in it"),
    );
  print(`${lines.join("\n")}\n`);
  return 0;
}

function renderTerms(rows: readonly TermRow[]): string {
  const squares = alignedDecimals(
    rows.map((row) => row.sumOfSquares),
    6,
  );
  const means = alignedDecimals(
    rows.map((row) => row.meanSquare),
    4,
  );
  return table(
    ["", "Df", "Sum Sq", "Mean Sq", "F", "p", ""],
    rows.map((row, i) => [row.term, String(row.df), squares[i]!, means[i]!, ...test(row)]),
  );
}

function renderModels(rows: readonly ModelRow[]): string {
  return table(
    ["", "Res. Df", "RSS", "Df", "Sum Sq", "F", "p", ""],
    rows.map((row, i) => [
      String(i + 1),
      String(row.dfResidual),
      significant(row.rss),
      ...(i === 0 ? ["", "", "", "", ""] : [String(row.df), significant(row.sumOfSquares), ...test(row)]),
    ]),
  );
}

/** F, p and the stars; nothing where there is no test. */
function test({ f, p }: { f: number; p: number }): string[] {
  return Number.isNaN(f) ? ["", "", ""] : [significant(f, 5), pValue(p), stars(p)];
}

function table(head: string[], rows: string[][]): string {
  const align = head.map((_, j): Align => (j === 0 || j === head.length - 1 ? "left" : "right"));
  return renderTable([head.map((title) => colour.dim(title)), ...rows], align);
}
