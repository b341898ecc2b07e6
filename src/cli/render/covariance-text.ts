import { vcovName } from "../../linear/covariance/vcov.js";
import type { LinearModel } from "../../linear/model/model.js";
import { count, significant } from "./numbers.js";

/** Degrees of freedom: whole ones as they are, others to four digits. */
export function degreesText(df: number): string {
  return Number.isInteger(df) ? count(df) : significant(df, 4);
}

/** A covariance's name, and the degrees of freedom of the tests under it, from the least to the largest. */
export function covarianceText(model: Pick<LinearModel, "vcov">, degrees: readonly number[]): string {
  const known = degrees.filter((df) => !Number.isNaN(df));
  const [least, most] = [Math.min(...known), Math.max(...known)];
  const range = least === most ? degreesText(least) : `${degreesText(least)} to ${degreesText(most)}`;
  return `${vcovName(model.vcov)}${known.length === 0 ? "" : `, t on ${range} degrees of freedom`}`;
}
