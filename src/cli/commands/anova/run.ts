import { UsageError } from "../../../errors.js";
import { notOfDrawsNotes, vcovName } from "../../../linear/covariance/vcov.js";
import { type JointType, jointModelsSteps, jointTestsSteps } from "../../../linear/joint/joint-tests.js";
import type { JointStatistic } from "../../../linear/joint/statistics.js";
import { LinearModel } from "../../../linear/model/model.js";
import { readAnyModel } from "../../../linear/model/model-file.js";
import { ModelGroup } from "../../../linear/model/model-group.js";
import {
  type AnovaType,
  anovaGroupsSteps,
  anovaModels,
  anovaTermsSteps,
  type ComparedModel,
  type ModelRow,
  type TermRow,
} from "../../../linear/selection/anova.js";
import { withPauses } from "../../../parallel/with-pauses.js";
import { version } from "../../../version.js";
import { type GroupOption, groupsOrOne } from "../../program/one-of-groups.js";
import { colour } from "../../render/colour.js";
import { jointDocument, renderJoint } from "../../render/joint.js";
import { moreLines, shownOf } from "../../render/long-list.js";
import { alignedDecimals, count, pValue, significant, stars } from "../../render/numbers.js";
import { print } from "../../render/print.js";
import { renderNotes } from "../../render/summary.js";
import { type Align, renderTable, setLines } from "../../render/table.js";

/** The options of `goml anova`, as commander gives them. */
export interface AnovaOptions extends GroupOption {
  type: "1" | "2" | "3";
  test?: JointStatistic;
  json?: boolean;
  trust?: boolean;
}

/** `goml anova`: the terms of one model in sequence, or several models compared. */
export async function anova(paths: string[], options: AnovaOptions, signal: AbortSignal): Promise<number> {
  const models: ComparedModel[] = [];
  const grouped: boolean[] = [];
  for (const name of paths) {
    const found = await readAnyModel(name, { trust: options.trust, signal });
    grouped.push(found instanceof ModelGroup);
    models.push({
      name,
      model: found instanceof ModelGroup ? groupsOrOne(found, name, options.group) : found,
    });
  }
  const { model } = models[0]!;
  if (options.test !== undefined) return jointly(models, { ...options, test: options.test }, signal);
  if (options.group !== undefined && !models.some((_, i) => grouped[i]))
    throw new UsageError(`${paths.join(", ")}: without groups, of which --group could name one`);
  const type = Number(options.type) as AnovaType;
  const kind = type === 1 ? {} : { type, ...(type === 3 ? { contrasts: "sum" } : {}) };
  const document = { goml: version, command: "anova", target: model.target, models: paths, ...kind };
  if (models.length > 1) {
    if (type !== 1)
      throw new UsageError(`--type ${type} is of the terms of one model, and ${models.length} are compared`);
    const table = anovaModels(models);
    const notes = notesOf(models, type);
    if (options.json) print(`${JSON.stringify({ ...document, table, ...notes }, null, 2)}\n`);
    else {
      const named = models.map((one, i) => `${i + 1}: ${one.name}, ${formulaOf(one)}`);
      printTable(model.target, [...named, "", renderModels(table)], models);
    }
    return 0;
  }
  if (!(model instanceof ModelGroup)) {
    const table = await withPauses(anovaTermsSteps(model, type), { signal });
    const notes = notesOf(models, type);
    if (options.json) print(`${JSON.stringify({ ...document, table, ...notes }, null, 2)}\n`);
    else printTable(`${model.target}, ${KINDS[type]}`, ["", renderTerms(table)], models, type);
    return 0;
  }
  const { table, groups } = await withPauses(anovaGroupsSteps(model, type), { signal });
  if (options.json) {
    const own = Array.from(groups, ([group, rows]) => ({ group, table: rows }));
    print(`${JSON.stringify({ ...document, groupBy: model.groupBy, table, groups: own }, null, 2)}\n`);
  } else {
    const lines = ["", renderTerms(table), "", ...renderGroups(model.groupBy, groups)];
    printTable(
      `${model.target}, ${KINDS[type]}, all ${count(groups.size)} groups together`,
      lines,
      models,
      type,
    );
  }
  return 0;
}

