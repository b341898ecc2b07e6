import type { Table } from "../csv/table.js";
import type { FactorLevels } from "../dataset/formula/coding.js";
import { structuralSpec } from "../dataset/formula/spec.js";
import { ofTarget, targetsOf } from "../dataset/formula/targets.js";
import { redundantNotes } from "../linear/instruments/check-instruments.js";
import { instrumentedRegression, type ModelInstruments } from "../linear/model/model-instruments.js";
import type { Solver } from "../linear/model/model-parts.js";
import { checkEstimable, checkRank } from "../linear/solve/aliasing.js";
import { needsExtended } from "../linear/solve/ladder.js";
import { mergeFoldsSteps } from "../linear/solve/merge-steps.js";
import type { Regression } from "../linear/solve/regression.js";
import { isConstant, type Solution } from "../linear/solve/solution.js";
import { solveTargetsSteps } from "../linear/solve/solve.js";
import { withPauses } from "../parallel/with-pauses.js";
import type { RowLayout } from "../scan/row-layout.js";
import type { ScanControl } from "../scan/scan-options.js";
import { atHand } from "../stats/combined-columns.js";
import type { CrossProducts } from "../stats/cross-products.js";
import { checkLeft, singleLevels } from "./absorbing.js";
import { checkInMemory } from "./budget.js";
import { checkFactors, checkRows } from "./check-rows.js";
import { denseWidth, summedApart } from "./design-width.js";
import { levelDoubts } from "./doubts.js";
import type { FitCsvOptions } from "./fit-options.js";
import type { EngineScan } from "./in-engine.js";
import type { MomentsPlan } from "./moments-job.js";
import type { ScannedMoments } from "./moments-result.js";
import { scanMoments } from "./scan-moments.js";
import type { Stopwatch } from "./stopwatch.js";

/** Above this condition number R's `lm` leaves terms out as dependent. */
const WARNING_CONDITION = 1e7;

/** A column as far from 0 as this many standard deviations has lost digits that a dependence could be told by. */
const FAR_DEVIATIONS = 100;

/** θ, and all that was found on the way to it. */
export interface ThetaEstimate {
  total: ScannedMoments;
  /** The moments of all folds. */
  moments: CrossProducts;
  levels: FactorLevels;
  /** What was solved, for each target: one, unless the spec has further ones. */
  targets: readonly { regression: Regression; solution: Solution }[];
  solver: Solver;
  notes: string[];
}

/**
 * Scans a table for its moments and solves for θ by the solver asked for. `auto` goes up the ladder of accuracy: where
 * double precision was not enough, the table is scanned again for double-double moments.
 */
