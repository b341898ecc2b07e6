import { codedTerms } from "../dataset/formula/coding.js";
import { meansAt, productCount, productsAt, ROWS_AT, WEIGHT_AT } from "../kernels/cell-record.js";
import type { RefusedGroup } from "../linear/model/document-schema.js";
import { GroupFits } from "../linear/model/group-fits.js";
import type { LinearModel } from "../linear/model/model.js";
import { groupOrder } from "../linear/model/model-group.js";
import { regressionOf } from "../linear/model/model-parts.js";
import { solveSpecSteps } from "../linear/model/solve-spec.js";
import type { PenaltyChoice } from "../linear/penalty/penalty.js";
import { type GroupSpec, refusal, solveGroupSteps } from "../linear/shards/solve-group.js";
import type { HeldOut } from "../linear/solve/held-out.js";
import { EachSolver } from "../linear/solve/solve-each.js";
import type { Steps } from "../parallel/steps.js";
import { CellTable } from "../stats/cell-table.js";
import type { CrossProducts } from "../stats/cross-products.js";
import { GroupTable, sumLogAt } from "../stats/group-table.js";
import { mergeFolds } from "../stats/merge-folds.js";
import { MomentsTable } from "../stats/moments-table.js";
import { packedLength } from "../stats/packed.js";
import type { GroupMoments } from "./group-moments.js";

/** How groups are solved. */
export interface GroupSolving extends GroupSpec {
  folds: number;
  penalty: PenaltyChoice | undefined;
}

/** What became of groups. */
export interface SolvedGroups {
  /** All groups, in their order. */
  names: readonly string[];
  /** Those that stand side by side. */
  fits: GroupFits | undefined;
  others: Map<string, LinearModel>;
  refused: RefusedGroup[];
  /** Groups for which double precision is not enough, and which were set aside for that. */
  doubtful: string[];
}

/** Groups solved in a loop between two places where others may run. */
const STRETCH = 64;

/**
 * Solves the model of every group: least squares by plain columns in double for all groups in one loop, side by side,
 * and what is none of that one by one. Groups in doubt are only named where `setAside` says so.
 */
export function* solveGroups(
  groups: GroupMoments,
  how: GroupSolving & { setAside: boolean },
): Steps<SolvedGroups> {
  const numbers = groupOrder(groups.names);
  const names = Array.from(numbers, (g) => groups.names[g]!);
  const solved: SolvedGroups = { names, fits: undefined, others: new Map(), refused: [], doubtful: [] };
  const rest = groups instanceof GroupTable ? yield* solveListed(groups, numbers, names, how, solved) : names;
  for (const name of rest) {
    yield;
    yield* solveOne(name, groups.foldsOf(name), how, solved);
  }
  return solved;
}

