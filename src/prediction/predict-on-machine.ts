import type { ColumnBlock } from "../csv/column-block.js";
import { excelSafeField, excelSafeRow } from "../csv/excel-safe.js";
import { withLine } from "../csv/locate.js";
import type { Table } from "../csv/table.js";
import { type Output, quoteField } from "../csv/write.js";
import { Design } from "../dataset/formula/design.js";
import { type RawBlock, rowNumber } from "../dataset/formula/raw-block.js";
import { DataError, InterruptedError } from "../errors.js";
import { BLOCK_ROWS } from "../kernels/block-rows.js";
import { BlockPredictor, type PredictorPlan } from "../linear/model/block-predictor.js";
import { type OutsideCount, OutsideRows } from "../linear/model/row-space.js";
import { linearGraph } from "../linear/model/to-graph.js";
import { checkUnseen } from "../linear/model/unseen.js";
import { GoMachine, TapeMachine } from "../machine/index.js";
import { readRows } from "../scan/read-rows.js";
import { blockOrder, type RowLayout, rowName } from "../scan/row-layout.js";
import { PredictionErrors } from "../stats/metrics.js";
import type { PredictPlan } from "./predict-job.js";

/** Which machine runs the model's graph. */
export type MachineName = "tape" | "go";

/** Rows that one run of the graph predicts; a multiple of the design's blocks. */
const BATCH_ROWS = 8 * BLOCK_ROWS;

/** What `predictOnMachine` works on. */
interface MachineRun {
  readonly table: Table;
  readonly layout: RowLayout;
  readonly plan: PredictPlan;
  /** The plan's predictor, which is of one model. */
  readonly predictor: PredictorPlan;
  readonly output: Output;
  readonly machine: MachineName;
  /** Worker threads of the go machine. */
  readonly workers: number;
  readonly chunkBytes: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Predicts every row of a table by running the model's graph, [1 X] θ, in batches, and writes the lines that
 * `PredictJob` writes, byte for byte.
 *
 * @throws DataError for a bad cell; InterruptedError when the signal aborts
 */
export async function predictOnMachine(run: MachineRun): Promise<{
  rows: number;
  missing: number;
  outside: OutsideCount;
  excluded: number;
  errors: PredictionErrors;
}> {
  const { table, layout, plan, output, signal } = run;
  const { spec, terms, levels, weights, target, rowSpace } = run.predictor;
  const { graph, x, prediction } = linearGraph(weights, BATCH_ROWS);
  const order = blockOrder(layout);
  const machine =
    run.machine === "go" ? new GoMachine(graph, { workers: run.workers }) : new TapeMachine(graph);
  const design = new Design(spec, terms, levels, { target });
  const k = weights.length - 1;
  const X = new Float64Array(BATCH_ROWS * k);
  const errors = new PredictionErrors();
  // Which rows have a prediction is not the graph's to say.
  const checked = rowSpace && new BlockPredictor(run.predictor);
  const outside = new OutsideRows();
  let rows = 0;
  let missing = 0;
  let excluded = 0;

  /** The design of one block of 128 rows, and of its targets into `y`. */
  const fill = (raw: ColumnBlock & RawBlock, start: number, count: number, at: number, y: Float64Array) => {
    design.fill(raw, start, count);
    checkUnseen(design, (r) => rowNumber(raw, r), plan.unseen);
    for (let r = 0; r < count; r++) {
      for (let j = 0; j < k; j++) X[(at + r) * k + j] = design.values[j * BLOCK_ROWS + r]!;
    }
    if (target) y.set(design.target.subarray(0, count), start);
  };
  const predict = async (block: ColumnBlock & RawBlock): Promise<Float64Array> => {
    const predictions = new Float64Array(block.rows);
    const y = new Float64Array(block.rows).fill(Number.NaN);
    for (let first = 0; first < block.rows; first += BATCH_ROWS) {
      const batch = Math.min(BATCH_ROWS, block.rows - first);
      for (let at = 0; at < batch; at += BLOCK_ROWS) {
        fill(block, first + at, Math.min(BLOCK_ROWS, batch - at), at, y);
      }
      machine.let(x, X);
      const values = (await machine.runAll({ signal })).value(prediction).data;
      predictions.set(values.subarray(0, batch), first);
    }
    if (checked !== undefined)
      for (let first = 0; first < block.rows; first += BLOCK_ROWS) {
        checked.predict(block, first, Math.min(BLOCK_ROWS, block.rows - first));
        outside.add(checked.outside);
        missing -= checked.outside.length;
        for (const { row } of checked.outside) predictions[first + row] = Number.NaN;
      }
    const own = new PredictionErrors();
    const weights = layout.weight === undefined ? undefined : block.numeric[order.numbers];
    for (let r = 0; r < block.rows; r++) {
      if (Number.isNaN(predictions[r]!)) missing++;
      else if (!Number.isNaN(y[r]!)) {
        const weight = weights?.[r] ?? 1;
        if (weight > 0) own.add(y[r]!, predictions[r]!, weight);
      }
    }
    errors.absorb(own);
    return predictions;
  };

  try {
    const { chunkBytes } = run;
    for await (const { block, levels: names, excluded: out } of readRows(table, layout, { chunkBytes })) {
      if (signal?.aborted) throw new InterruptedError();
      excluded += out;
      const predictions = await predict({ ...block, levels: names });
      rows += block.rows;
      if (!(await output.write(linesOf(block, predictions, plan, (r) => rowName(order, block, names, r)))))
        break;
    }
  } catch (error) {
    // A run in which the signal arrives ends with the signal's reason, which is not for users.
    if (signal?.aborted) throw new InterruptedError(undefined, { cause: error });
    throw error instanceof DataError ? await withLine(table, error) : error;
  } finally {
    await machine.close();
  }
  return { rows, missing, outside: outside.take(), excluded, errors };
}

function linesOf(
  block: ColumnBlock,
  predictions: Float64Array,
  { append, delimiter, id, excelSafe = false }: PredictPlan,
  nameOf: (row: number) => string,
): string | Uint8Array {
  const cell = (value: number) => (Number.isNaN(value) ? "NA\n" : `${value}\n`);
  const { text } = block;
  if (id !== undefined)
    return Array.from(
      predictions,
      (value, r) => (excelSafe ? excelSafeField : quoteField)(nameOf(r), delimiter) + delimiter + cell(value),
    ).join("");
  if (!append || text === undefined) return Array.from(predictions, cell).join("");
  // Rows keep their bytes, whatever they hold.
  const rowOf = (r: number) => text.bytes.subarray(r === 0 ? 0 : text.ends[r - 1]!, text.ends[r]!);
  const own = (r: number) =>
    excelSafe ? Buffer.from(excelSafeRow(Buffer.from(rowOf(r)).toString(), delimiter)) : rowOf(r);
  const parts = Array.from(predictions, (value, r) => [own(r), Buffer.from(delimiter + cell(value))]);
  return Buffer.concat(parts.flat());
}
