import { UsageError } from "../../../errors.js";
import { clusterNotes } from "../../../linear/covariance/vcov.js";
import { type Adjustment, adjustP } from "../../../linear/hypotheses/adjust.js";
import { chowTest } from "../../../linear/hypotheses/chow.js";
import { type RestrictedFit, restrictedFit } from "../../../linear/hypotheses/restricted.js";
import { type HypothesisRow, type JointTest, testHypotheses } from "../../../linear/hypotheses/wald-tests.js";
import type { LinearModel } from "../../../linear/model/model.js";
import { readAnyModel } from "../../../linear/model/model-file.js";
import { ModelGroup } from "../../../linear/model/model-group.js";
import { withPauses } from "../../../parallel/with-pauses.js";
import { version } from "../../../version.js";
import { type GroupOption, groupsOrOne } from "../../program/one-of-groups.js";
import { colour } from "../../render/colour.js";
import { covarianceText, degreesText } from "../../render/covariance-text.js";
import { moreLines, shownOf } from "../../render/long-list.js";
import { alignedDecimals, pValue, significant, stars, tValue } from "../../render/numbers.js";
import { print } from "../../render/print.js";
import { renderNotes } from "../../render/summary.js";
import { type Align, renderTable, setLines } from "../../render/table.js";

/** The options of `goml test`, as commander gives them. */
export interface TestOptions extends GroupOption {
  each?: boolean;
  constrain?: boolean;
  chow?: boolean;
  adjust: Adjustment;
  level: number;
  trust?: boolean;
  json?: boolean;
}

/** `goml test`: linear hypotheses about the coefficients of a model, or of each model by group. */
export async function test(
  path: string,
  options: TestOptions,
  signal: AbortSignal,
  all: readonly string[],
): Promise<number> {
  const { each = false, adjust, level, group } = options;
  const texts = all.slice(1);
  if (adjust !== "none" && !each)
    throw new UsageError("--adjust is for tests of each hypothesis by itself: give --each too");
  if (options.constrain && each)
    throw new UsageError("--constrain puts all hypotheses in together, and --each takes each by itself", {
      hint: "leave one of them out",
    });
  const model = groupsOrOne(await readAnyModel(path, { trust: options.trust, signal }), path, group);
  const about = { goml: version, command: "test", model: path, target: model.target };
  if (options.chow) return chow(model, texts, about, options);
  if (options.constrain && model instanceof ModelGroup)
    throw new UsageError("--constrain fits one model, and these are models by group", {
      hint: "name one with --group",
    });
  if (model instanceof ModelGroup) {
    const groups = testGroups(model, texts, options);
    if (options.json) {
      const documents = groups.map(({ name, ...own }) => ({ group: name, ...own }));
      print(`${JSON.stringify({ ...about, groupBy: model.groupBy, groups: documents }, null, 2)}\n`);
    } else print(renderGroups(model, groups, options));
    return 0;
  }
  if (model.penalty === undefined) await withPauses(model.whiteningSteps(), { signal });
  const tests = testsOf(model, texts, options);
  if (options.constrain) {
    const restricted = restrictedFit(model, texts, level);
    if (options.json)
      print(`${JSON.stringify({ ...about, level, ...restricted, joint: tests.joint }, null, 2)}\n`);
    else print(renderRestricted(model, restricted, tests.joint!, level));
    return 0;
  }
  if (options.json) {
    const { type } = model.vcov;
    print(`${JSON.stringify({ ...about, vcov: type, level, ...tests }, null, 2)}\n`);
  } else print(renderTests(model, tests, options));
  return 0;
}

