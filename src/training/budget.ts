import { availableParallelism, totalmem } from "node:os";
import type { Source } from "../csv/source.js";
import type { ModelSpec } from "../dataset/formula/spec.js";
import type { Column } from "../dataset/schema.js";
import { ModelError } from "../errors.js";
import { MOST_COVARIANCES } from "../linear/solve/eliminate.js";
import { packedLength } from "../stats/packed.js";
import { option, wording } from "../wording.js";
import { fitSize, leastCoefficients } from "./design-width.js";
import type { MomentsPlan } from "./moments-job.js";

/** The kernels' memory ends there, that of a thread and that of a dense system. */
const KERNEL_BYTES = 4 * 1024 ** 3;

/** The share of the machine's memory that a fit may plan with. */
const MEMORY_SHARE = 0.8;

/** Bytes of a number in a model file, and the comma. */
const NUMBER_BYTES = 19;

/** More coefficients than rows are refused before the rows are read from so many on. */
const FEWEST_REFUSED = 1000;

/** What is known of a table before its rows are read. */
interface PlannedTable {
  readonly source: Pick<Source, "name" | "plain">;
  readonly columns: readonly Column[];
  readonly sample: readonly (readonly string[])[];
  readonly whole: boolean;
  readonly typed?: { readonly rows: number | undefined } | undefined;
  readonly next?: PlannedTable | undefined;
}

/** What is known of a fit before the rows are read. */
interface PlannedFit {
  table: PlannedTable;
  spec: ModelSpec;
  plan: Pick<MomentsPlan, "folds" | "extended">;
  threads: number | undefined;
  /** The most that the model's file may take, in bytes. */
  fileBytes: number | undefined;
  /** Groups of which each has moments of its own, as many as are known. Default: 1. */
  groups?: number;
}

/**
 * Refuses a fit that cannot work before its rows are read: more coefficients than there can be rows, more memory than
 * there is, a model file that could not be read again.
 *
 * @throws ModelError with the numbers, and a way out
 */
export function checkBudget(fit: PlannedFit): void {
  const { spec, table } = fit;
  const rows = checkCoefficients(table, spec.numeric.length, leastCoefficients(spec, table));
  checkMemory(fit, rows.count);
}

/**
 * The same for rows that are added to those of a model, which may be few.
 *
 * @throws as `checkBudget`
 */
export function checkUpdate(fit: PlannedFit): void {
  checkMemory(fit, Number.POSITIVE_INFINITY);
}

function checkMemory(fit: PlannedFit, rows: number): void {
  const { spec, table, plan, fileBytes, groups = 1 } = fit;
  const { width, moments, order } = fitSize(spec, table, rows);
  const number = plan.extended ? 16 : 8;
  const fold = moments * number;
  const system = packedLength(order) * number;
  const threads = Math.min(fit.threads ?? availableParallelism(), 64);
  // Each thread sums up all folds, hands them over and has them merged; the system that is solved is two matrices.
  const summed = groups * plan.folds * fold;
  const needed = (threads + 2) * summed + 4 * system;
  const most = MEMORY_SHARE * totalmem();
  if (needed > most || summed > KERNEL_BYTES || 2 * system > KERNEL_BYTES)
    throw new ModelError(
      `a design of about ${about(width)} columns${partsText(groups, plan.folds)} needs ${gigabytes(needed)} of memory, ` +
        `${gigabytes(summed)} of them in each of ${threads} ${threads === 1 ? "thread" : "threads"}; ` +
        `there are ${gigabytes(most)}, and ${gigabytes(KERNEL_BYTES)} for a thread`,
      { hint: lessHint(plan.folds, groups) },
    );
  const covariances = width <= MOST_COVARIANCES ? packedLength(width) : width;
  const written = NUMBER_BYTES * groups * ((plan.folds > 1 ? plan.folds + 1 : 1) * moments + covariances);
  if (fileBytes !== undefined && written > fileBytes)
    throw new ModelError(
      `a model of about ${about(width)} columns${partsText(groups, plan.folds)} takes ${gigabytes(written)}, and a model ` +
        `file can have ${gigabytes(fileBytes)}`,
      { hint: lessHint(plan.folds, groups) },
    );
}

