import type { ColumnBlock, ColumnChoice } from "../csv/column-block.js";
import type { Table } from "../csv/table.js";
import { placesOf } from "../dataset/column-places.js";
import { type Condition, rowCondition } from "../dataset/formula/condition.js";
import { columnsOf, type Expression } from "../dataset/formula/spec.js";
import { DataError, UsageError } from "../errors.js";
import { option, wording } from "../wording.js";

/**
 * What a row of a scan holds, by name: the positions of a table's columns. Plain data, so that it crosses to workers.
 * How blocks store the slots is for `blockOrder` and `BlockView` alone to know.
 */
export interface RowLayout {
  /** The target, where it is a column as it stands; what a formula makes of columns reads them from `numeric`. */
  readonly target?: number | undefined;
  /** Columns of numbers; −1 − i is column i of `lagged`, as the target may be. */
  readonly numeric: readonly number[];
  /** Columns that are in no file, by the numbers of all rows. */
  readonly lagged?: readonly Float64Array[] | undefined;
  /** The column of weights. */
  readonly weight?: number | undefined;
  /** Columns of text, read as levels. */
  readonly factors: readonly number[];
  /** The column whose texts name each row's group. */
  readonly group?: number | undefined;
  /** Whether that column is read as numbers, as others of its slots are; what its numbers are called names the group. */
  readonly groupOf?: "numbers" | undefined;
  /** Columns whose values say which rows belong together, as numbers or as text. */
  readonly clusters?: readonly ColumnSlot[] | undefined;
  /** The column whose whole numbers rows are drawn into folds by, and held out. */
  readonly foldBy?: number | undefined;
  /** Which rows there are at all; the others are counted. */
  readonly where?: RowsWhere | undefined;
  /** The column that names rows. */
  readonly id?: ColumnSlot | undefined;
  /** Whether to keep each row's bytes, for output that repeats them. */
  readonly text?: boolean | undefined;
}

/** A column and how it is read. */
interface ColumnSlot {
  readonly column: number;
  readonly of: "numbers" | "text";
}

/** A condition on rows, and where the columns are that it names. */
interface RowsWhere {
  readonly condition: Condition;
  readonly columns: Readonly<Record<string, ColumnSlot>>;
}

/** The slots of a layout by their columns' names. */
export interface NamedSlots {
  readonly target?: string | undefined;
  readonly numeric: readonly string[];
  readonly weight?: string | undefined;
  readonly factors: readonly string[];
  readonly group?: string | undefined;
  readonly clusters?: readonly string[] | undefined;
  readonly foldBy?: string | undefined;
  /** A condition on rows, in R's language. */
  readonly where?: string | undefined;
  /** Expressions over columns of numbers, of which rows without a finite value are none either. */
  readonly finite?: readonly Expression[] | undefined;
  readonly id?: string | undefined;
  readonly text?: boolean | undefined;
}

/**
 * The layout of slots in a table, found by name; the columns must be there, but for those of `where` and `id`.
 *
 * @throws UsageError for a condition that makes no sense, and where the table lacks a column that it or `id` names
 */
export function layoutOf(table: Table, slots: NamedSlots): RowLayout {
  const at = placesOf(table.columns);
  const { lagged = [] } = table;
  const position = (name: string) => {
    const i = lagged.findIndex((column) => column.name === name);
    return i >= 0 ? -1 - i : at.get(name)!;
  };
  const optional = (name: string | undefined) => (name === undefined ? undefined : position(name));
  const layout: RowLayout = {
    target: optional(slots.target),
    numeric: slots.numeric.map(position),
    weight: optional(slots.weight),
    factors: slots.factors.map(position),
    group: optional(slots.group),
    foldBy: optional(slots.foldBy),
    text: slots.text,
    ...(lagged.length === 0 ? {} : { lagged: lagged.map(({ values }) => values) }),
  };
  const where = slots.where === undefined ? undefined : whereOf(table, slots.where, layout);
  return {
    ...withClusters(layout, table, slots.clusters),
    where: (slots.finite ?? []).reduce((all, one) => alsoFinite(table, one, layout, all), where),
    id: slots.id === undefined ? undefined : idOf(table, slots.id.normalize("NFC"), layout),
  };
}

