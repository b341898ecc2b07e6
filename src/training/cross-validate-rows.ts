import type { Table } from "../csv/table.js";
import { BLOCK_ROWS } from "../kernels/block-rows.js";
import { cellsOfLevels } from "../linear/model/effects-of-model.js";
import { LinearModel } from "../linear/model/model.js";
import type { RowSpacePlan } from "../linear/model/row-space.js";
import { penalizeSteps } from "../linear/penalty/penalty.js";
import type { Absorbed } from "../linear/solve/absorb.js";
import { type CrossValidation, leaveOneOut } from "../linear/solve/cross-validation.js";
import type { HeldOut } from "../linear/solve/held-out.js";
import { solveSteps } from "../linear/solve/solve.js";
import type { Steps } from "../parallel/steps.js";
import { withPauses } from "../parallel/with-pauses.js";
import type { DrawPlan } from "../scan/row-draw.js";
import type { RowLayout } from "../scan/row-layout.js";
import type { ScanControl } from "../scan/scan-options.js";
import { scanTotal } from "../scan/scan-total.js";
import type { CrossProducts } from "../stats/cross-products.js";
import { CvJob, type CvPlan, CvTotal, type FoldFit, type FoldSums, merge, momentsOf } from "./cv-job.js";
import { GroupCvJob, type GroupCvPlan, type GroupCvResult, GroupCvTotal } from "./group-cv-job.js";
import { ofFit } from "./robust-vcov.js";
import { ENTRY } from "./scan-moments.js";
import type { TrainingPlan } from "./training-job.js";

/**
 * Cross-validates a model with absorbed effects in a second pass over its rows: each fold is predicted by the model of
 * the others, its effects estimated without it. Moments would not do: a row whose level the other folds do not have (or
 * whose levels they do not connect) has no prediction, and is to be left out and counted, and the moments of a fold do
 * not tell rows apart.
 *
 * @param layout the raw columns of the model's spec, target and weights among them
 * @param folds the moments of each fold
 */
export async function crossValidateRows(
  table: Table,
  layout: RowLayout,
  model: LinearModel,
  folds: readonly CrossProducts[],
  split: FoldSplit,
  control: ScanControl,
): Promise<{ cv: CrossValidation; heldOut: HeldOut[] | undefined }> {
  const { plan, found } = await withPauses(planOf(model, folds, split), control);
  const { total } = await scanTotal<TrainingPlan, FoldSums[], CvTotal>(
    table,
    layout,
    {
      plan: { cv: plan },
      create: (view) => new CvJob(view, plan),
      entry: ENTRY,
      total: (result) => new CvTotal(result),
    },
    control,
  );
  const sums = total!.folds;
  return { cv: errorsOf(plan, sums, model.terms.length), heldOut: heldOutOf(model, found, sums) };
}

/** Numbers that the blocks of groups may hold in each thread: 32 MB of them. */
const MOST_NUMBERS = 4e6;

/**
 * Cross-validates models by group with absorbed effects in a second pass over the rows of all, or in several where there are
 * very many groups: of each group the pairs from which its errors follow, where it has two folds.
 *
 * @param layout the raw columns of the models' spec, target, weights and group among them
 * @param models with the moments of each fold
 */
export async function crossValidateGroups(
  table: Table,
  layout: RowLayout,
  models: ReadonlyMap<string, LinearModel>,
  split: FoldSplit,
  control: ScanControl,
): Promise<Map<string, HeldOut[] | undefined>> {
  const held = new Map<string, HeldOut[] | undefined>();
  // A group all of whose rows are in one fold has no other to be predicted by.
  const names = [...models.keys()].filter(
    (name) => models.get(name)!.folds.filter(({ n }) => n > 0).length > 1,
  );
  const [first] = models.values();
  const { numeric, text } = first!.spec;
  const perGroup =
    BLOCK_ROWS * (2 * first!.folds.length + 1) * (first!.terms.length + numeric.length + text.length + 4);
  const most = Math.max(1, Math.floor(MOST_NUMBERS / perGroup));
  for (let from = 0; from < names.length; from += most) {
    const some = names.slice(from, from + most);
    const fits: FoundFits[] = [];
    for (const name of some) {
      const model = models.get(name)!;
      fits.push(await withPauses(planOf(model, model.folds, split), control));
    }
    const plan: GroupCvPlan = { names: some, plans: fits.map((one) => one.plan) };
    const { total } = await scanTotal<TrainingPlan, GroupCvResult, GroupCvTotal>(
      table,
      layout,
      {
        plan: { groupCv: plan },
        create: (view) => new GroupCvJob(view, plan),
        entry: ENTRY,
        total: (result) => new GroupCvTotal(result),
      },
      control,
    );
    for (const [g, name] of some.entries())
      held.set(name, heldOutOf(models.get(name)!, fits[g]!.found, total!.groups.get(g)?.folds ?? []));
  }
  return held;
}

/** How rows are put into folds. */
type FoldSplit = DrawPlan & { leaveOneOut?: boolean | undefined };

/** The models of all folds but one, by fold; undefined for one without rows. */
interface FoundFits {
  plan: CvPlan;
  found: ({ fit: FoldFit; others: CrossProducts } | undefined)[];
}

function* planOf(model: LinearModel, folds: readonly CrossProducts[], split: FoldSplit): Steps<FoundFits> {
  const fitted = yield* foldFits(model, folds);
  const found = folds.map(({ n }) => (n > 0 ? fitted.shift()! : undefined));
  const plan: CvPlan = {
    predictor: ofFit(model.predictorPlan(true)),
    columns: model.terms.length,
    fits: found.map((one) => one?.fit),
    testSize: split.testSize,
    seed: split.seed,
    firstRow: split.firstRow,
    foldBy: split.foldBy,
    leaveOneOut: split.leaveOneOut,
  };
  return { plan, found };
}

