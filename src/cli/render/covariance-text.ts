import { vcovName } from "../../linear/covariance/vcov.js";
import type { LinearModel } from "../../linear/model/model.js";
import { count, significant } from "./numbers.js";

/** Degrees of freedom: whole ones as they are, others to four digits. */
export function degreesText(df: number): string {
  return Number.isInteger(df) ? count(df) : significant(df, 4);
}

/** A covariance's name, and the degrees of freedom of the tests under it, from the least to the largest. */
export function covarianceText({ vcov }: Pick<LinearModel, "vcov">, degrees: readonly number[]): string {
  // Of a wild bootstrap p and intervals are those of the draws.
  if (vcov.type === "bootstrap" && vcov.draw !== "pairs") return `${vcovName(vcov)}, errors and t: CR1`;
  const known = degrees.filter((df) => !Number.isNaN(df));
  const [least, most] = [Math.min(...known), Math.max(...known)];
  const range = least === most ? degreesText(least) : `${degreesText(least)} to ${degreesText(most)}`;
  return `${vcovName(vcov)}${known.length === 0 ? "" : `, t on ${range} degrees of freedom`}`;
}
