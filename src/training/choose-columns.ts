import { ordinal } from "../csv/header.js";
import { placesOf } from "../dataset/column-places.js";
import { columnsSpec, type FormulaContext, formulaSpec } from "../dataset/formula/resolve.js";
import type { ModelSpec } from "../dataset/formula/spec.js";
import { type ContrastChoices, withContrasts } from "../dataset/formula/with-contrasts.js";
import { nearestName } from "../dataset/nearest.js";
import type { NumberFormat } from "../dataset/number-format.js";
import { type Column, IDENTIFIER_ROWS } from "../dataset/schema.js";
import { DataError, quoteCell, UsageError } from "../errors.js";
import { isDecimal } from "../kernels/number.js";
import { option, type Wording, wording } from "../wording.js";
import type { CvKind } from "./cv-kind.js";
import { doubts } from "./doubts.js";
import type { WindowOptions } from "./window-options.js";

/** Which columns the user asks for; all may be left out. */
export interface ColumnOptions {
  /** The column to predict. Default: the last. */
  target?: string | undefined;
  /** Several columns to predict, each by a model of its own on the same features; in the place of `target`. */
  targets?: readonly string[] | undefined;
  /** Only these columns as features. */
  features?: readonly string[] | undefined;
  /** All columns but these as features. */
  exclude?: readonly string[] | undefined;
  /** Columns whose levels' effects are absorbed: estimated, but no coefficients. */
  absorb?: readonly string[] | undefined;
  /** A formula in R's language; then `.` stands for the features. */
  formula?: string | undefined;
  /**
   * How factors are coded, by column or label: treatment, sum, helmert, poly or SAS as R's functions of that name have it,
   * or columns of numbers for the levels. Default: as the formula says, else treatment.
   */
  contrasts?: ContrastChoices | undefined;
  /** A column of weights ≥ 0, which is no feature. */
  weights?: string | undefined;
  /** The columns of the groups of a clustered covariance, which are features only where they are named. */
  cluster?: string | readonly string[] | undefined;
  /** The columns of time and of series, which are features only where they are named. */
  time?: string | undefined;
  unit?: string | undefined;
  /** The column that names rows, which is a feature only where it is named. */
  id?: string | undefined;
  /** The column that rows are drawn into folds by, which is a feature only where it is named. */
  foldBy?: string | undefined;
  /** How rows are cross-validated; a column of it is a feature only where it is named. */
  cv?: CvKind | undefined;
  /** Windows of rows to be fitted too; their column of time is a feature only where it is named. */
  window?: WindowOptions | undefined;
  /** Whether to fit an intercept; a formula may leave it out too. Default: true. */
  intercept?: boolean | undefined;
}

/** The model to fit, and remarks for the user on columns that were left out. */
export interface ChosenColumns {
  spec: ModelSpec;
  notes: string[];
}

/** What is known of a table before its rows are read. */
export interface KnownTable {
  readonly columns: readonly Column[];
  readonly sample: readonly (readonly string[])[];
  readonly format?: NumberFormat | undefined;
  readonly dialect?: { readonly delimiter: string } | undefined;
  readonly scattered?: readonly (readonly string[])[] | undefined;
}

/**
 * Chooses target and features among a table's columns: columns of numbers, and columns of text as factors. Empty
 * columns, dates, numbers of rows, and text of which every cell of the sample differs from the others, are left out with
 * a note, or are an error where they were asked for by name. Names are compared in composed form (NFC).
 *
 * @param data what is known of the data, for terms that depend on them
 * @throws UsageError for a name that is not there; DataError where the target holds text or no feature is left
 */
