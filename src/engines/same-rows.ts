import type { Spread } from "./spread.js";
import type { CellSums, SumChoice } from "./sums.js";

/** How two moments of the same rows may differ that were added in other orders: in deviations, and of the moment itself. */
const [OF_DEVIATION, OF_MOMENT] = [1e-6, 1e-9];

/**
 * Whether the second pass has summed up the rows of the first: as many of them, with the same first moments. Rows that
 * are written meanwhile, or that a query draws at random, are others.
 *
 * @param largestWeight 1 without weights; then means are compared, otherwise those of the products of weights and numbers
 */
export function sameRows(
  cells: readonly CellSums[],
  { columns, shifts, integers }: SumChoice,
  spreads: readonly (Pick<Spread, "n" | "mean" | "deviation"> & { readonly weighted?: number | undefined })[],
  largestWeight: number,
): boolean {
  const n = cells.reduce((sum, cell) => sum + cell.rows, 0);
  if (n !== (spreads[0]?.n ?? n)) return false;
  if (n === 0) return true;
  const weight = cells.reduce((sum, cell) => sum + Number(cell.weight), 0);
  return columns.every((i, at) => {
    const { mean, deviation, weighted } = spreads[i]!;
    const scale = 2 ** -(integers?.scales[i] ?? 0);
    const b = cells.reduce((sum, cell) => sum + Number(cell.b[at]), 0) * scale;
    const found = (b + shifts[i]! * weight) / n;
    const off = Math.abs(found - (weighted ?? mean));
    const size = largestWeight * (Math.abs(mean) + deviation);
    return !(off > OF_DEVIATION * largestWeight * deviation + OF_MOMENT * size) || !Number.isFinite(off);
  });
}
