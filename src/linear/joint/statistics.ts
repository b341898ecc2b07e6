import { fSurvival } from "../../stats/distributions.js";

/** The four statistics of a joint test, by the names that R's `summary.manova` has. */
export const JOINT_STATISTICS = ["pillai", "wilks", "hotelling-lawley", "roy"] as const;

/** Which statistic: Pillai's trace, Wilks' Λ, Hotelling and Lawley's trace, or Roy's largest root. */
export type JointStatistic = (typeof JOINT_STATISTICS)[number];

/** A statistic of a hypothesis on several targets, and its approximation by an F; NaN where there is none. */
export interface MultivariateTest {
  value: number;
  f: number;
  df1: number;
  df2: number;
  /** P(F ≥ f); for Roy's root a lower bound, since its F is an upper bound. */
  p: number;
}

/** The sizes of a hypothesis: targets, its degrees of freedom, and those of the residuals. */
interface Sizes {
  targets: number;
  df: number;
  dfResidual: number;
}

/**
 * A statistic from the eigenvalues λ of E⁻¹H: Pillai's trace Σ λ/(1 + λ), Wilks' Λ = Π 1/(1 + λ), Hotelling and Lawley's trace Σ λ, or Roy's
 * max λ, with the F approximations of R's `summary.manova` and `anova.mlm`: Rao's of Λ (1951), Pillai's of the traces (1960), and of Roy's
 * root an upper bound. Exact where there is one target or one degree of freedom, and for Λ where there are two.
 *
 * @param roots λ, as many as there are targets, 0 or more
 */
export function jointTest(
  statistic: JointStatistic,
  roots: readonly number[],
  sizes: Sizes,
): MultivariateTest {
  const { value, f, df1, df2 } = APPROXIMATIONS[statistic](roots, sizes);
  if (!(f >= 0 && df1 > 0 && df2 > 0)) return { value, f: Number.NaN, df1, df2, p: Number.NaN };
  return { value, f, df1, df2, p: fSurvival(f, df1, df2) };
}

type Approximation = (roots: readonly number[], sizes: Sizes) => Omit<MultivariateTest, "p">;

/** s roots that are not 0, m = (|p − q| − 1)/2 and n = (ν − p − 1)/2, for p targets, q degrees of freedom and ν of the residuals. */
function parameters({ targets, df, dfResidual }: Sizes) {
  return {
    s: Math.min(targets, df),
    m: (Math.abs(targets - df) - 1) / 2,
    n: (dfResidual - targets - 1) / 2,
  };
}

const APPROXIMATIONS: Record<JointStatistic, Approximation> = {
  pillai(roots, sizes) {
    const { s, m, n } = parameters(sizes);
    const value = roots.reduce((sum, root) => sum + root / (1 + root), 0);
    const [a, b] = [2 * m + s + 1, 2 * n + s + 1];
    return { value, f: ((b / a) * value) / (s - value), df1: s * a, df2: s * b };
  },
  wilks(roots, { targets: p, df: q, dfResidual }) {
    // By logarithms: of many large roots the product is less than any double.
    const log = roots.reduce((sum, root) => sum - Math.log1p(root), 0);
    const square = p * p + q * q - 5;
    const t = square > 0 ? Math.sqrt((p * p * q * q - 4) / square) : 1;
    const df2 = (dfResidual - (p - q + 1) / 2) * t - (p * q - 2) / 2;
    return { value: Math.exp(log), f: (Math.expm1(-log / t) * df2) / (p * q), df1: p * q, df2 };
  },
  "hotelling-lawley"(roots, sizes) {
    const { s, m, n } = parameters(sizes);
    const value = roots.reduce((sum, root) => sum + root, 0);
    const [a, b] = [2 * m + s + 1, 2 * (s * n + 1)];
    return { value, f: (b * value) / (s * s * a), df1: s * a, df2: b };
  },
  roy(roots, { targets: p, df: q, dfResidual }) {
    const value = Math.max(...roots);
    const df1 = Math.max(p, q);
    const df2 = dfResidual - df1 + q;
    return { value, f: (df2 * value) / df1, df1, df2 };
  },
};