export function chooseColumns(
  table: KnownTable,
  given: ColumnOptions,
  file: string,
  data?: FormulaContext["data"],
): ChosenColumns {
  const { columns } = table;
  const options = composed(given);
  const known = () => placesOf(columns);
  const placeOf = ({ name }: Column) => known().get(name)!;
  const find = (name: string): Column => {
    const at = known().get(name);
    if (at === undefined) throw unknownColumn(name, [...known().keys()], file);
    return columns[at]!;
  };
  const named = (names: readonly string[] = []) =>
    names.length === 0 ? [] : joined(names, known()).map(find);
  const weights = options.weights === undefined ? undefined : find(options.weights);
  if (weights !== undefined && weights.kind !== "numeric")
    throw notNumeric(weights, "the weights", table, file);
  const excluded = new Set(named(options.exclude).map(({ name }) => name));
  if (weights !== undefined) excluded.add(weights.name);
  const clusters = namedClusters(options.cluster, [...known().keys()]);
  for (const name of [
    ...clusters,
    options.time,
    options.unit,
    options.id,
    options.foldBy,
    cvColumn(options),
    options.window?.time,
  ])
    if (name !== undefined && !options.features?.includes(name)) excluded.add(name);
  if (options.id !== undefined) find(options.id);
  const absorb = named(options.absorb);
  for (const column of absorb) {
    const why =
      column.kind === "empty" || column.dates !== undefined
        ? whyNot(column, () => placeOf(column), table, true)
        : undefined;
    if (why !== undefined)
      throw new DataError(`its effects cannot be absorbed: ${why}`, { place: { file, column: column.name } });
    excluded.add(column.name);
  }
  const asked = options.features && named(options.features);
  const refused = new Map<Column, string>();
  const usable = (candidates: readonly Column[]) => {
    for (const column of candidates) {
      const why = whyNot(column, () => placeOf(column), table, asked !== undefined);
      if (why !== undefined) refused.set(column, why);
    }
    return candidates.filter(
      (column) => !refused.has(column) && (asked !== undefined || !passedOver(column)),
    );
  };
  const asTargets = targetNames(options, known());
  const last = columns.findLast((column) => !excluded.has(column.name) && !passedOver(column));
  const leftOut = () =>
    leftOutNotes(
      [...refused].filter(([column]) => !passedOver(column)),
      placeOf,
    );

  const checkLagColumn = (name: string | undefined) => {
    if (name !== undefined && find(name).kind === "empty")
      throw new DataError("lags cannot be counted by it: it holds no values", {
        place: { file, column: name },
      });
  };

  const { formula } = options;
  if (formula !== undefined) {
    if (asTargets !== undefined && formula.split("~")[0]!.trim() !== "")
      throw new UsageError(wording`the target is given twice, by ${option("target")} and left of the ~`, {
        hint: "leave one of them out",
      });
    const dot = usable((asked ?? columns).filter((column) => !excluded.has(column.name)));
    const read = formulaSpec(formula, {
      columns,
      target: asTargets ?? last?.name,
      dot: dot.map(({ name }) => name),
      intercept: options.intercept,
      absorb: absorb.map(({ name }) => name),
      data,
      lags: { time: options.time ?? options.window?.time?.normalize("NFC"), unit: options.unit },
    });
    const spec = withContrasts(read, options.contrasts);
    if (spec.lags !== undefined)
      for (const column of [spec.lags.time, spec.lags.unit]) checkLagColumn(column);
    const stated = new Set([...spec.text, ...spec.numeric]);
    for (const column of [...refused.keys()]) if (stated.has(column.name)) refused.delete(column);
    const dotted = /(^|[^\w])\.([^\w]|$)/.test(formula);
    const notes = dotted ? leftOut() : [];
    if (!dotted && (asked ?? options.exclude) !== undefined)
      notes.push(
        "columns are chosen for the . of a formula, and this one has none: the choice has no part in it",
      );
    return { spec, notes: [...notes, ...doubts(spec, table)] };
  }

  const targets = asTargets?.map(find) ?? (last === undefined ? [] : [last]);
  if (targets.length === 0)
    throw new DataError("there is no column to predict", {
      place: { file },
      hint: wording`name it with ${option("target")}`,
    });
  const ownEffects = targets.find((target) => absorb.includes(target));
  if (ownEffects !== undefined)
    throw new UsageError(wording`${ownEffects.name} is a target, which its own effects would explain whole`, {
      hint: wording`name another column with ${option("absorb")}`,
    });
  for (const target of targets)
    if (target.kind !== "numeric") throw notNumeric(target, "the target", table, file);
  const candidates = (asked ?? columns).filter((c) => !targets.includes(c) && !excluded.has(c.name));
  const features = usable(candidates);
  if (asked !== undefined)
    for (const [column, why] of refused)
      throw new DataError(`this column cannot be a feature: ${why}`, {
        place: { file, column: column.name },
        hint: wording`leave it out of ${option("features")}`,
      });
  if (features.length === 0)
    throw new DataError("there is no column to use as a feature", {
      place: { file },
      hint: wording`the target is ${targets.map(({ name }) => JSON.stringify(name)).join(", ")}; see ${option("target")}, ${option("features")} and ${option("exclude")}`,
    });
  const names = targets.map(({ name }) => name);
  const plain = columnsSpec(names, features, { intercept: options.intercept, absorb });
  const spec = withContrasts(plain, options.contrasts);
  const own = targets.filter((column) => asked?.includes(column) === true);
  const notes = own.map(({ name }) => `left out: ${name}, it is what is predicted`);
  return { spec, notes: [...notes, ...leftOut(), ...doubts(spec, table)] };
}

