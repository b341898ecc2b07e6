import { ModelError } from "../../errors.js";
import type { Steps } from "../../parallel/steps.js";
import { packedIndex, packedLength } from "../../stats/packed.js";
import type { ComplementRows } from "./effects-leverage.js";
import { TiledFactor } from "./tiled-factor.js";

/** The share of a level's squares that must be left by the levels before it for it to count, as where effects are factored. */
const PIVOT = 1e-10;
/** Numbers that are moved at a stretch, between two places where others may run. */
const STRETCH = 1 << 18;

/**
 * K⁻ of the Schur complement K of absorbed effects by the blocked kernels, on all threads: the inverse over the levels
 * that do not depend on those before them, 0 for the others, which is all that leverages need, for these are of vectors
 * in K's range. A packed lower triangle in memory that threads share; of order M it takes 4 M² bytes, and 12 M² beside
 * them while it is made.
 *
 * @throws ModelError where rounding hides which levels depend on others
 */
export function* complementInverse({ order, row, rank }: ComplementRows): Steps<Float64Array> {
  const scale = new Float64Array(order);
  const own = new Float64Array(order);
  for (let i = 0; i < order; i++) {
    row(i, own);
    scale[i] = own[i]! > 0 ? Math.sqrt(own[i]!) : 0;
    if (i % 16 === 15) yield;
  }
  const rows = {
    order,
    row(i: number, high: Float64Array) {
      row(i, high);
      for (let j = 0; j <= i; j++) {
        const both = scale[i]! * scale[j]!;
        high[j] = both === 0 ? 0 : high[j]! / both;
      }
    },
  };
  const factor = yield* TiledFactor.of(rows, { tolerance: PIVOT });
  const { kept } = factor;
  if (rank !== undefined && kept.length !== rank)
    throw new ModelError(
      `rounding hides how levels of the absorbed factors depend on each other: ${kept.length} seem not to, of ${rank}`,
      { hint: "absorb fewer factors, or choose hc1 or clusters, which need no leverages" },
    );
  const packed = yield* factor.inverse();
  factor.release();
  const inverse = new Float64Array(new SharedArrayBuffer(8 * packedLength(order)));
  let moved = 0;
  for (let r = 0, from = 0; r < kept.length; r++) {
    const i = kept[r]!;
    for (let s = 0; s <= r; s++)
      inverse[packedIndex(i, kept[s]!)] = packed[from++]! / (scale[i]! * scale[kept[s]!]!);
    moved += r;
    if (moved < STRETCH) continue;
    moved = 0;
    yield;
  }
  return inverse;
}
