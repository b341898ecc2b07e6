import { UsageError } from "../../../errors.js";
import { refuseOverwriting } from "../../../files/same-file.js";
import type { LinearModel } from "../../../linear/model/model.js";
import { readAnyModel } from "../../../linear/model/model-file.js";
import { ModelGroup } from "../../../linear/model/model-group.js";
import { type BestSubsets, bestSubsetsSteps } from "../../../linear/selection/best-subset.js";
import { eachGroupSteps } from "../../../linear/selection/each-group.js";
import {
  bestGroupSubsetsSteps,
  GroupSubmodels,
  selectionData,
} from "../../../linear/selection/group-submodels.js";
import { refitTermsSteps } from "../../../linear/selection/refit.js";
import {
  type Direction,
  type Selection,
  stepsAmong,
  stepwiseSteps,
} from "../../../linear/selection/stepwise.js";
import type { Criterion } from "../../../linear/selection/submodels.js";
import type { Steps } from "../../../parallel/steps.js";
import { withPauses } from "../../../parallel/with-pauses.js";
import { groupsOrOne } from "../../program/one-of-groups.js";
import { colour, screen } from "../../render/colour.js";
import { FIRST, moreLines, shownOf, WHOLE } from "../../render/long-list.js";
import { reportSteps } from "../../render/model-report.js";
import { significant } from "../../render/numbers.js";
import { presentGroups } from "../../render/present-groups.js";
import { presentModel } from "../../render/present-model.js";
import { renderTable, wrap } from "../../render/table.js";
import type { SelectOptions } from "./options.js";

const NAMES: Record<Criterion, string> = { aic: "AIC", bic: "BIC", cv: "CV RMSE" };

/** `goml select`: chooses terms by a criterion, from the moments in the model file. */
export async function select(path: string, options: SelectOptions, signal: AbortSignal): Promise<number> {
  refuseOverwriting(
    [{ path: options.model ?? options.output, what: "the new model" }],
    [{ path, what: "the model that it is chosen from" }],
  );
  const found = await readAnyModel(path, { trust: options.trust, signal });
  const model = groupsOrOne(found, path, options.group);
  const penalised =
    model instanceof ModelGroup
      ? [...model.others.values()].some(({ penalty }) => penalty !== undefined)
      : model.penalty !== undefined;
  if (penalised)
    throw new UsageError(`${path} is a penalised fit: its terms are chosen by the penalty`, {
      hint: "goml refit --lambda 0 gives the fit without it",
    });
  const { direction, criterion } = options;
  if (direction === "lar" || direction === "lasso") {
    const { leastAngles } = await import("./least-angle.js");
    return leastAngles(path, model, { ...options, direction }, signal);
  }
  if (model instanceof ModelGroup) return selectOfGroups(path, model, { ...options, direction }, signal);
  if (model.weightsKind === "probability" && criterion !== "cv")
    throw new UsageError(`with probability weights there is no likelihood, and so no ${NAMES[criterion]}`, {
      hint: "choose by --criterion cv",
    });
  const data = selectionData(model);
  const search =
    direction === "best"
      ? best(bestSubsetsSteps(data, criterion), criterion)
      : step(stepwiseSteps(data, { direction, criterion }), model, criterion);
  const chosen = await withPauses(search, { signal });
  const selected = await withPauses(refitTermsSteps(model, chosen.terms), { signal });
  const report = await withPauses(reportSteps(selected.model, selected.notes), { signal });
  await presentModel("select", report, options, {
    signal,
    path: model.source?.path,
    before: `${chosen.text}\n\n`,
    extra: { selection: { from: path, direction, criterion, ...chosen.document } },
  });
  return 0;
}

/** The same terms for all groups, by the criterion summed over them. */
async function selectOfGroups(
  path: string,
  models: ModelGroup,
  options: SelectOptions & { direction: Direction | "best" },
  signal: AbortSignal,
): Promise<number> {
  const { direction, criterion } = options;
  const submodels = new GroupSubmodels(models, criterion);
  const search =
    direction === "best"
      ? best(bestGroupSubsetsSteps(submodels), criterion)
      : step(stepsAmong(submodels, { direction, criterion }), models, criterion);
  const chosen = await withPauses(search, { signal });
  const selected = await withPauses(
    eachGroupSteps(models, (model) => refitTermsSteps(model, chosen.terms)),
    { signal },
  );
  const { silent } = submodels;
  const notes = [...selected.notes];
  if (silent.length > 0)
    notes.push(
      `${silent.length} of the groups had no say in it: all terms leave no residuals there (${silent.slice(0, 5).join(", ")}${silent.length > 5 ? ", …" : ""})`,
    );
  await presentGroups("select", selected.models, options, {
    signal,
    data: models.source?.path,
    notes,
    before: `${chosen.text}\n\n`,
    extra: { selection: { from: path, direction, criterion, ...chosen.document } },
  });
  return 0;
}

