import type { RawBlock } from "../dataset/formula/raw-block.js";
import { BLOCK_ROWS, type Kernels } from "../kernels/kernels.js";
import type { BlockSource } from "./chunk-job.js";

/**
 * The rows of a source's block as formulas take them: views of the kernels' memory, good until the next block.
 *
 * @param columns how many numeric columns the block has, a column of weights not counted
 * @param weighted whether such a column follows them
 */
export function rawBlock(
  kernels: Kernels,
  source: BlockSource,
  columns: number,
  weighted: boolean,
  rows: number,
): RawBlock {
  const column = (j: number) => kernels.doublesAt(source.block + 8 * BLOCK_ROWS * j, rows);
  return {
    numeric: Array.from({ length: columns }, (_, j) => column(j)),
    codes: source.codes,
    levels: source.levels.map(({ names }) => names),
    weights: weighted ? column(columns) : undefined,
    firstRow: source.firstRow,
  };
}