/** Solves what can be side by side; the groups that are left. */
function* solveListed(
  groups: GroupTable,
  numbers: Uint32Array,
  names: readonly string[],
  how: GroupSolving & { setAside: boolean },
  solved: SolvedGroups,
): Steps<readonly string[]> {
  const { spec, penalty } = how;
  const { columns, folds, extended, weighted } = groups.kind;
  const terms = codedTerms(spec, {}, {});
  const solver =
    extended || penalty !== undefined ? undefined : EachSolver.of(columns, regressionOf(spec, terms));
  if (solver === undefined) return names;
  const width = solver.rank;
  const { kind, stride } = groups.cells;
  const [means, products] = [meansAt(kind), productsAt(kind)];
  const [p, entries] = [columns.length, productCount(kind)];
  const most = names.length;
  const moments = MomentsTable.empty(columns, most);
  const foldMoments = MomentsTable.empty(columns, folds > 1 ? most * folds : 0);
  const coefficients = new Float64Array(most * width);
  const covariance = new Float64Array(most * packedLength(width));
  const figures = {
    conditionNumber: new Float64Array(most),
    rss: new Float64Array(most),
    tss: new Float64Array(most),
  };
  const keep = (table: MomentsTable, i: number, records: Float64Array, at: number) => {
    table.n[i] = records[at + ROWS_AT]!;
    table.sumW[i] = records[at + WEIGHT_AT]!;
    table.sumLogW[i] = weighted ? sumLogAt(kind, records, at) : 0;
    for (let j = 0; j < p; j++) table.mean[i * p + j] = records[at + means + j]!;
    for (let j = 0; j < entries; j++) table.c[i * entries + j] = records[at + products + j]!;
  };
  const whole = new CellTable(kind, 1);
  const listed: string[] = [];
  const rest: string[] = [];
  const solveGroup = (group: number, name: string) => {
    let records = groups.cells.records;
    let at = groups.cell(group, 0) * stride;
    if (folds > 1) {
      whole.records.fill(0);
      for (let f = 0; f < folds; f++) {
        const cell = groups.cell(group, f);
        if (cell >= 0) whole.add(0, groups.cells.records, cell * stride);
      }
      records = whole.records;
      at = 0;
    }
    const n = at < 0 ? 0 : records[at + ROWS_AT]!;
    const g = listed.length;
    const sumW = at < 0 ? 0 : records[at + WEIGHT_AT]!;
    if (
      n < width ||
      !solver.solve({ sumW, means: records, mean: at + means, products: records, product: at + products })
    ) {
      rest.push(name);
      return;
    }
    if (how.setAside && solver.doubtful && n > width) {
      solved.doubtful.push(name);
      return;
    }
    listed.push(name);
    for (let j = 0; j < width; j++) coefficients[g * width + j] = solver.coefficients[j]!;
    const variance = solver.rss / (n - width);
    const inverse = packedLength(width);
    for (let j = 0; j < inverse; j++) covariance[g * inverse + j] = solver.inverse[j]! * variance;
    figures.conditionNumber[g] = solver.conditionNumber;
    figures.rss[g] = solver.rss;
    figures.tss[g] = solver.tss;
    keep(moments, g, records, at);
    if (folds > 1)
      for (let f = 0; f < folds; f++) {
        const cell = groups.cell(group, f);
        if (cell >= 0) keep(foldMoments, g * folds + f, groups.cells.records, cell * stride);
      }
  };
  // A loop of its own: within a generator it takes longer.
  const solveStretch = (from: number, to: number) => {
    for (let i = from; i < to; i++) solveGroup(numbers[i]!, names[i]!);
  };
  for (let from = 0; from < most; from += STRETCH) {
    yield;
    solveStretch(from, Math.min(most, from + STRETCH));
  }
  if (listed.length === 0) return rest;
  const count = listed.length;
  solved.fits = new GroupFits(
    listed,
    { spec, terms, weightsColumn: how.weightsColumn, reading: how.reading },
    {
      coefficients: coefficients.subarray(0, count * width),
      covariance: covariance.subarray(0, count * packedLength(width)),
      conditionNumber: figures.conditionNumber.subarray(0, count),
      rss: figures.rss.subarray(0, count),
      tss: figures.tss.subarray(0, count),
      moments: moments.first(count),
      folds: foldMoments.first(folds > 1 ? count * folds : 0),
    },
  );
  return rest;
}

/** Solves one group by itself. */
function* solveOne(
  name: string,
  folds: readonly CrossProducts[],
  how: GroupSolving & { setAside: boolean },
  solved: SolvedGroups,
): Steps<void> {
  const rows = { moments: mergeFolds(folds), folds: how.folds > 1 ? folds : [] };
  try {
    const { model, doubtful } = yield* solveGroupSteps(rows, how, how.penalty);
    if (how.setAside && doubtful && model.n > model.coefficientNames.length) solved.doubtful.push(name);
    else solved.others.set(name, model);
  } catch (error) {
    // The folds of rows with absorbed effects would tell nothing.
    solved.refused.push(
      refusal(name, error, how.spec.absorbed === undefined ? rows : { ...rows, folds: [] }),
    );
  }
}

/**
 * A group's model with absorbed effects and what a pass over its rows told of its folds, by which λ is chosen where it is to
 * be.
 *
 * @throws as `solveSpecSteps`
 */
export function* solveHeldOutSteps(
  { spec, levels, references, moments, weightsColumn, reading }: LinearModel,
  heldOut: readonly HeldOut[] | undefined,
  penalty: PenaltyChoice | undefined,
): Steps<LinearModel> {
  const parts = { spec, levels, references, moments, weightsColumn, reading };
  return (yield* solveSpecSteps({ ...parts, folds: [], heldOut }, penalty)).model;
}
