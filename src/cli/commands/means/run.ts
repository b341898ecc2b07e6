import { UsageError } from "../../../errors.js";
import { notOfDrawsNotes } from "../../../linear/covariance/vcov.js";
import type { Adjustment } from "../../../linear/hypotheses/adjust.js";
import { type MarginalMeans, marginalMeans } from "../../../linear/hypotheses/marginal-means.js";
import type { LinearModel } from "../../../linear/model/model.js";
import { readAnyModel } from "../../../linear/model/model-file.js";
import { withPauses } from "../../../parallel/with-pauses.js";
import { version } from "../../../version.js";
import { type GroupOption, oneOfGroups } from "../../program/one-of-groups.js";
import { list } from "../../program/option-values.js";
import { colour } from "../../render/colour.js";
import { covarianceText } from "../../render/covariance-text.js";
import { renderEstimateRows } from "../../render/estimate-rows.js";
import { significant } from "../../render/numbers.js";
import { print } from "../../render/print.js";
import { renderNotes } from "../../render/summary.js";
import { setLines } from "../../render/table.js";

/** The options of `goml means`, as commander gives them. */
export interface MeansFlags extends GroupOption {
  by?: string[];
  at?: string[];
  trend?: string;
  pairs?: boolean;
  adjust: Adjustment | "tukey";
  level: number;
  trust?: boolean;
  json?: boolean;
}

/** `goml means`: the means of predictions over a model's reference grid, or slopes, and their pairs. */
export async function means(
  path: string,
  options: MeansFlags,
  signal: AbortSignal,
  all: readonly (string | readonly string[])[],
): Promise<number> {
  const of = all.slice(1).flat() as string[];
  const { by, trend, adjust, level, pairs = false, group } = options;
  if (!pairs && adjust !== "tukey") throw new UsageError("--adjust is for pairs: give --pairs too");
  if (of.length === 0 && trend === undefined)
    throw new UsageError("say of which factors there should be means", {
      hint: "goml means model.json region",
    });
  const model = oneOfGroups(await readAnyModel(path, { trust: options.trust, signal }), path, group);
  if (model.penalty === undefined) await withPauses(model.whiteningSteps(), { signal });
  const at = valuesOf(options.at ?? []);
  // Without pairs none are made: of many means there are very many.
  const compared = pairs
    ? { of, ...(by === undefined ? {} : { by }) }
    : { of: [], by: [...of, ...(by ?? [])] };
  const found = marginalMeans(model, {
    ...compared,
    at,
    adjust,
    level,
    ...(trend === undefined ? {} : { trend }),
  });
  if (options.json) {
    const { means: rows, pairs: differences, columns, held } = found;
    const about = {
      goml: version,
      command: "means",
      model: path,
      target: model.target,
      vcov: model.vcov.type,
      level,
    };
    const asked = { columns, held, ...(trend === undefined ? {} : { trend }) };
    const notes = notOfDrawsNotes(model.vcov);
    const noted = notes.length === 0 ? {} : { notes };
    const document = {
      ...about,
      ...asked,
      means: rows,
      ...(pairs ? { adjust, pairs: differences } : {}),
      ...noted,
    };
    print(`${JSON.stringify(document, null, 2)}\n`);
  } else print(render(model, found, options));
  return 0;
}

/** column=a,b, of each option one. */
function valuesOf(options: readonly string[]): Record<string, string[]> {
  const values: Record<string, string[]> = {};
  for (const text of options) {
    const at = text.indexOf("=");
    if (at < 1 || at === text.length - 1)
      throw new UsageError(`--at ${text}: expected column=value, or several values between commas`);
    values[text.slice(0, at)] = list(text.slice(at + 1));
  }
  return values;
}

function render(
  model: LinearModel,
  found: MarginalMeans,
  { pairs, trend, adjust, level }: MeansFlags,
): string {
  const what = trend === undefined ? "Marginal means" : `Slopes on ${trend}`;
  const { columns, means: rows } = found;
  const notes = [...rows, ...(pairs ? found.pairs : [])].some(({ estimate }) => Number.isNaN(estimate))
    ? [
        model.absorbed !== undefined && trend === undefined
          ? "absorbed effects leave means without a level; differences (--pairs) have none"
          : "NA where the rows of the fit do not determine it",
      ]
    : [];
  notes.push(...notOfDrawsNotes(model.vcov));
  const lines = [...renderNotes(notes), colour.bold(`${what} of ${model.target}`), ""];
  const named = rows.map(({ values }) => values.map(String));
  const title = trend === undefined ? "Mean" : "Slope";
  lines.push(renderEstimateRows(columns, named, rows, { title, level, tests: trend !== undefined }), "");
  if (pairs && found.pairs.length > 0) {
    const text = (values: readonly (number | string)[]) => values.join(" ");
    const differences = found.pairs.map(({ first, second }) => [`${text(first)} − ${text(second)}`]);
    lines.push(
      renderEstimateRows([""], differences, found.pairs, { title: "Difference", level, tests: true }),
    );
    lines.push(colour.dim(`p and intervals of pairs: ${ADJUSTED[adjust]}`), "");
  }
  const held = Object.entries(found.held).map(([name, value]) => `${name} ${significant(value)}`);
  if (held.length > 0) lines.push(colour.dim(`at ${held.join(", ")}; other factors' levels count alike`));
  const degrees = rows.map(({ df }) => df);
  lines.push(colour.dim(`covariance: ${covarianceText(model, degrees)}`));
  return `${setLines(lines)}\n`;
}

const ADJUSTED: Record<MeansFlags["adjust"], string> = {
  tukey: "Tukey's studentized range",
  none: "not adjusted",
  bonferroni: "Bonferroni",
  holm: "Holm, intervals Bonferroni",
  bh: "Benjamini & Hochberg, intervals Bonferroni",
};
