import type { ColumnBlock } from "../csv/column-block.js";
import { type Levels, levelsOf } from "../csv/levels.js";
import { readColumns } from "../csv/read-columns.js";
import { type Table, tablesOf } from "../csv/table.js";
import { compileCondition } from "../dataset/formula/condition.js";
import { BLOCK_ROWS } from "../kernels/block-rows.js";
import { type BlockOrder, blockOrder, layoutIn, type RowLayout } from "./row-layout.js";

/** Rows of a table in memory. */
interface Rows {
  /** Of the rows for which the layout's condition holds; `rows` counts those, `rowNumbers` has their numbers. */
  readonly block: ColumnBlock;
  /** The names that the codes of each factor stand for. */
  readonly levels: readonly (readonly string[])[];
  /** How many rows the condition left out. */
  readonly excluded: number;
}

/**
 * The rows of a table, and of those that it goes on in, block by block in the calling thread: for what wants them in
 * memory. Columns are in the order of `blockOrder`.
 */
export async function* readRows(
  table: Table,
  layout: RowLayout,
  options: { chunkBytes?: number; levels?: readonly Levels[] } = {},
): AsyncGenerator<Rows, void, undefined> {
  const levels = options.levels ?? levelsOf(table, blockOrder(layout).choice);
  const names = levels.map((dictionary) => dictionary.names);
  let before = 0;
  for (const part of tablesOf(table)) {
    if (part.part !== undefined && part.part.start === part.part.end) {
      before += part.part.before.firstRow;
      continue;
    }
    const order = blockOrder(part === table ? layout : layoutIn(part, table, layout));
    let rows = 0;
    const blocks =
      part.typed?.blocks(order.choice, levels) ?? readColumns(part, order.choice, { ...options, levels });
    for await (const block of blocks) {
      rows += block.rows;
      const numbered = withLagged({ ...block, firstRow: before + block.firstRow }, layout, order);
      const kept = layout.where === undefined ? undefined : rowsThatHold(numbered, layout, order, levels);
      if (kept === undefined) yield { block: numbered, levels: names, excluded: 0 };
      else yield { block: selected(numbered, kept), levels: names, excluded: block.rows - kept.length };
    }
    before += (part.part?.before.firstRow ?? 0) + rows;
  }
}

/** A block with the columns that other rows give among its own. */
function withLagged(block: ColumnBlock, { lagged }: RowLayout, { slots }: BlockOrder): ColumnBlock {
  if (lagged === undefined || slots === undefined) return block;
  const { firstRow, rows } = block;
  const numeric = slots.map((slot) =>
    slot >= 0 ? block.numeric[slot]! : lagged[-1 - slot]!.subarray(firstRow, firstRow + rows),
  );
  return { ...block, numeric, filled: undefined };
}

/** The places of the rows of a block for which a layout's condition holds. */
function rowsThatHold(
  block: ColumnBlock,
  layout: RowLayout,
  order: BlockOrder,
  levels: readonly Levels[],
): number[] {
  let start = 0;
  const holds = compileCondition(layout.where!.condition, {
    numbers: (name) => block.numeric[order.where.get(name)!.at]!.subarray(start, start + BLOCK_ROWS),
    text: (name) => {
      const { at } = order.where.get(name)!;
      return { codes: block.codes[at]!.subarray(start, start + BLOCK_ROWS), names: levels[at]!.names };
    },
  });
  const kept: number[] = [];
  for (; start < block.rows; start += BLOCK_ROWS) {
    const rows = Math.min(BLOCK_ROWS, block.rows - start);
    const answer = holds(rows);
    for (let r = 0; r < rows; r++) if (answer[r] === 1) kept.push(start + r);
  }
  return kept;
}

function selected(block: ColumnBlock, kept: readonly number[]): ColumnBlock {
  const { text } = block;
  const lines = text && kept.map((r) => text.bytes.subarray(r === 0 ? 0 : text.ends[r - 1]!, text.ends[r]!));
  let end = 0;
  return {
    chunk: block.chunk,
    firstRow: block.firstRow,
    rows: kept.length,
    numeric: block.numeric.map((column) => Float64Array.from(kept, (r) => column[r]!)),
    codes: block.codes.map((column) => Int32Array.from(kept, (r) => column[r]!)),
    text: lines && {
      bytes: Buffer.concat(lines),
      ends: Int32Array.from(lines, ({ length }) => (end += length)),
    },
    rowNames: block.rowNames && kept.map((r) => block.rowNames![r]!),
    rowNumbers: Float64Array.from(kept, (r) => block.firstRow + r),
  };
}