/** Chow's test between the groups of models by group. */
function chow(
  model: LinearModel | ModelGroup,
  texts: readonly string[],
  about: object,
  { json, each, constrain }: TestOptions,
): number {
  if (!(model instanceof ModelGroup))
    throw new UsageError("--chow tests whether one model holds in all groups, and this is one model", {
      hint: "goml train --group-by … fits one for each",
    });
  if (texts.length > 0 || each || constrain)
    throw new UsageError("--chow is a hypothesis by itself: leave the others out");
  const found = chowTest(model.models);
  if (json) {
    print(`${JSON.stringify({ ...about, groupBy: model.groupBy, chow: found }, null, 2)}\n`);
    return 0;
  }
  const { groups, f, df1, df2, p, rssTogether, rssApart } = found;
  const notes =
    model.refused.length > 0 ? [`${model.refused.length} groups without a model are left out`] : [];
  print(
    `${setLines([
      ...renderNotes(notes),
      `${colour.bold(model.target)}: the same coefficients in all ${groups} groups by ${model.groupBy} (Chow)`,
      "",
      `F ${significant(f)} on ${df1} and ${df2} DF, p ${pValue(p)}   RSS ${significant(rssTogether)} together, ${significant(rssApart)} apart`,
    ])}\n`,
  );
  return 0;
}

/** The tests as they are asked for: together, or each by itself with p adjusted. */
interface Tests {
  hypotheses: (HypothesisRow & { adjustedP?: number })[];
  adjust?: Adjustment;
  joint?: JointTest;
  notes: string[];
}

function testsOf(model: LinearModel, texts: readonly string[], options: TestOptions): Tests {
  const { each, adjust, level } = options;
  const { rows, joint, notes } = testHypotheses(model, texts, level);
  const adjusted = adjustP(
    rows.map(({ p }) => p),
    adjust,
  );
  return {
    hypotheses: adjust === "none" ? rows : rows.map((row, i) => ({ ...row, adjustedP: adjusted[i]! })),
    ...(each ? (adjust === "none" ? {} : { adjust }) : { joint }),
    notes: [...(each ? [] : notes), ...clusterNotes(model.vcov)],
  };
}

/** A group's tests, or why there are none. */
type GroupTests = { name: string } & (Tests | { reason: string });

function testGroups(models: ModelGroup, texts: readonly string[], options: TestOptions): GroupTests[] {
  const groups: GroupTests[] = [];
  let first: unknown;
  for (const [name, model] of models.models)
    try {
      groups.push({ name, ...testsOf(model, texts, options) });
    } catch (error) {
      first ??= error;
      groups.push({ name, reason: (error as Error).message });
    }
  // What no group can answer is no fault of the groups.
  if (groups.every((one) => "reason" in one)) throw first ?? new UsageError("no group has a model");
  return groups;
}

function renderTests(model: LinearModel, tests: Tests, { each, adjust, level }: TestOptions): string {
  const lines = [
    ...renderNotes(tests.notes),
    colour.bold(`Linear hypotheses about ${model.target}`),
    "",
    renderRows(tests.hypotheses, level, adjust),
    "",
  ];
  if (tests.joint !== undefined) lines.push(...renderJoint(tests.joint));
  const degrees = model.vcov.type === "iid" ? [] : tests.hypotheses.map(({ df }) => df);
  lines.push(colour.dim(`covariance: ${covarianceText(model, degrees)}`));
  if (each && adjust !== "none") lines.push(colour.dim(`p adjusted: ${adjust}`));
  return `${setLines(lines)}\n`;
}

/** The coefficients under the hypotheses, and the test of these. */
function renderRestricted(model: LinearModel, fit: RestrictedFit, joint: JointTest, level: number): string {
  const { constraints, coefficients, sigma, dfResidual, notes } = fit;
  const rows = coefficients.map(({ term, ...row }) => ({
    ...row,
    hypothesis: term,
    value: 0,
    df: dfResidual,
  }));
  return `${setLines([
    ...renderNotes(notes),
    `${colour.bold(model.target)} under ${constraints.join(", ")}`,
    "",
    renderRows(rows, level, "none"),
    "",
    `σ ${significant(sigma)} on ${dfResidual} degrees of freedom, ${significant(model.sigma)} on ${model.dfResidual} without`,
    ...renderJoint(joint),
  ])}\n`;
}