/** What a search chose, its table as text, and as JSON. */
interface Chosen {
  terms: readonly number[];
  text: string;
  document: object;
}

function* step(
  search: Steps<Selection>,
  { spec }: Pick<LinearModel, "spec">,
  criterion: Criterion,
): Steps<Chosen> {
  const { chosen, steps, criterion: value, ...rest } = yield* search;
  const lines = steps.reduce((sum, { table }) => sum + table.length, 0);
  const blocks =
    screen.all || lines <= WHOLE
      ? steps.map((one) => block(one, spec, criterion))
      : [trace(steps, criterion), block(steps.at(-1)!, spec, criterion)];
  return { terms: chosen, text: blocks.join("\n\n"), document: { ...rest, value, steps } };
}

type Step = Selection["steps"][number];

/** A step as R's `step` prints it: where it stood, and what it compared. */
function block(
  { terms, criterion: at, table }: Step,
  spec: LinearModel["spec"],
  criterion: Criterion,
): string {
  const formula = `${spec.target.label} ~ ${(screen.all || terms.length <= FIRST ? terms.join(" + ") : firstTerms(terms)) || "1"}`;
  const sums = likeTheLargest(table.map((row) => row.sumOfSquares));
  const rss = likeTheLargest(table.map((row) => row.rss));
  const values = likeTheLargest(table.map((row) => row.criterion));
  const rows = table.map(({ change, df }, i) => {
    const none = change === "<none>";
    return [change, none ? "" : String(df), none ? "" : sums[i]!, rss[i]!, values[i]!];
  });
  const shown = shownOf(rows, FIRST, FIRST / 2);
  return [
    colour.bold(`Step: ${NAMES[criterion]} = ${significant(at)}`),
    wrap(formula, screen.columns),
    "",
    renderTable({
      titles: ["", "Df", "Sum of Sq", "RSS", NAMES[criterion]],
      rows: shown,
      align: ["left", "right", "right", "right", "right"],
    }),
    ...moreLines(rows.length - shown.length, "changes"),
  ].join("\n");
}

/** The first of very many terms. */
function firstTerms(terms: readonly string[]): string {
  const shown = terms.slice(0, 12);
  return `${shown.join(" + ")} … ${terms.length - shown.length} more, --all`;
}

/** All steps in one table, a line each: what went in or out, and what it came to. */
function trace(steps: readonly Step[], criterion: Criterion): string {
  const taken = steps.slice(0, -1).map(({ table }) => table[0]!);
  const sums = likeTheLargest(taken.map((row) => row.sumOfSquares));
  const rss = likeTheLargest(taken.map((row) => row.rss));
  const values = likeTheLargest(taken.map((row) => row.criterion));
  const rows = taken.map(({ change, df }, i) => [
    String(i + 1),
    change,
    String(df),
    sums[i]!,
    rss[i]!,
    values[i]!,
  ]);
  const shown = shownOf(rows);
  return [
    colour.bold(`${rows.length} steps from ${NAMES[criterion]} ${significant(steps[0]!.criterion)}`),
    "",
    renderTable({
      titles: ["step", "change", "Df", "Sum of Sq", "RSS", NAMES[criterion]],
      rows: shown,
      align: ["right", "left", "right", "right", "right", "right"],
      names: 1,
    }),
    ...moreLines(rows.length - shown.length, "steps"),
    colour.dim("--all prints all changes that each step compared"),
  ].join("\n");
}

function* best(search: Steps<BestSubsets>, criterion: Criterion): Steps<Chosen> {
  const { bySize, best: least } = yield* search;
  const rss = likeTheLargest(bySize.map((row) => row.rss));
  const values = likeTheLargest(bySize.map((row) => row.criterion));
  const rows = bySize.map(({ rank, labels }, i) => [
    String(rank),
    rss[i]!,
    values[i]!,
    i === least ? "*" : "",
    (screen.all || labels.length <= FIRST ? labels.join(" + ") : firstTerms(labels)) || "1",
  ]);
  const titles = ["rank", "RSS", NAMES[criterion], "", "terms"];
  return {
    terms: bySize[least]!.terms,
    text:
      `the submodel of least RSS for each number of coefficients; * has the least ${NAMES[criterion]}:\n\n` +
      renderTable({ titles, rows, align: ["right", "right", "right", "left", "left"] }),
    document: { terms: bySize[least]!.labels, value: bySize[least]!.criterion, best: least, bySize },
  };
}

/** Numbers with as many decimals as show six digits of the largest. */
function likeTheLargest(values: readonly number[]): string[] {
  const largest = values.reduce((top, v) => Math.max(top, Math.abs(v)), 0);
  const decimals = Math.min(12, Math.max(0, 5 - Math.floor(Math.log10(largest || 1))));
  return values.map((v) => v.toFixed(decimals));
}
