import { CHUNK_BYTES } from "../csv/chunks.js";
import { momentsShape } from "../dataset/formula/moments-shape.js";
import { type ModelSpec, numbersOf } from "../dataset/formula/spec.js";
import type { Column } from "../dataset/schema.js";
import { UsageError } from "../errors.js";
import { BLOCK_ROWS } from "../kernels/block-rows.js";
import { packedLength } from "../stats/packed.js";
import { positions } from "../stats/positions.js";
import { option, wording } from "../wording.js";

/**
 * About how many columns the moments of a spec will have, the target's included: the product of each term's degrees
 * and of the numbers of levels that the sample shows.
 */
export function designWidth(spec: ModelSpec, table: SampledTable): number {
  return spread(spec, table, 0, 1);
}

/** How many columns the Gram matrix of the moments has, those of targets included: those of factors are cells, not columns. */
export function denseWidth({ variables, terms, targets = [] }: ModelSpec): number {
  const width = (v: number) => numbersOf(variables[v]!);
  const all = 1 + targets.length;
  return terms.reduce((sum, term) => sum + term.variables.reduce((w, v) => w * width(v), 1), all);
}

/** As few coefficients as a spec can have on a table, the intercept's among them: one less for each factor's reference. */
export function leastCoefficients(spec: ModelSpec, table: SampledTable): number {
  return spread(spec, table, 1, spec.intercept ? 1 : 0);
}

/** From so many levels on a text column may be one of names, and not of groups. */
const MANY_LEVELS = 500;

/** Remarks on factors of very many levels, each of which is a coefficient. */
export function levelNotes(spec: ModelSpec, table: SampledTable): string[] {
  return spec.variables.flatMap((variable, v) => {
    if (variable.kind !== "factor" || !spec.terms.some((term) => term.variables.includes(v))) return [];
    const levels = spread(
      { ...spec, variables: [variable], terms: [{ label: "", variables: [0] }] },
      table,
      0,
      0,
    );
    if (levels < MANY_LEVELS) return [];
    return [
      `${variable.label} has ${levels} levels in the first ${table.sample.length} rows, and each is a coefficient: ` +
        "leave it out if it only names the rows",
    ];
  });
}

/** What is known of a table before its rows are read. */
interface SampledTable {
  readonly columns: readonly Column[];
  readonly sample: readonly (readonly string[])[];
}

/** About what a fit holds in memory. */
export interface FitSize {
  /** The columns of its design, the target's included. */
  width: number;
  /** The numbers of its moments. */
  moments: number;
  /** The order of the system that is solved: without the levels of the largest factor, which are eliminated. */
  order: number;
}

/** About how large a fit of at most `rows` rows is, going by the levels that the sample shows. */
export function fitSize(spec: ModelSpec, table: SampledTable, rows: number): FitSize {
  const width = designWidth(spec, table);
  const widths = variableWidths(spec, table, 0);
  const { numbers, variables, families, absorbed = [], tables } = momentsShape(spec);
  const cells = tables.map(({ factors }) =>
    Math.min(
      rows,
      factors.reduce((count, f) => count * widths[variables[f]!]!, 1),
    ),
  );
  const moments = tables.reduce(
    (sum, { columns, products }, t) => sum + cells[t]! * (1 + columns.length + packedLength(products)),
    packedLength(numbers.length),
  );
  const eliminated = families.map(({ number, table: t }, f) =>
    number < 0 && !absorbed.includes(f) ? cells[t]! : 0,
  );
  return { width, moments, order: width - Math.max(0, ...eliminated) };
}

/** Σ over the terms of the product of their variables' columns, a factor's being the levels less `reference`. */
function spread(spec: ModelSpec, table: SampledTable, reference: number, more: number): number {
  const widths = variableWidths(spec, table, reference);
  return spec.terms.reduce((sum, term) => sum + term.variables.reduce((w, v) => w * widths[v]!, 1), more);
}

/** The levels of a date's parts. */
const DATE_LEVELS = { weekdays: 7, months: 12 };

/** How many columns each variable has by itself. */
function variableWidths(spec: ModelSpec, table: SampledTable, reference: number): number[] {
  const factors = spec.variables.some(({ kind }) => kind === "factor");
  const at = positions(factors ? table.columns.map(({ name }) => name) : []);
  return spec.variables.map((variable) => {
    if (variable.kind !== "factor")
      return numbersOf(variable) - (variable.kind === "basis" && variable.indicators ? reference : 0);
    // A date's parts: how many there are follows from the rows alone, and may be none.
    if (variable.by !== undefined) return reference > 0 ? 0 : DATE_LEVELS[variable.by];
    const position = at.get(variable.column)!;
    const cells = table.sample
      .map((row) => row[position])
      .filter((cell) => cell !== undefined && cell !== "");
    return Math.max(1, new Set(cells).size - reference);
  });
}

/** More folds than this are taken for a mistake: every one costs moments and a fit of its own. */
const MOST_FOLDS = 1000;