function renderRows(rows: Tests["hypotheses"], level: number, adjust: Adjustment): string {
  const tail = (100 * (1 - level)) / 2;
  const numbers = (read: (row: (typeof rows)[number]) => number, digits = 4) =>
    alignedDecimals(rows.map(read), digits);
  const [estimates, errors, lower, upper] = [
    numbers(({ estimate }) => estimate),
    numbers(({ stdError }) => stdError),
    numbers((row) => row.lower),
    numbers((row) => row.upper),
  ];
  const table = rows.map((row, i) => {
    const p = row.adjustedP ?? row.p;
    const below = pBelow(row, adjust, rows.length);
    const tested = [tValue(row.t, 3), pValue(p, below), stars(p, below)];
    const cells = [row.hypothesis, estimates[i]!, errors[i]!, ...tested];
    return [...cells, lower[i]!, upper[i]!];
  });
  const head = ["", "Estimate", "Std. Error", "t value", adjust === "none" ? "p" : "adjusted p", ""];
  const titles = [...head, `${significant(tail, 4)} %`, `${significant(100 - tail, 4)} %`];
  const align = titles.map((_, j): Align => (j === 0 || j === 5 ? "left" : "right"));
  const shown = shownOf(table);
  return [renderTable({ titles, rows: shown, align }), ...moreLines(table.length - shown.length)].join("\n");
}

/** What a p of 0 draws is below; adjusted, it is at most as many times that as there are tests. */
function pBelow({ pBelow: own }: HypothesisRow, adjust: Adjustment, tests: number): number | undefined {
  return own === undefined || adjust === "none" ? own : Math.min(1, own * tests);
}

function renderJoint(joint: JointTest): string[] {
  const { f, df1, df2, p, chiSquare, chiSquareP, lr, lrP, lm, lmP } = joint;
  if (Number.isNaN(f))
    return [`no test of all ${df1} together: their robust covariance is singular, as with fewer clusters`];
  const together = df1 === 1 ? "" : `all ${df1} together: `;
  const lines = [
    `${together}F ${significant(f)} on ${df1} and ${degreesText(df2)} DF, p ${pValue(p)}   ` +
      `χ² ${significant(chiSquare)} on ${df1}, p ${pValue(chiSquareP)}`,
  ];
  if (lr !== undefined)
    lines.push(
      `likelihood ratio ${significant(lr)}, p ${pValue(lrP!)}   ` +
        `Lagrange multiplier ${significant(lm!)}, p ${pValue(lmP!)}`,
    );
  return lines;
}

/** A line per group: its joint test, or each hypothesis' p. */
function renderGroups(
  models: ModelGroup,
  groups: readonly GroupTests[],
  { each, adjust }: TestOptions,
): string {
  const shown = shownOf(groups);
  const found = groups.find((one): one is { name: string } & Tests => !("reason" in one))!;
  const texts = found.hypotheses.map(({ hypothesis }) => hypothesis);
  const head = each ? texts.map((text) => `p of ${text}`) : ["F", "Df", "Res. Df", "p", ""];
  const lines = shown.map((one) => {
    if ("reason" in one) return [one.name, colour.dim("no test")];
    if (one.joint === undefined)
      return [one.name, ...one.hypotheses.map((row) => pValue(row.adjustedP ?? row.p))];
    const { f, df1, df2, p } = one.joint;
    return [one.name, significant(f), String(df1), String(df2), pValue(p), stars(p)];
  });
  const reasons = shown.flatMap((one) => ("reason" in one ? [`${one.name}: ${one.reason}`] : []));
  const text = [
    ...renderNotes(reasons),
    colour.bold(`Linear hypotheses about ${models.target}, by ${models.groupBy}`),
    ...(each ? [] : texts.map((hypothesis) => `  ${hypothesis}`)),
    "",
    renderTable({
      titles: [models.groupBy, ...head],
      rows: lines,
      align: ["left", ...head.map((title): Align => (title === "" ? "left" : "right"))],
    }),
    ...moreLines(groups.length - shown.length, "groups"),
  ];
  if (each && adjust !== "none") text.push(colour.dim(`p adjusted within each group: ${adjust}`));
  return `${setLines(text)}\n`;
}
