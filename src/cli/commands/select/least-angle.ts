import { UsageError } from "../../../errors.js";
import type { LinearModel } from "../../../linear/model/model.js";
import { ModelGroup } from "../../../linear/model/model-group.js";
import { type AngleStep, leastAngleSteps } from "../../../linear/penalty/least-angle.js";
import { withPauses } from "../../../parallel/with-pauses.js";
import { version } from "../../../version.js";
import { colour } from "../../render/colour.js";
import { moreLines, shownOf } from "../../render/long-list.js";
import { alignedDecimals } from "../../render/numbers.js";
import { print } from "../../render/print.js";
import { renderTable, setLines } from "../../render/table.js";
import type { SelectOptions } from "./options.js";

/** `goml select --direction lar|lasso`: the path, step by step. It is there to look at, and makes no model. */
export async function leastAngles(
  path: string,
  model: LinearModel | ModelGroup,
  options: SelectOptions & { direction: "lar" | "lasso" },
  signal: AbortSignal,
): Promise<number> {
  const { direction } = options;
  if (model instanceof ModelGroup)
    throw new UsageError(
      `--direction ${direction} is the path of one model, and ${path} has models by group`,
      {
        hint: "name one with --group",
      },
    );
  if ((options.model ?? options.output) !== undefined)
    throw new UsageError(`--direction ${direction} shows a path, and makes no model`, {
      hint: "goml refit --lambda … --alpha 1 makes one of the lasso at a λ, or --lambda path by cross-validation",
    });
  if (model.instruments !== undefined)
    throw new UsageError(`--direction ${direction} is of least squares, and the model has instruments`);
  if (model.absorbed !== undefined)
    throw new UsageError(`--direction ${direction} does not go with absorbed effects`);
  const steps = await withPauses(
    leastAngleSteps(model.moments, model.regression, { lasso: direction === "lasso" }),
    { signal },
  );
  const first = model.rss / model.dfResidual;
  const rows = steps.map((step) => ({
    ...step,
    // Mallows' C_p, with σ² of all terms, and as many degrees of freedom as slopes are in.
    cp: step.rss / first - model.n + 2 * (step.nonZero + (model.intercept ? 1 : 0)),
  }));
  const named = (j: number) => model.terms[j]!;
  if (options.json) {
    const names = model.coefficientNames;
    const document = {
      goml: version,
      command: "select",
      selection: { from: path, direction, standardized: true },
      steps: rows.map(({ joins, leaves, lambda, nonZero, rss, cp, coefficients }) => ({
        joins: joins.map(named),
        ...(leaves === undefined ? {} : { leaves: named(leaves) }),
        lambda,
        nonZero,
        rss,
        cp,
        coefficients: Object.fromEntries(names.map((name, j) => [name, coefficients[j]])),
      })),
    };
    print(`${JSON.stringify(document, null, 2)}\n`);
  } else if (!options.quiet) print(render(model, direction, rows));
  return 0;
}

function render(
  model: LinearModel,
  direction: string,
  steps: readonly (AngleStep & { cp: number })[],
): string {
  const shown = shownOf([...steps]);
  const [lambdas, rss, cps] = [
    alignedDecimals(shown.map(({ lambda }) => lambda)),
    alignedDecimals(shown.map((step) => step.rss)),
    alignedDecimals(shown.map(({ cp }) => cp)),
  ];
  const rows = shown.map(({ joins, leaves, nonZero }, i) => [
    String(i + 1),
    [
      ...joins.map((j) => `+ ${model.terms[j]!}`),
      ...(leaves === undefined ? [] : [`− ${model.terms[leaves]!}`]),
    ].join(" "),
    lambdas[i]!,
    String(nonZero),
    rss[i]!,
    cps[i]!,
  ]);
  return `${setLines([
    `${colour.bold(model.target)}: ${direction === "lar" ? "least angle regression" : "the lasso's path"} on ${model.terms.length} terms, columns of standard deviation 1`,
    "",
    renderTable({
      titles: ["step", "", "λ from", "terms", "RSS", "Cp"],
      rows,
      align: ["right", "left", "right", "right", "right", "right"],
    }),
    ...moreLines(steps.length - shown.length, "steps"),
    "",
    colour.dim(
      "Cp counts the terms that are in: after a selection no standard errors are right, and none are given",
    ),
  ])}\n`;
}