/** The number of folds that was asked for, if any; throws UsageError where it is none. */
export function chosenFolds(folds: number | undefined): number | undefined {
  if (folds === undefined || (Number.isInteger(folds) && folds >= 1 && folds <= MOST_FOLDS)) return folds;
  throw new UsageError(`folds should be an integer from 1 to ${MOST_FOLDS}, got ${folds}`, {
    hint: wording`leave ${option("folds")} out for 10 of them`,
  });
}

/** Above this width, folds cost more memory than their error is worth unasked: each has moments of its own. */
const MOST_FOLDED_COLUMNS = 500;

/** The cross-validation folds for a design of this width, where the user does not say. */
export function foldsFor(width: number): number {
  return width <= MOST_FOLDED_COLUMNS ? 10 : 1;
}

/** Memory for groups' moments that folds may take unasked, in bytes, and the groups that may have some. */
const GROUP_FOLD_BYTES = 64 << 20;
const MOST_FOLDED_GROUPS = 1000;

/** The folds where each of so many groups has moments of its own: 8 (p²/2 + 3p/2 + 5) bytes for each of its folds. */
export function foldsForGroups(width: number, groups: number): number {
  if (groups > MOST_FOLDED_GROUPS) return 1;
  const bytes = 10 * groups * 8 * (packedLength(width) + width + 5);
  return bytes <= GROUP_FOLD_BYTES ? foldsFor(width) : 1;
}

/**
 * How many groups there are likely to be where the first `rows` rows are of `seen` of them: the L for which as many
 * draws from L equally likely ones would be expected to show that, L (1 − e^(−rows/L)).
 */
export function likelyGroups(rows: number, seen: number): number {
  if (seen >= rows) return 100 * rows;
  let [low, high] = [seen, 100 * rows];
  while (high - low > 0.01 * low) {
    const middle = Math.sqrt(low * high);
    if (middle * (1 - Math.exp(-rows / middle)) < seen) low = middle;
    else high = middle;
  }
  return Math.round(low);
}

/** Where more of the head's rows than this share are of groups of their own, nobody knows how many more there are. */
const KNOWN_SHARE = 0.9;

/**
 * How many groups to plan memory for where the head of a table shows `seen`: as many as there likely are, but where each of its
 * rows is of another, as in data in the order of time, no more than these.
 */
export function plannedGroups(
  { sample, whole }: Pick<SampledTable, "sample"> & { readonly whole: boolean },
  seen: number,
): number {
  return whole || seen > KNOWN_SHARE * sample.length ? seen : likelyGroups(sample.length, seen);
}

/** Memory that rows may take which are kept beside the sums of their groups. */
const KEPT_ROWS_BYTES = 128 << 20;
/** Groups of more rows than this are hardly ever in doubt in double precision for want of rows. */
const FEW_ROWS = 64;

/**
 * Whether the rows of groups are kept beside their sums: of many small groups some always are in doubt in double precision,
 * and another pass for a handful of them would read all rows again.
 */
export function keepsRows(rows: number, columns: number, groups: number): boolean {
  return rows <= FEW_ROWS * groups && rows * (8 * columns + 4) <= KEPT_ROWS_BYTES;
}

/** How long a table's rows are on average, as its head shows. */
export function rowBytes({ sample }: Pick<SampledTable, "sample">): number {
  return sample.reduce((sum, row) => sum + row.join().length + 1, 0) / Math.max(1, sample.length);
}

/** Chunks of data with groups grow to this. */
const MOST_GROUP_BYTES = 8 << 20;

/** Rows in a chunk for each group: to merge what a chunk has of a group takes about as long as adding two rows. */
const GROUP_ROWS = 16;

/**
 * Bytes per chunk where there are so many groups and folds of them: as many rows for each that merging is a small part of
 * adding them, up to 8 MiB. It depends on the data alone.
 */
export function chunkBytesForGroups(targets: number, bytes: number): number {
  const scale = (GROUP_ROWS * targets * bytes) / CHUNK_BYTES;
  return Math.min(MOST_GROUP_BYTES, CHUNK_BYTES * 2 ** Math.max(0, Math.ceil(Math.log2(scale))));
}

/**
 * Bytes per chunk for a design of this width in so many folds: 1 MiB, and more for wide designs, up to 64 MiB, so
 * that merging the folds' p²/2 sums of a chunk stays small beside making them: each takes about as long as the products
 * of 36 rows, so 150 rows a fold are enough. It depends on the data alone.
 */
export function chunkBytesFor(width: number, folds: number): number {
  const scale = folds * Math.min(width ** 2 / 2 ** 15, width / 900);
  return CHUNK_BYTES * 2 ** Math.min(6, Math.max(0, Math.ceil(Math.log2(scale))));
}

/** Multiplications at a stretch that would hold a thread for some 100 ms, in double and in double-double. */
const LONG_STRETCH = 1e9;
const LONG_STRETCH_EXTENDED = 8e7;

/** Whether summing a block of 128 rows in each fold takes so long that the calling thread should not do it. */
export function summedApart(width: number, plan: { folds: number; extended: boolean }): boolean {
  return BLOCK_ROWS * width ** 2 * plan.folds > (plan.extended ? LONG_STRETCH_EXTENDED : LONG_STRETCH);
}
