import type { Kernels } from "../kernels/kernels.js";
import type { ColumnBlock, ColumnChoice } from "./column-block.js";
import { readFast } from "./fast-lane.js";
import { type Levels, levelsOf } from "./levels.js";
import { readReference } from "./reference-lane.js";
import type { Table } from "./table.js";

/** How to read columns. */
export interface ReadOptions {
  /** One dictionary per factor chosen, which grows as levels appear. */
  readonly levels?: readonly Levels[];
  /** Bytes per chunk; default 1 MiB. Tests make it tiny, so that every row meets a boundary. */
  readonly chunkBytes?: number;
  /** `reference` reads all through csv-parse; default `fast`, which leaves to csv-parse what it cannot read. */
  readonly lane?: "fast" | "reference";
  /** Kernels to read by, in which nobody else takes memory meanwhile; default: new ones. */
  readonly kernels?: Kernels;
}

/**
 * The chosen columns of a table in the calling thread, one block per chunk that has rows, in file order.
 *
 * @throws DataError, with line and column, for a cell of a numeric column that is neither a finite number nor
 * missing, a row with too many or too few cells, a quoted cell that is not closed, and a file that changes
 */
export function readColumns(
  table: Table,
  choice: ColumnChoice,
  options: ReadOptions = {},
): AsyncGenerator<ColumnBlock, void, undefined> {
  const levels = options.levels ?? levelsOf(table, choice);
  const reference = table.dialect.odd || options.lane === "reference";
  if (reference) return readReference(table, choice, levels, options.chunkBytes);
  return readFast(table, choice, levels, options.chunkBytes, options.kernels);
}
