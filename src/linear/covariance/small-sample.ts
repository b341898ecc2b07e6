import { UsageError } from "../../errors.js";
import type { VcovType } from "./vcov.js";

/** The finite-sample factors of robust covariances, by the names that R's fixest gives them (`fixest::ssc`). */
export interface Ssc {
  /** (n − 1)/(n − K), K parameters. Default: true. */
  adj?: boolean | undefined;
  /**
   * Which absorbed effects are among the K: all (`full`), none, or but those nested in the clusters (`nested`, default).
   */
  "fixef.K"?: "none" | "nested" | "full" | undefined;
  /** G/(G − 1), G clusters; n/(n − 1) without clusters. Default: true. */
  "cluster.adj"?: boolean | undefined;
  /** Of several columns of clusters: each part by its own G, or all by the least (`min`, default). */
  "cluster.df"?: "min" | "conventional" | undefined;
  /** Degrees of freedom of t: the least G − 1 (`min`, default), or n − K. */
  "t.df"?: "min" | "conventional" | undefined;
}

/** What each factor may be, its default first. */
const CHOICES = {
  adj: [true, false],
  "fixef.K": ["nested", "none", "full"],
  "cluster.adj": [true, false],
  "cluster.df": ["min", "conventional"],
  "t.df": ["min", "conventional"],
} as const satisfies { [Name in keyof Ssc]-?: readonly Ssc[Name][] };

/** The covariances that have such factors. */
const ADJUSTED: readonly VcovType[] = ["hc1", "cluster", "hac", "dk"];

/**
 * What of the factors is not as ever; undefined where all are.
 *
 * @throws UsageError for a name or a value that there is not, and for a covariance that has no such factors
 */
export function sscToKeep(ssc: Ssc | undefined, type: VcovType): Ssc | undefined {
  if (ssc === undefined) return undefined;
  for (const [name, value] of Object.entries(ssc)) {
    const choices: readonly unknown[] | undefined = Object.hasOwn(CHOICES, name)
      ? CHOICES[name as keyof Ssc]
      : undefined;
    if (choices === undefined)
      throw new UsageError(`there is no factor ${JSON.stringify(name)} in ssc`, {
        hint: `it has ${Object.keys(CHOICES).join(", ")}`,
      });
    if (value !== undefined && !choices.includes(value))
      throw new UsageError(`${name} in ssc should be ${choices.join(" or ")}, got ${value}`);
  }
  if (!ADJUSTED.includes(type))
    throw new UsageError(`ssc has no part in ${type}, which has no such factors`, {
      hint: `it goes with ${ADJUSTED.join(", ")}`,
    });
  const kept = Object.entries(ssc).filter(
    ([name, value]) => value !== undefined && value !== CHOICES[name as keyof Ssc][0],
  );
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

/** What the factors depend on: n rows, K parameters as `fixef.K` counts them, G clusters (n without clusters). */
export interface SampleSize {
  n: number;
  parameters: number;
  clusters: number;
}

/** The factor of a covariance, (n − 1)/(n − K) · G/(G − 1) as far as these are asked for. */
export function smallSampleFactor(ssc: Ssc | undefined, { n, parameters, clusters }: SampleSize): number {
  const adj = ssc?.adj === false ? 1 : (n - 1) / (n - parameters);
  return adj * (ssc?.["cluster.adj"] === false ? 1 : clusters / (clusters - 1));
}
