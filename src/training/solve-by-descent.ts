import type { Solution } from "../linear/solve/solution.js";
import { type DescentOptions, descend } from "./gradient-descent.js";
import type { DesignMatrix } from "./read-design.js";

/**
 * θ by gradient descent, in place of the θ of a solved normal equation.
 *
 * What gradient descent cannot say comes from the normal equation: which terms are aliased (they are left out here
 * too), the condition number, and (XᵀX)⁻¹ for the standard errors.
 *
 * @returns the solution, and a remark on how the descent went
 */
export async function solveByDescent(
  { X, y, weights }: Pick<DesignMatrix, "X" | "y" | "weights">,
  normal: Solution,
  options: DescentOptions,
): Promise<{ solution: Solution; note: string }> {
  const n = y.length;
  const k = X.length / n;
  const kept = Array.from({ length: k }, (_, j) => j).filter((j) => !normal.aliased.includes(j));
  const columns = new Float64Array(n * kept.length);
  for (let i = 0; i < n; i++) {
    for (const [c, j] of kept.entries()) columns[i * kept.length + c] = X[i * k + j]!;
  }
  const found = await descend(columns, y, { ...options, weights });
  const first = (options.intercept ?? true) ? 1 : 0;
  const coefficients = new Float64Array(k + first).fill(Number.NaN);
  if (first === 1) coefficients[0] = found.coefficients[0]!;
  for (const [c, j] of kept.entries()) coefficients[j + first] = found.coefficients[c + first]!;
  const note = found.converged
    ? `gradient descent took ${found.iterations} iterations`
    : `gradient descent stopped after ${found.iterations} iterations, short of its tolerance: the relative ` +
      `gradient is ${found.gradient.toPrecision(2)}; more iterations may help`;
  return { solution: { ...normal, coefficients, rss: found.rss }, note };
}
