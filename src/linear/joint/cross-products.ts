import { ModelError } from "../../errors.js";
import type { Steps } from "../../parallel/steps.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { DoubleDouble } from "../../stats/double-double.js";
import { packedIndex, packedLength } from "../../stats/packed.js";
import { symmetricEigen } from "../../stats/symmetric-eigen.js";
import { extendedCholeskySteps, extendedVector, setEntry } from "../solve/extended-cholesky.js";

/** A target of which the terms leave less than this share, in double and in double-double, is fitted exactly. */
const EXACT = { double: 1e-12, extended: 1e-24 };

/** A target's residuals of which those of the targets before it leave less than this share depend on them. */
const DEPENDENT = 1e-10;

/** More columns than these take minutes and more in double-double. */
const MOST_COLUMNS = 2000;

/** What some columns explain of several targets, one block of columns after the other, and what is left. */
export interface TargetProducts {
  /**
   * The eigenvalues of E⁻¹H of a block, H being what it takes from E = Yᵀ(I − P)Y beside the blocks before it: as many as there are
   * targets, 0 or more.
   */
  roots(block: number): number[];
  /** E, q × q by rows. */
  residual: number[][];
}

/**
 * Factors [X Y]ᵀ[X Y] = LLᵀ in double-double, X the blocks of columns in their order: the rows of L that belong to the targets are
 * the coordinates of Y on orthonormal columns, so that H of a block is Σ ℓℓᵀ over its columns, E = L_yy L_yyᵀ, and none is a
 * difference of large sums.
 *
 * @param blocks names of columns, none of which depends on the others
 * @param targets names of the targets' columns
 * @param intercept whether columns are about their means
 * @throws ModelError where residuals of a target are 0, or depend on those of the others; where there are too many columns
 */
export function* targetProducts(
  given: CrossProducts,
  blocks: readonly (readonly string[])[],
  targets: readonly string[],
  intercept: boolean,
): Steps<TargetProducts> {
  const terms = blocks.flat();
  const [k, q] = [terms.length, targets.length];
  if (k > MOST_COLUMNS)
    throw new ModelError(`joint tests are of up to ${MOST_COLUMNS} coefficients, and these are ${k}`, {
      hint: "leave out a factor of very many levels, or absorb it",
    });
  const names = [...terms, ...targets];
  const moments = given.over(names);
  const at = names.map((name) => moments.index(name));
  const product = (i: number, j: number) => moments.extendedProduct(at[i]!, at[j]!, intercept);
  const root = names.map((_, i) => product(i, i).sqrt());
  const gram = extendedVector(packedLength(k + q));
  for (let i = 0; i < k + q; i++) {
    for (let j = 0; j <= i; j++) {
      const scale = root[i]!.mul(root[j]!);
      setEntry(gram, packedIndex(i, j), scale.hi > 0 ? product(i, j).div(scale) : new DoubleDouble(0));
    }
    yield;
  }
  const { kept, rows } = yield* extendedCholeskySteps(gram, k + q, 0);
  const lacking = names.findIndex((_, i) => !kept.includes(i));
  if (lacking >= 0 && lacking < k)
    throw new ModelError(`the moments are singular in ${terms[lacking]}, which the model estimates`);
  const exact = given.extended ? EXACT.extended : EXACT.double;
  /** L_yy, and the targets' coordinates on the columns. */
  const own = (t: number) => rows[kept.indexOf(k + t)];
  for (const [t, name] of targets.entries()) {
    const row = own(t);
    const left = row === undefined ? 0 : sumOfSquares(row.hi, k, k + t + 1);
    // Terms and targets before it leave nothing of it: by itself it is refused where the terms alone do so.
    if (row === undefined && t > 0) yield* targetProducts(given, blocks, [name], intercept);
    else if (!(left > exact))
      throw new ModelError(
        `the terms fit ${name} exactly: there are no residuals that joint tests could go by`,
        {
          hint: "leave it out of the targets",
        },
      );
    if (row === undefined || !(row.hi[k + t]! ** 2 > DEPENDENT * left))
      throw new ModelError(
        `the residuals of ${name} depend linearly on those of ${targets.slice(0, t).join(", ")}: there are no joint tests`,
        { hint: "leave it out of the targets" },
      );
  }
  const lower = targets.map((_, t) => own(t)!.hi.slice(k, k + t + 1));
  const starts = [0];
  for (const block of blocks) starts.push(starts.at(-1)! + block.length);
  return {
    roots(block) {
      const [from, to] = [starts[block]!, starts[block + 1]!];
      // A = L_yy⁻¹ [ℓ], of which AAᵀ has the eigenvalues of E⁻¹H.
      const a: Float64Array[] = [];
      for (let t = 0; t < q; t++) {
        const row = own(t)!.hi.slice(from, to);
        for (let u = 0; u < t; u++) for (let j = 0; j < row.length; j++) row[j]! -= lower[t]![u]! * a[u]![j]!;
        a.push(row.map((value) => value / lower[t]![t]!));
      }
      const gramOf = new Float64Array(packedLength(q));
      for (let t = 0; t < q; t++)
        for (let u = 0; u <= t; u++)
          gramOf[packedIndex(t, u)] = a[t]!.reduce((sum, value, j) => sum + value * a[u]![j]!, 0);
      return Array.from(symmetricEigen(gramOf, q).values, (value) => Math.max(0, value));
    },
    residual: targets.map((_, t) =>
      targets.map((__, u) => {
        const both = lower[Math.min(t, u)]!;
        const sum = both.reduce((all, value, j) => all + value * lower[Math.max(t, u)]![j]!, 0);
        return sum * root[k + t]!.toNumber() * root[k + u]!.toNumber();
      }),
    ),
  };
}

function sumOfSquares(values: Float64Array, from: number, to: number): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum += values[i]! ** 2;
  return sum;
}
