import { nearestName } from "../../dataset/nearest.js";
import { UsageError } from "../../errors.js";
import { type OptionMark, option, type Wording, wording } from "../../wording.js";
import type { Penalty } from "../model/document-schema.js";
import type { Regression } from "../solve/regression.js";
import type { PenaltyOptions } from "./problem.js";

/** Penalty factors and bounds by the names that users give columns. */
export type NamedLimits = Pick<Penalty, "factors" | "lower" | "lowerIn" | "upper" | "upperIn">;

/** The part of a penalty that is named by columns. */
export function limitsOf({ factors, lower, lowerIn, upper, upperIn }: NamedLimits): NamedLimits {
  return {
    ...(factors === undefined ? {} : { factors }),
    ...(lower === undefined ? {} : { lower }),
    ...(lowerIn === undefined ? {} : { lowerIn }),
    ...(upper === undefined ? {} : { upper }),
    ...(upperIn === undefined ? {} : { upperIn }),
  };
}

/** Whether slopes are bounded. */
export function isBounded({ lower, lowerIn, upper, upperIn }: NamedLimits): boolean {
  return lower !== undefined || lowerIn !== undefined || upper !== undefined || upperIn !== undefined;
}

/**
 * Penalty factors and bounds column by column. A name is that of a coefficient, else of a term, else of a column of the
 * data that is a term; the narrowest holds. Names that the regression does not have are passed over: of a shard, or of a
 * group, that lacks a level.
 */
export function columnLimits(
  regression: Regression,
  { factors, lower, lowerIn, upper, upperIn }: NamedLimits,
): Pick<PenaltyOptions, "factors" | "lower" | "upper"> {
  const each = (named: Readonly<Record<string, number | null>> = {}, other: number, none: number) =>
    Float64Array.from(regression.terms, (_, j) => {
      const name = namesOf(regression, j).find((one) => Object.hasOwn(named, one));
      return name === undefined ? other : (named[name] ?? none);
    });
  return {
    ...(factors === undefined ? {} : { factors: each(factors, 1, 1) }),
    ...(lower === undefined && lowerIn === undefined
      ? {}
      : { lower: each(lowerIn, lower ?? -Infinity, -Infinity) }),
    ...(upper === undefined && upperIn === undefined
      ? {}
      : { upper: each(upperIn, upper ?? Infinity, Infinity) }),
  };
}

/** Which slopes are at a bound; undefined for those that are not. */
export function atBounds(
  regression: Regression,
  limits: NamedLimits,
  slopes: ArrayLike<number>,
): ("lower" | "upper" | undefined)[] {
  const { lower, upper } = columnLimits(regression, limits);
  return regression.terms.map((_, j) =>
    slopes[j] === lower?.[j] ? "lower" : slopes[j] === upper?.[j] ? "upper" : undefined,
  );
}

function namesOf({ names, terms }: Regression, j: number): readonly string[] {
  return names?.[j] ?? [terms[j]!];
}

/**
 * Checks what was asked for by name, against what a regression has.
 *
 * @throws UsageError for a name that is none of its columns'
 */
export function checkNames(regression: Regression, { factors, lowerIn, upperIn }: NamedLimits): void {
  if (factors === undefined && lowerIn === undefined && upperIn === undefined) return;
  const known = new Set(regression.terms.flatMap((_, j) => namesOf(regression, j)));
  for (const [asked, named] of [
    [option("penaltyFactors"), factors],
    [option("lower"), lowerIn],
    [option("upper"), upperIn],
  ] as const)
    for (const name of Object.keys(named ?? {})) {
      if (known.has(name)) continue;
      const near = nearestName(name, [...known]);
      throw new UsageError(wording`${asked} names ${JSON.stringify(name)}, which is no term`, {
        hint:
          near === undefined
            ? `there are ${[...known].slice(0, 20).join(", ")}`
            : `did you mean ${JSON.stringify(near)}?`,
      });
    }
}

/** What limits keep of names that a regression has, as where terms have been left out. */
export function knownLimits(regression: Regression, limits: NamedLimits): NamedLimits {
  const known = new Set(regression.terms.flatMap((_, j) => namesOf(regression, j)));
  const kept = <Value>(named: Record<string, Value> | undefined) => {
    const entries = Object.entries(named ?? {}).filter(([name]) => known.has(name));
    return entries.length === 0 ? undefined : Object.fromEntries(entries);
  };
  const { factors, lower, lowerIn, upper, upperIn } = limits;
  return limitsOf({
    factors: kept(factors),
    lower,
    lowerIn: kept(lowerIn),
    upper,
    upperIn: kept(upperIn),
  });
}

/** Factors and bounds as they are asked for; bounds may be infinite. */
export interface AskedLimits {
  /**
   * Penalty factors: how much of the penalty a coefficient, a term or a column has, by name; 0 for none. They are scaled to
   * sum to the number of columns, those left out being 1, as glmnet does. Default: 1 for all.
   */
  penaltyFactors?: Readonly<Record<string, number>> | undefined;
  /** What no coefficient but the intercept is to be below; 0 or less, as in glmnet. Default: no bound. */
  lower?: number | undefined;
  /** The same for single coefficients, terms or columns; `-Infinity` for no bound. */
  lowerIn?: Readonly<Record<string, number>> | undefined;
  /** What no coefficient but the intercept is to be above; 0 or more. Default: no bound. */
  upper?: number | undefined;
  /** The same for single coefficients, terms or columns; `Infinity` for no bound. */
  upperIn?: Readonly<Record<string, number>> | undefined;
}

/**
 * Factors and bounds as they are kept.
 *
 * @throws UsageError for a factor below 0, or bounds between which 0 does not lie
 */
export function checkedLimits(asked: AskedLimits): NamedLimits {
  const { penaltyFactors } = asked;
  for (const [name, factor] of Object.entries(penaltyFactors ?? {}))
    if (!(factor >= 0 && factor < Infinity))
      throw outOf(option("penaltyFactors"), wording`a factor must be 0 or more`, factor, name);
  const lower = boundOf(option("lower"), -1, asked.lower, asked.lowerIn);
  const upper = boundOf(option("upper"), 1, asked.upper, asked.upperIn);
  return limitsOf({
    factors: isEmpty(penaltyFactors) ? undefined : { ...penaltyFactors },
    lower: lower.all,
    lowerIn: lower.some,
    upper: upper.all,
    upperIn: upper.some,
  });
}

function boundOf(
  name: OptionMark,
  side: 1 | -1,
  all: number | undefined,
  some: Readonly<Record<string, number>> | undefined,
): { all: number | undefined; some: Record<string, number | null> | undefined } {
  const check = (value: number, at?: string) => {
    if (value * side >= 0) return;
    throw outOf(name, `a bound must be 0 or ${side > 0 ? "more" : "less"}, as in glmnet`, value, at);
  };
  if (all !== undefined) check(all);
  for (const [at, value] of Object.entries(some ?? {})) check(value, at);
  return {
    all: all === undefined || Math.abs(all) === Infinity ? undefined : all,
    some: isEmpty(some)
      ? undefined
      : Object.fromEntries(
          Object.entries(some!).map(([at, value]) => [at, Math.abs(value) === Infinity ? null : value]),
        ),
  };
}

function isEmpty(named: object | undefined): boolean {
  return named === undefined || Object.keys(named).length === 0;
}

function outOf(name: OptionMark, rule: Wording, value: number, at: string | undefined): UsageError {
  const where = at === undefined ? "" : ` for ${JSON.stringify(at)}`;
  return new UsageError(wording`${name}: ${rule}, got ${value}${where}`);
}