/**
 * A layout of a table in another one that has columns of the same names, in whatever order.
 *
 * @throws DataError that names the columns that the other lacks
 */
export function layoutIn(other: Table, table: Table, layout: RowLayout): RowLayout {
  const at = new Map(other.columns.map((column, i) => [column.name, i]));
  const missing = new Set<string>();
  const moved = (column: number): number => {
    if (column < 0) return column;
    const { name } = table.columns[column]!;
    const found = at.get(name);
    if (found === undefined) missing.add(name);
    return found ?? -1;
  };
  const optional = (column: number | undefined) => (column === undefined ? undefined : moved(column));
  const movedSlot = (slot: ColumnSlot): ColumnSlot => ({ ...slot, column: moved(slot.column) });
  const { where } = layout;
  const result: RowLayout = {
    target: optional(layout.target),
    numeric: layout.numeric.map(moved),
    weight: optional(layout.weight),
    factors: layout.factors.map(moved),
    group: optional(layout.group),
    groupOf: layout.groupOf,
    clusters: layout.clusters?.map(movedSlot),
    foldBy: optional(layout.foldBy),
    where: where && {
      condition: where.condition,
      columns: Object.fromEntries(
        Object.entries(where.columns).map(([name, slot]) => [name, movedSlot(slot)]),
      ),
    },
    id: layout.id && movedSlot(layout.id),
    text: layout.text,
    ...(layout.lagged === undefined ? {} : { lagged: layout.lagged }),
  };
  if (missing.size === 0) return result;
  throw new DataError(`columns of ${table.source.name} are missing: ${[...missing].join(", ")}`, {
    place: { file: other.source.name },
    hint: `it has ${[...at.keys()].slice(0, 20).join(", ")}`,
  });
}

/** A layout with the columns of clusters, read as its other slots read them. */
export function withClusters(layout: RowLayout, table: Table, names: readonly string[] = []): RowLayout {
  if (names.length === 0) return layout;
  const at = placesOf(table.columns);
  return { ...layout, clusters: names.map((name) => slotOf(table, at.get(name)!, layout)) };
}

/** A layout with a column of groups, read as its other slots read it. */
export function withGroup(layout: RowLayout, column: number): RowLayout {
  const { target, numeric, weight, foldBy, where } = layout;
  const conditions = Object.values(where?.columns ?? {}).flatMap((of) =>
    of.of === "numbers" ? [of.column] : [],
  );
  const numbers = [target, ...numeric, weight, foldBy, ...conditions].includes(column);
  return { ...layout, group: column, groupOf: numbers ? "numbers" : undefined, clusters: undefined };
}

/** How a column is read: as the slots that have it do, else by what it holds. */
function slotOf(
  table: Table,
  column: number,
  { target, numeric, weight, factors, group }: RowLayout,
): ColumnSlot {
  if ([target, ...numeric, weight].includes(column)) return { column, of: "numbers" };
  if ([...factors, group].includes(column)) return { column, of: "text" };
  return { column, of: table.columns[column]!.kind === "text" ? "text" : "numbers" };
}

function whereOf(table: Table, text: string, layout: RowLayout): RowsWhere {
  const names = table.columns.map(({ name }) => name);
  const columns: Record<string, ColumnSlot> = {};
  const { condition } = rowCondition(text, names, (name) => {
    const column = names.indexOf(name);
    if (column < 0) return undefined;
    columns[name] = slotOf(table, column, layout);
    return columns[name].of;
  });
  return { condition, columns };
}

/** The condition that an expression has a finite value, 0 · x = 0, beside another where there is one. */
function alsoFinite(
  table: Table,
  expression: Expression,
  layout: RowLayout,
  where: RowsWhere | undefined,
): RowsWhere {
  const columns = { ...where?.columns };
  for (const name of columnsOf(expression))
    columns[name] ??= slotOf(table, placesOf(table.columns).get(name)!, layout);
  const finite: Condition = {
    compare: "==",
    left: { call: "*", args: [{ number: 0 }, expression] },
    right: { number: 0 },
  };
  return { condition: where === undefined ? finite : { both: [where.condition, finite] }, columns };
}

