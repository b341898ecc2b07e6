import type { Expression } from "../../dataset/formula/spec.js";

/** Powers of a column past this are no polynomials that anybody means. */
const MOST_POWER = 12;

/**
 * The coefficients of an expression that is a polynomial in one column, Σ_k a_k (x − centre)^k, by power; undefined where it is
 * none, or has other columns.
 */
export function polynomialIn(expression: Expression, column: string, centre = 0): number[] | undefined {
  if ("number" in expression) return [expression.number];
  if ("column" in expression) return expression.column === column ? [centre, 1] : undefined;
  if (!("call" in expression)) return undefined;
  const { call } = expression;
  const args = expression.args.map((one) => ("text" in one ? undefined : polynomialIn(one, column, centre)));
  const [a, b] = args;
  if (a === undefined || args.includes(undefined)) return undefined;
  switch (call) {
    case "+":
      return b === undefined ? a : sum(a, b, 1);
    case "-":
      return b === undefined ? a.map((value) => -value) : sum(a, b, -1);
    case "*":
      return product(a, b!);
    case "/":
      return b!.length === 1 ? a.map((value) => value / b![0]!) : undefined;
    case "^": {
      const power = b!.length === 1 ? b![0]! : Number.NaN;
      if (!Number.isInteger(power) || power < 0 || power * (a.length - 1) > MOST_POWER) return undefined;
      return Array.from({ length: power }, () => a).reduce(product, [1]);
    }
    default:
      return undefined;
  }
}

function sum(a: readonly number[], b: readonly number[], sign: number): number[] {
  return Array.from({ length: Math.max(a.length, b.length) }, (_, k) => (a[k] ?? 0) + sign * (b[k] ?? 0));
}

function product(a: readonly number[], b: readonly number[]): number[] {
  const found = new Array<number>(a.length + b.length - 1).fill(0);
  for (const [i, x] of a.entries()) for (const [j, y] of b.entries()) found[i + j]! += x * y;
  return found;
}

/**
 * The derivative of the last of some polynomials in a column, whose degrees are 1, 2, …, as a sum of those before it: c_0 + Σ_j
 * c_j p_j. Undefined where they are no such polynomials.
 */
export function derivativeInBasis(basis: readonly Expression[], column: string): number[] | undefined {
  const [first] = basis;
  const line = first && polynomialIn(first, column);
  if (line?.length !== 2 || line[1] === 0) return undefined;
  // About where the first one is 0, the mean of orthogonal ones: far from there powers lose their digits.
  const centre = -line[0]! / line[1]!;
  const all = basis.map((one) => polynomialIn(one, column, centre));
  if (all.some((one, j) => one?.length !== j + 2 || one.at(-1) === 0)) return undefined;
  const rest = all
    .at(-1)!
    .slice(1)
    .map((value, k) => value * (k + 1));
  const found = new Array<number>(basis.length).fill(0);
  for (let j = basis.length - 1; j >= 1; j--) {
    const own = all[j - 1]!;
    found[j] = rest[j]! / own[j]!;
    for (const [k, value] of own.entries()) rest[k]! -= found[j]! * value;
  }
  found[0] = rest[0]!;
  return found;
}