/**
 * The columns that are asked for as targets; of a list that was cut at commas those that together are a column are that one.
 *
 * @throws UsageError where one is named twice
 */
function targetNames(
  { target, targets }: ColumnOptions,
  known: ReadonlyMap<string, unknown>,
): string[] | undefined {
  if (targets === undefined) return target === undefined ? undefined : [target];
  if (target !== undefined) throw new UsageError("target and targets are given: one of them says which");
  // A column of exactly this name, though others may have the parts of it.
  const whole = [",", ", "].map((comma) => targets.join(comma)).find((name) => known.has(name));
  const names = whole === undefined ? joined(targets, known) : [whole];
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw new UsageError(`${twice} is a target twice`);
  return names;
}

function cvColumn({ cv }: ColumnOptions): string | undefined {
  return cv !== undefined && "column" in cv ? cv.column : undefined;
}

/** So many columns are named one by one as left out; of more, the rest are counted. */
const MOST_NAMED = 20;

function leftOutNotes(
  refused: readonly (readonly [Column, string])[],
  placeOf: (column: Column) => number,
): string[] {
  const notes = refused
    .slice(0, MOST_NAMED)
    .map(([column, why]) => `left out: ${nameOf(column, placeOf)}, ${why}`);
  const more = refused.length - notes.length;
  if (more > 0) notes.push(`left out: ${more} more ${more === 1 ? "column" : "columns"}, for such reasons`);
  return notes;
}

const MOST_COMMAS = 16;

/** Names of a list that was cut at commas: those that together are the name of a column, and alone are none. */
function joined(names: readonly string[], known: ReadonlyMap<string, unknown>): string[] {
  const found: string[] = [];
  for (let at = 0; at < names.length; ) {
    let end = at + 1;
    let name = names[at]!;
    // A name of more commas than this would be a mistake, and a long list of unknown names take for ever.
    for (let to = Math.min(names.length, at + MOST_COMMAS + 1); to > at + 1 && !known.has(name); to--) {
      const whole = [",", ", "]
        .map((comma) => names.slice(at, to).join(comma))
        .find((text) => known.has(text));
      if (whole !== undefined) [name, end] = [whole, to];
    }
    found.push(name);
    at = end;
  }
  return found;
}

/** The columns of clusters, of a table that has columns of these names. */
export function namedClusters(
  cluster: string | readonly string[] | undefined,
  names: readonly string[],
): string[] {
  if (cluster === undefined) return [];
  const list = (typeof cluster === "string" ? [cluster] : cluster).map((name) => name.normalize("NFC"));
  return joined(list, new Map(names.map((name) => [name, true])));
}

/** The names of the options as tables have them. */
function composed(options: ColumnOptions): ColumnOptions {
  const nfc = <T extends string | undefined>(text: T) => text?.normalize("NFC") as T;
  const { target, targets, features, exclude, formula, weights, cluster, time, unit, id, foldBy } = options;
  return {
    ...options,
    target: nfc(target),
    targets: targets?.map(nfc),
    features: features?.map(nfc),
    exclude: exclude?.map(nfc),
    formula: nfc(formula),
    weights: nfc(weights),
    cluster: (typeof cluster === "string" ? [cluster] : cluster)?.map(nfc),
    time: nfc(time),
    unit: nfc(unit),
    id: nfc(id),
    foldBy: nfc(foldBy),
  };
}

/** A column that only a delimiter at the end of every line made. */
function passedOver(column: Column): boolean {
  return column.unnamed === true && column.kind === "empty";
}

