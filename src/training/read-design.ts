import type { Table } from "../csv/table.js";
import { codedTerms, type FactorLevels } from "../dataset/formula/coding.js";
import { Design } from "../dataset/formula/design.js";
import { rowNumber } from "../dataset/formula/raw-block.js";
import type { ModelSpec } from "../dataset/formula/spec.js";
import { InterruptedError } from "../errors.js";
import { BLOCK_ROWS } from "../kernels/block-rows.js";
import { readRows } from "../scan/read-rows.js";
import { type DrawPlan, RowDraw } from "../scan/row-draw.js";
import { blockOrder, type RowLayout } from "../scan/row-layout.js";

/** The design matrix of a table's complete rows, in memory: X n × k row-major without the intercept's column. */
export interface DesignMatrix {
  X: Float64Array;
  y: Float64Array;
  weights: Float64Array | undefined;
  /** Each row's number in the data, from 0. */
  rows: Float64Array;
  /** Each row's value in the layout's first cluster, where it has one: undefined where that is missing. */
  keys?: (string | undefined)[] | undefined;
}

/** Reads a table into memory as the design matrix of a model, for a solver that wants all rows at once. */
export async function readDesign(
  table: Table,
  layout: RowLayout,
  model: { spec: ModelSpec; levels: FactorLevels; references: Readonly<Record<string, string>> },
  split: DrawPlan,
  signal?: AbortSignal,
): Promise<DesignMatrix> {
  const { spec, levels, references } = model;
  const terms = codedTerms(spec, levels, references);
  const design = new Design(spec, terms, levels, { target: true });
  const k = design.width;
  const { weight: weightAt, foldBy: keyAt, clusters } = blockOrder(layout);
  const [cluster] = layout.clusters ?? [];
  const keys: (string | undefined)[] = [];
  const weighted = layout.weight !== undefined;
  const X = new Growing();
  const y = new Growing();
  const weights = new Growing();
  const rowsOf = new Growing();
  for await (const { block, levels: names } of readRows(table, layout)) {
    if (signal?.aborted) throw new InterruptedError();
    const raw = { ...block, levels: names };
    const key = (r: number) => (keyAt < 0 ? Number.NaN : block.numeric[keyAt]![r]!);
    const draw = new RowDraw({ rowNumber: (r) => rowNumber(raw, r), key }, split);
    for (let start = 0; start < block.rows; start += BLOCK_ROWS) {
      const rows = Math.min(BLOCK_ROWS, block.rows - start);
      design.fill(raw, start, rows);
      for (let r = 0; r < rows; r++) {
        const weight = weighted ? block.numeric[weightAt]![start + r]! : 1;
        const missing = design.missing[r] === 1 || Number.isNaN(design.target[r]! + weight);
        if (missing || draw.isHeldOut(start + r)) continue;
        if (cluster !== undefined) {
          const at = clusters[0]!;
          const value =
            cluster.of === "numbers" ? block.numeric[at]![start + r]! : block.codes[at]![start + r]!;
          keys.push(
            cluster.of === "text" ? names[at]![value] : Number.isNaN(value) ? undefined : String(value),
          );
        }
        X.reserve(k);
        for (let j = 0; j < k; j++) X.push(design.values[j * BLOCK_ROWS + r]!);
        y.reserve(1);
        y.push(design.target[r]! - (design.offset?.[r] ?? 0));
        rowsOf.reserve(1);
        rowsOf.push(rowNumber(raw, start + r));
        weights.reserve(1);
        weights.push(weight);
      }
    }
  }
  return {
    X: X.values(),
    y: y.values(),
    weights: weighted ? weights.values() : undefined,
    rows: rowsOf.values(),
    ...(cluster === undefined ? {} : { keys }),
  };
}

/** Numbers one after the other, more than a plain list can hold. */
class Growing {
  #values = new Float64Array(1 << 10);
  #length = 0;

  /** Makes room for so many more. */
  reserve(more: number): void {
    if (this.#length + more <= this.#values.length) return;
    const larger = new Float64Array(Math.max(this.#length + more, 2 * this.#values.length));
    larger.set(this.#values);
    this.#values = larger;
  }

  push(value: number): void {
    this.#values[this.#length++] = value;
  }

  values(): Float64Array {
    return this.#values.subarray(0, this.#length);
  }
}