export async function fitTheta(
  scan: {
    table: Table;
    layout: RowLayout;
    plan: MomentsPlan;
    control: ScanControl;
    /** What gives the sums in the place of a scan, where a database makes them. */
    engine?: EngineScan | undefined;
    /** Where the plan's spec has instruments. */
    instruments?: ModelInstruments | undefined;
  },
  options: FitCsvOptions,
  watch: Stopwatch,
): Promise<ThetaEstimate> {
  const { table, layout, plan, control, engine, instruments } = scan;
  const { spec } = plan;
  const { solver = "auto", references = {}, signal } = options;
  const notes: string[] = [];
  const width = denseWidth(spec);
  let without: readonly (readonly string[])[] | undefined;
  const scanned = (extended: boolean) => {
    const what = { ...plan, extended, without };
    return watch.scan(async () =>
      engine === undefined
        ? scanMoments(table, layout, what, { ...control, apart: summedApart(width, what) })
        : { total: await engine.scan(extended), threads: 1 },
    );
  };
  let { total, threads } = await scanned(plan.extended);
  watch.threads = threads;
  await checkRows(table, layout, total, options);
  checkFactors(table, total);
  if (options.dropSingletons === true) {
    without = singleLevels(await withPauses(mergeFoldsSteps(total.folds), control));
    if (without !== undefined) {
      ({ total, threads } = await scanned(plan.extended));
      watch.threads = threads;
      checkLeft(table, total);
    }
  }

  const { levels } = total;
  notes.push(...levelDoubts(levels, spec, table, options.text));
  const regressions = targetsOf(spec).map((target) =>
    instrumentedRegression(structuralSpec(ofTarget(spec, target)), levels, references, instruments),
  );
  const [regression] = regressions as [Regression];
  let moments = await withPauses(mergeFoldsSteps(total.folds), control);
  for (const own of regressions) checkEstimable(moments, own);
  const keys = regressions.map(({ target }) => target);
  const solved = () => watch.solve(() => withPauses(solveTargetsSteps(moments, regression, keys), control));
  const found = (solutions: readonly Solution[], by: Solver): ThetaEstimate => {
    const targets = regressions.map((own, t) => ({ regression: own, solution: solutions[t]! }));
    return { total, moments, levels, targets, solver: by, notes };
  };
  const readAll = async () => {
    checkInMemory(moments.n, regression.terms.length);
    const { readDesign } = await import("./read-design.js");
    return watch.scan(() => readDesign(table, layout, { spec, levels, references }, plan, signal));
  };
  if (solver === "qr") {
    const { qrSteps } = await import("../linear/solve/qr.js");
    const { X, y, weights } = await readAll();
    const k = regression.terms.length;
    const solution = await watch.solve(() => withPauses(qrSteps(X, y, k, spec.intercept, weights), control));
    checkRank(moments, regression, solution.rank);
    return found([solution], "qr");
  }
  let used: Solver = plan.extended ? "extended" : "normal";
  let solutions = await solved();
  const doubtful = solutions.find((own, t) => needsExtended(own, moments, regressions[t]!));
  if (solver === "auto" && used === "normal" && doubtful !== undefined) {
    await engine?.checkExact(doubtful);
    ({ total, threads } = await scanned(true));
    moments = await withPauses(mergeFoldsSteps(total.folds), control);
    solutions = await solved();
    used = "extended";
    notes.push(
      engine === undefined
        ? "double precision was not enough: the moments were summed again in double-double"
        : "double precision was not enough: the moments were summed again in integers, exactly",
    );
  }
  const [solution] = solutions as [Solution];
  if (options.lambda === undefined || options.lambda === 0) checkRank(moments, regression, solution.rank);
  notes.push(...redundantNotes(solution, regression), ...digitNotes(moments, regression, solution));
  if (solution.conditionNumber > WARNING_CONDITION)
    notes.push(
      "the terms are close to linearly dependent: θ is right for these very numbers, but changes much with " +
        "their last digits",
    );
  if (solver === "gd") {
    const { solveByDescent } = await import("./solve-by-descent.js");
    const design = await readAll();
    const how = { ...options.descent, intercept: spec.intercept, signal };
    const descent = await watch.solve(() => solveByDescent(design, solution, how));
    notes.push(descent.note);
    return found([descent.solution], "gd");
  }
  return found(solutions, used);
}

/** Remarks on columns that were left out as dependent as far as their digits tell, for they lie far from 0. */
function digitNotes(given: CrossProducts, regression: Regression, { aliased }: Solution): string[] {
  const moments = atHand(given, regression.terms);
  return aliased.flatMap((j) => {
    const at = moments.index(regression.terms[j]!);
    if (at < 0 || !regression.intercept || regression.computed?.has(j)) return [];
    const mean = Math.abs(moments.mean[at]!);
    const deviation = Math.sqrt(moments.product(at, at) / moments.sumW);
    if (isConstant(moments.product(at, at), moments.sumW, mean) || !(mean > FAR_DEVIATIONS * deviation))
      return [];
    return [
      `${regression.terms[j]} lies ${Math.round(mean / deviation)} standard deviations from 0, and depends on the terms ` +
        "before it as far as its digits tell: it is left out",
    ];
  });
}