function nameOf(column: Column, placeOf: (column: Column) => number): string {
  if (!column.unnamed) return column.name;
  return `the ${ordinal(placeOf(column) + 1)} column, which has no name (${column.name} here)`;
}

function whyNot(column: Column, place: () => number, table: KnownTable, asked: boolean): string | undefined {
  if (column.kind === "numeric" && !column.unnamed) return undefined;
  if (column.kind === "empty")
    return column.marker === undefined
      ? "it holds no values"
      : `it holds no values, only ${quoteCell(column.marker)}`;
  const at = place();
  const cellsOf = () => table.sample.map((row) => row[at]?.trim() ?? "").filter((cell) => cell !== "");
  if (column.unnamed && !asked && numbersRows(cellsOf(), at)) return "it numbers or names the rows";
  if (column.kind === "numeric") return undefined;
  if (column.dates === "other")
    return "it holds dates; where they are written year-month-day a formula can make terms of them";
  if (column.dates !== undefined) {
    const calls = column.dates === "date" ? ["as.Date", "weekdays", "months", "year", "hour"] : ["hour"];
    return `it holds ${column.dates === "date" ? "dates" : "times"}; a formula can have ${calls.map((call) => `${call}(${column.name})`).join(", ")}`;
  }
  const cells = cellsOf();
  const different = new Set(cells).size;
  return cells.length >= IDENTIFIER_ROWS && different === cells.length
    ? "it looks like an identifier: all its texts differ"
    : undefined;
}

/** Whether a column without a name is what programs write to number or name rows. */
function numbersRows(cells: readonly string[], at: number): boolean {
  if (cells.length < 2 || new Set(cells).size !== cells.length) return false;
  if (at === 0) return cells.every((cell) => /^\d+$/.test(cell)) || !cells.every(isDecimal);
  const first = Number(cells[0]);
  return (first === 0 || first === 1) && cells.every((cell, i) => Number(cell) === first + i);
}

function notNumeric(column: Column, what: string, table: KnownTable, file: string): DataError {
  const name = option(what === "the target" ? "target" : "weights");
  const at = table.columns.indexOf(column);
  const example = table.sample.map((row) => row[at] ?? "").find((cell) => cell !== "");
  const shown = column.kind === "text" && example !== undefined ? `, such as ${quoteCell(example)}` : "";
  const hint: Wording =
    column.marker === undefined
      ? wording`name a numeric column with ${name}`
      : wording`name a numeric column with ${name}; it holds only ${quoteCell(column.marker)}`;
  return new DataError(`${what} ${column.kind === "text" ? `holds text${shown}` : "has no values"}`, {
    place: { file, column: column.name },
    hint,
  });
}

/**
 * Refuses names that a table does not have: before what its columns come to is counted, which is another question.
 *
 * @throws UsageError for the first
 */
export function checkNamedColumns(table: KnownTable, given: ColumnOptions, file: string): void {
  const options = composed(given);
  const { weights, exclude = [], id, foldBy, absorb = [] } = options;
  const places = placesOf(table.columns);
  const targets = targetNames(options, places) ?? [];
  const named = [weights, ...joined(exclude, places), id, foldBy, ...joined(absorb, places), ...targets];
  for (const name of named)
    if (name !== undefined && !places.has(name)) throw unknownColumn(name, [...places.keys()], file);
}

/** The error for a column that is not in the file, with the nearest name as the hint. */
export function unknownColumn(name: string, names: readonly string[], file: string): UsageError {
  const parts = name.split(",").map((part) => part.trim());
  if (parts.length > 1 && parts.every((part) => names.includes(part)))
    return new UsageError(`${file} has no column ${JSON.stringify(name)}`, {
      hint: wording`one is asked for here; ${option("target")} of several is for a training of its own, without ${option("groupBy")} and ${option("window")}`,
    });
  const near = nearestName(name, names);
  const shown = names.length > 20 ? `${names.slice(0, 20).join(", ")}, …` : names.join(", ");
  return new UsageError(`${file} has no column ${JSON.stringify(name)}`, {
    hint: near === undefined ? `its columns are ${shown}` : `did you mean ${JSON.stringify(near)}?`,
  });
}