/**
 * Refuses to fit all columns of a table, but for `leftOut` of them, where its numbers alone are too many: before a model is made of
 * them, for there may be millions.
 *
 * @throws ModelError as `checkBudget`
 */
export function checkColumns(table: PlannedTable, leftOut: number, intercept: boolean): void {
  const { columns } = table;
  if (columns.length <= FEWEST_REFUSED) return;
  let numbers = -1 - leftOut;
  for (const { kind, unnamed } of columns) if (kind === "numeric" && !unnamed) numbers++;
  checkCoefficients(table, numbers + 1, numbers + (intercept ? 1 : 0));
  const bytes = 16 * packedLength(numbers);
  if (bytes > KERNEL_BYTES)
    throw new ModelError(
      `a design of about ${about(numbers)} columns needs ${gigabytes(bytes)} of memory; ` +
        `there are ${gigabytes(KERNEL_BYTES)} for a thread`,
      { hint: lessHint(1) },
    );
}

/**
 * The most rows that a table can have.
 *
 * @param numbers how many columns of numbers are used
 * @param least as few coefficients as there will be
 * @throws ModelError where they are more
 */
function checkCoefficients(table: PlannedTable, numbers: number, least: number): { count: number } {
  const rows = mostRows(table, numbers);
  // Of fewer, which depend on others and need no rows of their own is told when they are solved for.
  if (least > rows.count && least > FEWEST_REFUSED)
    throw new ModelError(`${rows.text} cannot determine ${about(least)} coefficients`, {
      hint: wording`add rows, or name fewer columns with ${option("features")}`,
    });
  return rows;
}

/**
 * Refuses to have all rows of a design in memory where they have no room there, three times over.
 *
 * @throws ModelError with the numbers, and a way out
 */
export function checkInMemory(rows: number, columns: number): void {
  const bytes = 3 * 8 * rows * (columns + 2);
  const most = MEMORY_SHARE * totalmem();
  if (bytes > most)
    throw new ModelError(
      `${rows} rows of ${columns} columns take ${gigabytes(bytes)} of memory where a solver wants all at once; ` +
        `there are ${gigabytes(most)}`,
      { hint: wording`use ${option("solver", "auto")}, which keeps their moments only` },
    );
}

function lessHint(folds: number, groups = 1) {
  if (groups > 1)
    return folds > 1
      ? wording`use ${option("folds", 1)}, leave columns out with ${option("exclude")}, or choose a column of fewer values with ${option("groupBy")}`
      : wording`leave columns out with ${option("exclude")}, or choose a column of fewer values with ${option("groupBy")}`;
  return folds > 1
    ? wording`use ${option("folds", 1)}, or leave columns out with ${option("exclude")}`
    : wording`leave columns out with ${option("exclude")}, or interactions out of the ${option("formula")}`;
}

const partsText = (groups: number, folds: number) =>
  (groups > 1 ? ` for each of about ${about(groups)} groups` : "") + (folds > 1 ? ` in ${folds} folds` : "");
const gigabytes = (bytes: number) =>
  `${bytes < 1e10 ? (bytes / 1e9).toPrecision(2) : (bytes / 1e9).toFixed(0)} GB`;

/** A count for a message: in full up to a million, then by its first digits. */
function about(count: number): string {
  return count < 1e6 ? String(count) : count.toPrecision(3).replace("e+", "e");
}

/** The rows of a table, or more than it can have: a row has a byte for each cell's end, and one for each number used. */
function mostRows(table: PlannedTable, numbers: number): { count: number; text: string } {
  if (table.whole) {
    const { length } = table.sample;
    return { count: length, text: length === 1 ? "1 row" : `${length} rows` };
  }
  const known = table.typed?.rows;
  if (known !== undefined && table.next === undefined) return { count: known, text: `${known} rows` };
  const names: string[] = [];
  let size = 0;
  for (let at: PlannedTable | undefined = table; at !== undefined; at = at.next) {
    if (at.source.plain === undefined || at.typed !== undefined)
      return { count: Number.POSITIVE_INFINITY, text: "" };
    size += at.source.plain.size;
    names.push(at.source.name);
  }
  const count = Math.ceil(size / (table.columns.length + numbers));
  return {
    count,
    text: `the at most ${count} rows of ${names.join(", ")} (${(size / 1e6).toPrecision(2)} MB)`,
  };
}
