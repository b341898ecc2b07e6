import { packedIndex, packedLength } from "../../stats/packed.js";
import { cholesky, forwardSubstitute } from "../solve/cholesky.js";
import { type FTest, fTest } from "./first-stage.js";
import { explained, type ReducedForm, unexplained } from "./reduced-form.js";

/** A pivot below this counts as 0. */
const SINGULAR = 1e-12;

/**
 * The F test of Wu (1973) and Hausman (1978) that the endogenous terms are exogenous after all: of the first stages' residuals,
 * added to the least squares of y on all terms. With these, y is regressed on P_Z̃Y and MY apart, so that both RSS are the
 * reduced form's.
 */
export function wuHausman(form: ReducedForm): FTest {
  const { n, exogenous, endogenous: m } = form;
  const total = explained(form, m, m) + unexplained(form, m, m);
  const both = (i: number, j: number) => explained(form, i, j) + unexplained(form, i, j);
  const restricted = total - regressed(m, both);
  const full =
    total - regressed(m, (i, j) => explained(form, i, j)) - regressed(m, (i, j) => unexplained(form, i, j));
  const df = n - exogenous - 2 * m;
  return fTest((((restricted - full) / m) * df) / full, m, df);
}

/** sᵀS⁻s of the cross-products of m columns with each other and with y, column m. */
function regressed(m: number, product: (i: number, j: number) => number): number {
  const scale = Float64Array.from({ length: m }, (_, i) => Math.sqrt(product(i, i)));
  const gram = new Float64Array(packedLength(m));
  for (let i = 0; i < m; i++)
    for (let j = 0; j <= i; j++)
      gram[packedIndex(i, j)] = scale[i] === 0 || scale[j] === 0 ? 0 : product(i, j) / scale[i]! / scale[j]!;
  const { kept, lower } = cholesky(gram, m, SINGULAR);
  const z = Float64Array.from(kept, (i) => product(m, i) / scale[i]!);
  forwardSubstitute(lower, kept.length, z);
  return z.reduce((sum, value) => sum + value * value, 0);
}
