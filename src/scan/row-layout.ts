import type { ColumnChoice } from "../csv/column-block.js";
import type { Table } from "../csv/table.js";
import { positions } from "../stats/positions.js";

/**
 * What a row of a scan holds, by name: the positions of a table's columns. Plain data, so that it crosses to workers.
 * How blocks store the slots is for `blockOrder` and `BlockView` alone to know.
 */
export interface RowLayout {
  /** The target, where it is a column as it stands; what a formula makes of columns reads them from `numeric`. */
  readonly target?: number | undefined;
  /** Columns of numbers. */
  readonly numeric: readonly number[];
  /** The column of weights. */
  readonly weight?: number | undefined;
  /** Columns of text, read as levels. */
  readonly factors: readonly number[];
  /** The column whose texts name each row's group. */
  readonly group?: number | undefined;
  /** Columns whose values say which rows belong together, as numbers or as text. */
  readonly clusters?: readonly ClusterSlot[] | undefined;
  /** Whether to keep each row's bytes, for output that repeats them. */
  readonly text?: boolean | undefined;
}

/** A column of clusters and how it is read. */
interface ClusterSlot {
  readonly column: number;
  readonly of: "numbers" | "text";
}

/** The slots of a layout by their columns' names. */
export interface NamedSlots {
  readonly target?: string | undefined;
  readonly numeric: readonly string[];
  readonly weight?: string | undefined;
  readonly factors: readonly string[];
  readonly group?: string | undefined;
  readonly clusters?: readonly string[] | undefined;
  readonly text?: boolean | undefined;
}

/** The layout of slots in a table, found by name; the columns must be there. */
export function layoutOf(table: Table, slots: NamedSlots): RowLayout {
  const at = positions(table.columns.map(({ name }) => name));
  const position = (name: string) => at.get(name)!;
  const optional = (name: string | undefined) => (name === undefined ? undefined : position(name));
  return {
    target: optional(slots.target),
    numeric: slots.numeric.map(position),
    weight: optional(slots.weight),
    factors: slots.factors.map(position),
    group: optional(slots.group),
    clusters: slots.clusters?.map((name) => {
      const column = position(name);
      return { column, of: table.columns[column]!.kind === "text" ? "text" : "numbers" };
    }),
    text: slots.text,
  };
}

/**
 * In which order blocks store a layout's slots: numbers as target, `numeric`, weight, clusters, and texts as
 * `factors`, group, clusters, a column that serves as a cluster too being stored once.
 */
export interface BlockOrder {
  /** The columns to read. */
  readonly choice: ColumnChoice;
  /** How many columns of numbers come before the weight: the target's and `numeric`. */
  readonly numbers: number;
  /** Where each cluster's column is among the numbers, or the texts, of the block. */
  readonly clusters: readonly number[];
}

/** The order in which blocks store a layout's slots. */
export function blockOrder(layout: RowLayout): BlockOrder {
  const { target, weight, group, clusters = [], text } = layout;
  const numeric = [...slot(target), ...layout.numeric];
  const numbers = numeric.length;
  numeric.push(...slot(weight));
  const factors = [...layout.factors, ...slot(group)];
  const places = clusters.map(({ column, of }) => {
    const stored = of === "numbers" ? numeric : factors;
    const known = stored.indexOf(column);
    return known >= 0 ? known : stored.push(column) - 1;
  });
  return { choice: { numeric, factors, text: text ?? false }, numbers, clusters: places };
}

function slot(column: number | undefined): number[] {
  return column === undefined ? [] : [column];
}
