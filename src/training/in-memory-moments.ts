import { BLOCK_ROWS } from "../kernels/block-rows.js";
import { ExtendedAccumulator } from "../kernels/extended.js";
import { type Kernels, threadKernels } from "../kernels/kernels.js";
import { MomentsAccumulator } from "../kernels/moments.js";
import { ExtendedMoments } from "../stats/extended-moments.js";
import { MergeTree } from "../stats/merge-tree.js";
import { Moments } from "../stats/moments.js";

/** Rows in memory: X n × k row-major, y n values, weights n values or none. */
export interface InMemoryRows {
  X: Float64Array;
  y: ArrayLike<number>;
  weights: Float64Array | undefined;
}

/** Rows per chunk: as in a scan of a file, chunks merge in a fixed tree, so that rounding grows with log n. */
const CHUNK_ROWS = 64 * BLOCK_ROWS;

/** The moments of rows in memory, in double; `columns` names those of X and, last, y. */
export function inMemoryMoments(columns: readonly string[], rows: InMemoryRows): Moments {
  return inOwnMemory((kernels) => {
    const accumulator = new MomentsAccumulator(kernels, columns.length);
    return sum(kernels, accumulator, columns.length, rows, () =>
      Moments.of({ columns, ...accumulator.read() }),
    );
  });
}

/** The moments of rows in memory, in double-double. */
export function inMemoryExtendedMoments(columns: readonly string[], rows: InMemoryRows): ExtendedMoments {
  return inOwnMemory((kernels) => {
    const accumulator = new ExtendedAccumulator(kernels, columns.length);
    return sum(kernels, accumulator, columns.length, rows, () =>
      ExtendedMoments.of({ columns, ...accumulator.read() }),
    );
  });
}

/** Work in the thread's kernels, which give back what it took: kernels of its own would cost more than a small fit. */
function inOwnMemory<T>(work: (kernels: Kernels) => T): T {
  const kernels = threadKernels();
  const mark = kernels.mark();
  try {
    return work(kernels);
  } finally {
    kernels.release(mark);
  }
}

function sum<M extends { absorb(other: M): unknown }>(
  kernels: Kernels,
  accumulator: MomentsAccumulator | ExtendedAccumulator,
  p: number,
  { X, y, weights }: InMemoryRows,
  read: () => M,
): M {
  const n = y.length;
  const k = p - 1;
  const block = kernels.allocBlock(p);
  const weightsAt = weights === undefined ? 0 : kernels.alloc(8 * BLOCK_ROWS);
  const { doubles } = kernels;
  const at = block / 8;
  const tree = new MergeTree<M>();
  for (let start = 0, chunk = 0; start < n; start += CHUNK_ROWS, chunk++) {
    const end = Math.min(n, start + CHUNK_ROWS);
    for (let from = start; from < end; from += BLOCK_ROWS) {
      const rows = Math.min(BLOCK_ROWS, end - from);
      for (let r = 0; r < rows; r++) {
        const row = (from + r) * k;
        for (let j = 0; j < k; j++) doubles[at + j * BLOCK_ROWS + r] = X[row + j]!;
        doubles[at + k * BLOCK_ROWS + r] = y[from + r]!;
      }
      if (weights !== undefined) doubles.set(weights.subarray(from, from + rows), weightsAt / 8);
      accumulator.add(block, rows, weightsAt);
    }
    tree.push(chunk, read());
    accumulator.reset();
  }
  return tree.finish()!;
}
