import { ModelError } from "../../errors.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { DoubleDouble } from "../../stats/double-double.js";
import { ExtendedMoments } from "../../stats/extended-moments.js";
import { packedIndex, packedLength } from "../../stats/packed.js";
import { option, wording } from "../../wording.js";
import { entry } from "../solve/extended-cholesky.js";
import type { Instruments, Regression } from "../solve/regression.js";
import type { InstrumentCoordinates } from "./coordinates.js";
import { explained, type ReducedForm, reducedDf, unexplained } from "./reduced-form.js";
import { leastOf, relativeEigen } from "./relative-eigen.js";

/**
 * κ of the k-class (Theil 1961): 1 for two-stage least squares, and for the first step of two-step GMM; of LIML the least
 * eigenvalue of [y Y]ᵀM_W[y Y] relative to [y Y]ᵀM_[W Z][y Y] (Anderson & Rubin 1949), where there are as many instruments as
 * endogenous terms exactly 1; of Fuller's (1977) that less α/(n − W − L).
 *
 * @throws ModelError where LIML is not defined
 */
export function kappaOf({ estimator, fuller = 1 }: Instruments, form: ReducedForm): number {
  if (estimator === "2sls" || estimator === "gmm") return 1;
  const { endogenous, instruments } = form;
  let liml = 1;
  if (instruments > endogenous) {
    const found = relativeEigen(
      (i, j) => explained(form, i, j),
      (i, j) => unexplained(form, i, j),
      endogenous + 1,
    );
    if (found === undefined)
      throw new ModelError(
        "LIML is not defined: the instruments leave nothing of an endogenous term or the target",
        {
          hint: wording`use ${option("iv", "2sls")}`,
        },
      );
    liml = 1 + leastOf(found);
  }
  return estimator === "liml" ? liml : liml - fuller / reducedDf(form);
}

/**
 * Moments whose least squares is the k-class estimator: those of X and y, but of the endogenous columns Xᵀ(I − κM)X and
 * Xᵀ(I − κM)y, M = I − P_[W Z]. Formed as QᵀX's own products + (1 − κ) XᵀMX, so that for κ = 1 nothing cancels.
 */
export function kClassMoments(
  moments: CrossProducts,
  regression: Regression,
  endogenous: readonly number[],
  coordinates: InstrumentCoordinates,
  kappa: number,
): ExtendedMoments {
  const { terms, target, intercept } = regression;
  const names = [...terms, target];
  const at = names.map((name) => moments.index(name));
  // Where a column stands among the coordinates' columns.
  const place = names.map((_, j) => (j === terms.length ? endogenous.length : endogenous.indexOf(j)));
  const { columns, left } = coordinates;
  const rest = new DoubleDouble(1).sub(new DoubleDouble(kappa));
  const projected = (i: number, j: number) => {
    let sum = entry(left, packedIndex(Math.max(i, j), Math.min(i, j))).mul(rest);
    const [a, b] = [columns[i]!, columns[j]!];
    for (let t = 0; t < a.hi.length; t++) sum = sum.add(entry(a, t).mul(entry(b, t)));
    return sum;
  };
  const size = names.length;
  const c = new Float64Array(packedLength(size));
  const cLow = new Float64Array(packedLength(size));
  for (let i = 0; i < size; i++)
    for (let j = 0; j <= i; j++) {
      // Of y with itself, and with the exogenous, nothing changes.
      const changed = place[i]! >= 0 && place[j]! >= 0 && j < terms.length;
      const value = changed
        ? projected(place[i]!, place[j]!)
        : moments.extendedProduct(at[i]!, at[j]!, intercept);
      c[packedIndex(i, j)] = value.hi;
      cLow[packedIndex(i, j)] = value.lo;
    }
  const means = at.map((k) => (intercept && k >= 0 ? moments.extendedMean(k) : new DoubleDouble(0)));
  const { hi: sumW, lo: sumWLow } = moments.extendedSumW;
  return ExtendedMoments.of({
    columns: names,
    n: moments.n,
    sumW,
    sumWLow,
    sumLogW: moments.sumLogW,
    mean: Float64Array.from(means, ({ hi }) => hi),
    meanLow: Float64Array.from(means, ({ lo }) => lo),
    c,
    cLow,
  });
}
