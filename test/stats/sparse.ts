import { FormulaScan } from "../../src/dataset/formula/scan.js";
import type { ModelSpec } from "../../src/dataset/formula/spec.js";
import { BLOCK_ROWS } from "../../src/kernels/block-rows.js";
import { meansAt, ROWS_AT, recordLength, WEIGHT_AT } from "../../src/kernels/cell-record.js";
import { CellTable } from "../../src/stats/cell-table.js";
import { ExtendedMoments } from "../../src/stats/extended-moments.js";
import { LevelCodes } from "../../src/stats/level-codes.js";
import { Moments } from "../../src/stats/moments.js";
import { SparseMoments } from "../../src/stats/sparse-moments.js";
import { rawBlock, type Table } from "../dataset/formula/table.js";

/**
 * The sparse moments of rows [from, to) of a table without the kernels: numbers by `updateBlock`, and every row a cell
 * of its own that is merged into those of its levels.
 */
export function sparseMoments(
  spec: ModelSpec,
  table: Table,
  options: { extended?: boolean; from?: number; to?: number; weights?: number[]; size?: number } = {},
): SparseMoments {
  const { extended = false, from = 0, to = Object.values(table)[0]!.length, size = BLOCK_ROWS } = options;
  const scan = new FormulaScan(spec, { extended });
  const { shape } = scan;
  const raw = {
    ...rawBlock(table, spec),
    weights: options.weights && Float64Array.from(options.weights),
  };
  const base = extended ? ExtendedMoments.empty(shape.numbers) : Moments.empty(shape.numbers);
  const levels = shape.factors.map(() => new LevelCodes());
  const tables = shape.tables.map(
    ({ factors, columns, products }) =>
      new CellTable({ factors: factors.length, columns: columns.length, products, extended, logs: false }),
  );
  for (let start = from; start < to; start += size) {
    const block = scan.fill(raw, start, Math.min(size, to - start));
    for (const [t, { factors, columns }] of shape.tables.entries())
      for (let i = 0; i < block.rows; i++) {
        const record = new Float64Array(recordLength(tables[t]!.kind));
        const weight = block.weights?.[i] ?? 1;
        if (weight === 0) continue;
        record[ROWS_AT] = 1;
        record[WEIGHT_AT] = weight;
        for (const [j, column] of columns.entries()) {
          record[meansAt(tables[t]!.kind) + j] = block.values[column * BLOCK_ROWS + i]!;
          if (extended)
            record[meansAt(tables[t]!.kind) + columns.length + j] = block.low![column * BLOCK_ROWS + i]!;
        }
        const codes = Int32Array.from(factors, (f) =>
          levels[f]!.code(scan.levels(f)[block.codes[f * BLOCK_ROWS + i]!]!),
        );
        tables[t]!.add(tables[t]!.cell(codes), record, 0);
      }
    const weights = block.weights?.subarray(0, block.rows);
    if (base instanceof ExtendedMoments)
      base.updateBlock(block.values, block.low, block.rows, BLOCK_ROWS, weights);
    else base.updateBlock(block.values, block.rows, BLOCK_ROWS, weights);
  }
  return new SparseMoments(shape, { base, levels, tables });
}