function idOf(table: Table, name: string, layout: RowLayout): ColumnSlot {
  const column = table.columns.findIndex((one) => one.name === name);
  if (column < 0)
    throw new UsageError(
      wording`${table.source.name} has no column ${JSON.stringify(name)}, which ${option("id")} names`,
    );
  const { target, numeric, weight, factors, group } = layout;
  const read = [target, ...numeric, weight, ...factors, group].includes(column);
  return read ? slotOf(table, column, layout) : { column, of: "text" };
}

/**
 * In which order blocks store a layout's slots: numbers as target, `numeric`, weight, and what else is read as numbers,
 * and texts as `factors`, group, and what else is read as text; a column that serves twice is stored once.
 */
export interface BlockOrder {
  /** The columns to read. */
  readonly choice: ColumnChoice;
  /**
   * Where other rows give columns: for each column of numbers where it is among those that are read, or −1 − i for column i
   * of the layout's `lagged`.
   */
  readonly slots?: readonly number[];
  /** How many columns of numbers the target's and `numeric` are. */
  readonly numbers: number;
  /** Where the weight is among the numbers of the block, and the group among its texts; −1 where there is none. */
  readonly weight: number;
  readonly group: number;
  /** Where each cluster's column is among the numbers, or the texts, of the block. */
  readonly clusters: readonly number[];
  /** Where the key of folds is among the numbers; −1 where there is none. */
  readonly foldBy: number;
  /** The same, of the columns of the condition. */
  readonly where: ReadonlyMap<string, { readonly at: number; readonly of: "numbers" | "text" }>;
  /** The same, of the column that names rows; undefined where it is stored as a name, or there is none. */
  readonly id: { readonly at: number; readonly of: "numbers" | "text" } | undefined;
}

/** The order in which blocks store a layout's slots. */
export function blockOrder(layout: RowLayout): BlockOrder {
  const { target, weight, group, clusters = [], foldBy, where, id, text } = layout;
  const numeric = [...slot(target), ...layout.numeric];
  const numbers = numeric.length;
  const factors = [...layout.factors];
  const place = ({ column, of }: ColumnSlot) => {
    const stored = of === "numbers" ? numeric : factors;
    const known = stored.indexOf(column);
    return known >= 0 ? known : stored.push(column) - 1;
  };
  const weightAt = weight === undefined ? -1 : place({ column: weight, of: "numbers" });
  const groupAt = group === undefined ? -1 : place({ column: group, of: layout.groupOf ?? "text" });
  const places = clusters.map(place);
  const foldByAt = foldBy === undefined ? -1 : place({ column: foldBy, of: "numbers" });
  const named = Object.entries(where?.columns ?? {}).map(
    ([name, column]) => [name, { at: place(column), of: column.of }] as const,
  );
  const known = id !== undefined && [...numeric, ...factors].includes(id.column);
  const read = layout.lagged === undefined ? numeric : numeric.filter((column) => column >= 0);
  return {
    ...(layout.lagged === undefined
      ? {}
      : { slots: numeric.map((column) => (column < 0 ? column : read.indexOf(column))) }),
    choice: {
      numeric: read,
      factors,
      text: text ?? false,
      name: id === undefined || known ? undefined : id.column,
    },
    numbers,
    weight: weightAt,
    group: groupAt,
    clusters: places,
    foldBy: foldByAt,
    where: new Map(named),
    id: known ? { at: place(storedAs(id, numeric)), of: storedAs(id, numeric).of } : undefined,
  };
}

/** The text that names row r of a block in memory. */
export function rowName(
  { id }: BlockOrder,
  block: ColumnBlock,
  levels: readonly (readonly string[])[],
  r: number,
): string {
  if (id === undefined) return block.rowNames?.[r] ?? "";
  if (id.of === "text") return levels[id.at]![block.codes[id.at]![r]!] ?? "";
  const value = block.numeric[id.at]![r]!;
  return Number.isNaN(value) ? "" : String(value);
}

/** How a column that is stored already is stored. */
function storedAs({ column }: ColumnSlot, numeric: readonly number[]): ColumnSlot {
  return { column, of: numeric.includes(column) ? "numbers" : "text" };
}

function slot(column: number | undefined): number[] {
  return column === undefined ? [] : [column];
}