/** `goml anova --test`: joint tests on several targets. */
async function jointly(
  models: readonly ComparedModel[],
  { test, type, group, json }: AnovaOptions & { test: JointStatistic },
  signal: AbortSignal,
): Promise<number> {
  const single = models.map(({ name, model }) => {
    if (model instanceof ModelGroup || group !== undefined)
      throw new UsageError(`--test is of models of several targets, and ${name} has models by group`);
    return { name, model };
  });
  if (type === "3")
    throw new UsageError("--type 3 has no joint tests", {
      hint: "--type 2 tests each term after all others but those that contain it",
    });
  if (type !== "1" && models.length > 1)
    throw new UsageError(`--type ${type} is of the terms of one model, and ${models.length} are compared`);
  const [{ model }] = single as [{ name: string; model: LinearModel }];
  const steps =
    single.length > 1 ? jointModelsSteps(single) : jointTestsSteps(model, Number(type) as JointType);
  const tests = await withPauses(steps, { signal });
  const robust = single.some((one) => one.model.vcov.type !== "iid");
  const notes = robust
    ? ["joint tests compare residual cross-products; a robust covariance has no part in them"]
    : [];
  if (json) {
    const head = { goml: version, command: "anova", models: single.map(({ name }) => name) };
    const kind = type === "1" ? {} : { type: Number(type) };
    const document = { ...head, ...kind, test, joint: jointDocument(tests), notes };
    print(`${JSON.stringify(document, null, 2)}\n`);
    return 0;
  }
  const named =
    single.length > 1 ? single.map((one, i) => `${i + 1}: ${one.name}, ${one.model.spec.formula}`) : [];
  const what = single.length > 1 ? "each model against the one before" : KINDS[Number(type) as AnovaType];
  const lines = [
    ...renderNotes(notes),
    `${colour.bold(`Joint tests of ${tests.targets.join(", ")}`)}, ${what}`,
    ...named,
    "",
    renderJoint(tests, test),
  ];
  if (test === "roy") lines.push(colour.dim("F of Roy's root is an upper bound, p a lower one"));
  print(`${setLines(lines)}\n`);
  return 0;
}

function formulaOf({ model }: ComparedModel): string {
  return `${model.spec.formula}${model instanceof ModelGroup ? `, by ${model.groupBy}` : ""}`;
}

const KINDS: Record<AnovaType, string> = {
  1: "terms in sequence",
  2: "each term after all but those that contain it (type II)",
  3: "each term after all others (type III)",
};

/** Remarks on what a robust covariance, or the draws of a bootstrap, have to do with F; nothing where there are none. */
function notesOf(models: readonly ComparedModel[], type: AnovaType): { notes?: string[] } {
  const own = models.flatMap(({ model }) => (model instanceof LinearModel ? [model.vcov] : []));
  const robust = own.some((vcov) => vcov.type !== "iid");
  const notes =
    type !== 1
      ? own.flatMap(notOfDrawsNotes)
      : robust
        ? ["F compares residual sums of squares; a robust covariance has no part in it"]
        : [];
  return notes.length === 0 ? {} : { notes };
}

function printTable(
  title: string,
  lines: readonly string[],
  models: readonly ComparedModel[],
  type: AnovaType = 1,
): void {
  const [first] = models;
  const vcov = first!.model instanceof LinearModel ? first!.model.vcov : undefined;
  const { notes = [] } = notesOf(models, type);
  const all = [...renderNotes(notes), colour.bold(`Analysis of variance of ${title}`), ...lines];
  if (type === 3)
    all.push(colour.dim("factors coded by sum contrasts (contr.sum), whatever the model's reference levels"));
  if (type !== 1 && vcov !== undefined && vcov.type !== "iid")
    all.push(colour.dim(`Wald tests, covariance: ${vcovName(vcov)}`));
  print(`${setLines(all)}\n`);
}

/** A line per group: the p of each term, against the group's own residual variance. */
function renderGroups(groupBy: string, groups: ReadonlyMap<string, readonly TermRow[]>): string[] {
  const shown = shownOf([...groups]);
  const terms = [...new Set(shown.flatMap(([, rows]) => rows.slice(0, -1).map(({ term }) => term)))];
  const lines = shown.map(([group, rows]) => {
    const p = new Map(rows.map((row) => [row.term, row.p]));
    const cells = terms.map((term) => (Number.isNaN(p.get(term) ?? Number.NaN) ? "" : pValue(p.get(term)!)));
    return [group, String(rows.at(-1)!.df), ...cells];
  });
  const head = [groupBy, "Res. Df", ...terms.map((term) => `p of ${term}`)];
  const align = head.map((_, j): Align => (j === 0 ? "left" : "right"));
  return [
    renderTable({ titles: head, rows: lines, align }),
    ...moreLines(groups.size - shown.length, "groups"),
  ];
}

function renderTerms(rows: readonly TermRow[]): string {
  if (Number.isNaN(rows.at(-1)!.sumOfSquares)) {
    const own = rows.some(({ dfDenominator }) => dfDenominator !== undefined);
    const denominator = ({ dfDenominator: df }: TermRow) =>
      own ? [df === undefined ? "" : significant(df, 4)] : [];
    return table(
      ["", "Df", ...(own ? ["Den. Df"] : []), "F", "p", ""],
      rows.map((row) => [row.term, String(row.df), ...denominator(row), ...test(row)]),
    );
  }
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
  return renderTable({ titles: head, rows, align });
}