/** The pairs of each fold and the others, as far as they are known; undefined where none is. */
function heldOutOf(
  { regression: { terms, target } }: LinearModel,
  found: FoundFits["found"],
  sums: readonly FoldSums[],
): HeldOut[] | undefined {
  const heldOut = sums.flatMap(({ about }, f): HeldOut[] => {
    const others = found[f]?.others;
    if (about === undefined || others === undefined) return [];
    const { unpredicted, target: y } = about;
    return [{ others, fold: momentsOf(about, [...terms, target]), unpredicted, target: y }];
  });
  return heldOut.length > 0 ? heldOut : undefined;
}

/** Products of more columns are not kept per fold: 20 triangles of 256 columns are 5 MB. */
const MOST_COLUMNS = 256;

/** The models of all folds but one, in the places of the model of all. */
function* foldFits(
  model: LinearModel,
  folds: readonly CrossProducts[],
): Steps<{ fit: FoldFit; others: CrossProducts }[]> {
  const { spec, levels, references, solver, regression, penalty } = model;
  const k = model.terms.length;
  const all = cellsOfLevels(model).map((cells) => cells.filter((cell) => cell >= 0).length);
  return yield* leaveOneOut(folds, function* (others) {
    const plain = yield* solveSteps(others, regression, { inverse: false });
    const solution =
      penalty === undefined ? plain : (yield* penalizeSteps(others, [], regression, plain, penalty)).solution;
    const fold = LinearModel.of({ spec, levels, references, solver, solution, moments: others });
    const cells = cellsOfLevels(fold);
    // A level without rows of positive weight has no place in the model of all.
    const known = cellsOfLevels(model).map((own, f) => cells[f]!.filter((_, level) => own[level]! >= 0));
    const { plan, values } = yield* fold.predictedEffectsSteps();
    const places: number[] = Array.from({ length: k + 1 }, (_, j) => j);
    const weights = new Float64Array(k + 1 + all.reduce((sum, size) => sum + size, 0)).fill(Number.NaN);
    weights.set(fold.weights);
    const connections = plan.connections?.map((_, f) => new Array<number>(all[f]!).fill(Number.NaN));
    let first = k + 1;
    known.forEach((own, f) => {
      let at = 0;
      own.forEach((cell, level) => {
        if (cell < 0) return;
        places.push(first + level);
        weights[first + level] = values[f]![at]!;
        if (connections !== undefined) connections[f]![level] = plan.connections![f]![at]!;
        at++;
      });
      first += own.length;
    });
    const about = plain.absorption!;
    const within = k < MOST_COLUMNS ? columnsWithin(about, known, k) : [];
    return {
      fit: { weights, connections, rowSpace: moved(fold.rowSpace, places), within },
      others: about.moments,
    };
  });
}

/** Per factor, what each known level adds to the part of each column, y last, that the effects explain. */
function columnsWithin(absorption: Absorbed, known: readonly Int32Array[], k: number): Float64Array[] {
  const columns = known.map((own) => new Float64Array(own.length * (k + 1)).fill(Number.NaN));
  const unit = new Float64Array(k + 1);
  for (let j = 0; j <= k; j++) {
    unit.fill(0)[j] = 1;
    for (const [f, effects] of absorption.effects(unit).entries())
      known[f]!.forEach((cell, level) => {
        if (cell >= 0) columns[f]![level * (k + 1) + j] = effects[cell]!;
      });
  }
  return columns;
}

/** The plan with columns in other places. */
function moved(plan: RowSpacePlan | undefined, places: readonly number[]): RowSpacePlan | undefined {
  return (
    plan && {
      zero: plan.zero.map((one) => ({ ...one, at: places[one.at]! })),
      relations: plan.relations.map((one) => ({ ...one, at: one.at.map((place) => places[place]!) })),
    }
  );
}

function errorsOf({ fits }: CvPlan, sums: readonly FoldSums[], k: number): CrossValidation {
  const filled = sums.filter((_, f) => fits[f] !== undefined);
  const whole: FoldSums = {
    n: 0,
    unpredicted: 0,
    sumW: 0,
    mean: 0,
    spread: 0,
    squares: 0,
    about: undefined,
  };
  for (const fold of filled) merge(whole, { ...fold, about: undefined });
  const mse = whole.squares / whole.sumW;
  const counted = filled.filter(({ n }) => n > 0);
  const variance = counted.reduce(
    (sum, { sumW, squares }) => sum + (sumW / whole.sumW) * (squares / sumW - mse) ** 2,
    0,
  );
  const coefficients = fits.flatMap((fit) => (fit === undefined ? [] : [fit.weights.slice(1, k + 1)]));
  return {
    folds: filled.map(({ n, unpredicted, sumW, spread, squares }, f) => ({
      n,
      unpredicted,
      needs: [],
      mse: squares / sumW,
      rmse: Math.sqrt(squares / sumW),
      r2: n === 1 ? Number.NaN : 1 - squares / spread,
      coefficients: coefficients[f]!,
    })),
    leftOut: 0,
    unpredicted: whole.unpredicted,
    mse,
    rmse: Math.sqrt(mse),
    r2: 1 - whole.squares / whole.spread,
    // Of fewer than two there is no spread.
    mseError: counted.length < 2 ? Number.NaN : Math.sqrt(variance / (counted.length - 1)),
  };
}
