import { wildOf } from "../../../linear/covariance/bootstrap.js";
import { notOfDrawsNotes } from "../../../linear/covariance/vcov.js";
import { averageEffects } from "../../../linear/hypotheses/average-effects.js";
import { readAnyModel } from "../../../linear/model/model-file.js";
import { withPauses } from "../../../parallel/with-pauses.js";
import { version } from "../../../version.js";
import { type GroupOption, oneOfGroups } from "../../program/one-of-groups.js";
import { colour } from "../../render/colour.js";
import { covarianceText } from "../../render/covariance-text.js";
import { renderEstimateRows } from "../../render/estimate-rows.js";
import { print } from "../../render/print.js";
import { renderNotes } from "../../render/summary.js";
import { setLines } from "../../render/table.js";

/** The options of `goml effects`, as commander gives them. */
interface EffectsFlags extends GroupOption {
  level: number;
  trust?: boolean;
  json?: boolean;
}

/** `goml effects`: average marginal effects. */
export async function effects(
  path: string,
  { level, group, trust, json }: EffectsFlags,
  signal: AbortSignal,
  all: readonly (string | readonly string[])[],
): Promise<number> {
  const columns = all.slice(1).flat() as string[];
  const model = oneOfGroups(await readAnyModel(path, { trust, signal }), path, group);
  if (model.penalty === undefined) await withPauses(model.whiteningSteps(), { signal });
  const found = averageEffects(model, { level, columns: columns.length === 0 ? undefined : columns });
  const notes = wildOf(model.vcov) === undefined ? notOfDrawsNotes(model.vcov) : [];
  if (json) {
    const { target, vcov } = model;
    const about = { goml: version, command: "effects", model: path, target, vcov: vcov.type, level };
    print(
      `${JSON.stringify({ ...about, effects: found, ...(notes.length === 0 ? {} : { notes }) }, null, 2)}\n`,
    );
    return 0;
  }
  const unknown = found.some(({ estimate }) => Number.isNaN(estimate))
    ? [
        "NA: the rows do not determine it, or its mean is not in the model (means --trend has slopes at a value)",
      ]
    : [];
  const names = found.map(({ column, level: own, reference }) => [
    column,
    own === undefined ? "" : `${own} − ${reference}`,
  ]);
  const lines = [
    ...renderNotes([...unknown, ...notes]),
    colour.bold(`Average effects on ${model.target}`),
    "",
    renderEstimateRows(["", ""], names, found, { title: "Effect", level, tests: true }),
    "",
    colour.dim(
      `covariance: ${covarianceText(
        model,
        found.map(({ df }) => df),
      )}`,
    ),
  ];
  print(`${setLines(lines)}\n`);
  return 0;
}
