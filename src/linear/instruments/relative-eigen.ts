import { packedIndex, packedLength } from "../../stats/packed.js";
import { type SymmetricEigen, symmetricEigen } from "../../stats/symmetric-eigen.js";
import { cholesky } from "../solve/cholesky.js";

/**
 * The eigenvalues of A v = μ B v for symmetric A and positive definite B, and U = C v, C the transposed Cholesky factor of B, of
 * length 1; undefined where B is singular.
 *
 * @param size the order of both
 */
export function relativeEigen(
  a: (i: number, j: number) => number,
  b: (i: number, j: number) => number,
  size: number,
): SymmetricEigen | undefined {
  const scale = Float64Array.from({ length: size }, (_, i) => Math.sqrt(b(i, i)));
  if (!scale.every((value) => value > 0)) return undefined;
  const gram = new Float64Array(packedLength(size));
  for (let i = 0; i < size; i++)
    for (let j = 0; j <= i; j++) gram[packedIndex(i, j)] = b(i, j) / scale[i]! / scale[j]!;
  const { kept, lower } = cholesky(gram, size, SINGULAR);
  if (kept.length < size) return undefined;
  // L⁻¹AL⁻ᵀ, by columns and then by rows.
  const half = new Float64Array(size * size);
  const solve = (at: (i: number) => number, set: (i: number, value: number) => void) => {
    const x = new Float64Array(size);
    for (let i = 0; i < size; i++) {
      let rest = at(i);
      for (let t = 0; t < i; t++) rest -= lower[i * size + t]! * x[t]!;
      x[i] = rest / lower[i * size + i]!;
      set(i, x[i]!);
    }
  };
  for (let j = 0; j < size; j++)
    solve(
      (i) => a(i, j) / scale[i]! / scale[j]!,
      (i, value) => {
        half[i * size + j] = value;
      },
    );
  const whole = new Float64Array(packedLength(size));
  for (let i = 0; i < size; i++)
    solve(
      (j) => half[i * size + j]!,
      (j, value) => {
        if (j <= i) whole[packedIndex(i, j)] = value;
      },
    );
  return symmetricEigen(whole, size);
}

/** A pivot of B below this counts as 0. */
const SINGULAR = 1e-13;

/** The least of some eigenvalues. */
export function leastOf({ values }: SymmetricEigen): number {
  return values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
}
