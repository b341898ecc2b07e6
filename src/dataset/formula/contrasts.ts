import { UsageError } from "../../errors.js";
import { DoubleDouble } from "../../stats/double-double.js";
import { HouseholderQr } from "./householder.js";
import type { Contrast } from "./spec-schema.js";

/** A column of a factor's coding: what R puts behind the factor's name, and a number for each level. */
export interface ContrastColumn {
  name: string;
  values: readonly number[];
}

/** Levels up to which R makes orthogonal polynomials. */
const MOST_POLYNOMIAL = 95;

/** How many columns a contrast gives a factor of some levels. */
export function contrastCount(contrast: Contrast, levels: number): number {
  return Math.max(0, Math.min(levels, contrast.count ?? levels - 1));
}

/**
 * The columns by which R codes a factor of k levels: `contr.sum`, `contr.helmert`, `contr.poly`, `contr.treatment`,
 * `contr.SAS`, or columns that were given, which R's `contrasts<-` completes to k − 1 by the columns of a Q that are
 * orthogonal to them and to 1 (Chambers & Hastie 1992, section 2.3).
 *
 * @param label the factor's, for messages
 * @throws UsageError where given columns do not fit the levels, or R makes no such contrast
 */
export function contrastColumns(
  contrast: Contrast,
  levels: readonly string[],
  label: string,
): ContrastColumn[] {
  if (levels.length < 2) return [];
  const count = contrastCount(contrast, levels.length);
  return allColumns(contrast, levels, label, count).slice(0, count);
}

function allColumns(
  contrast: Contrast,
  levels: readonly string[],
  label: string,
  count: number,
): ContrastColumn[] {
  const k = levels.length;
  const column = (name: string, value: (level: number) => number): ContrastColumn => ({
    name,
    values: levels.map((_, level) => value(level)),
  });
  const numbered = (value: (level: number, j: number) => number) =>
    Array.from({ length: k - 1 }, (_, j) => column(String(j + 1), (level) => value(level, j)));
  switch (contrast.type) {
    case "sum":
      return numbered((level, j) => (level === j ? 1 : level === k - 1 ? -1 : 0));
    case "helmert":
      return numbered((level, j) => (level <= j ? -1 : level === j + 1 ? j + 1 : 0));
    case "treatment":
    case "SAS": {
      const base = contrast.type === "SAS" ? k - 1 : (contrast.base ?? 1) - 1;
      if (base >= k)
        throw new UsageError(`${label} has ${k} levels: its level ${base + 1} cannot be the reference`);
      return levels.flatMap((name, own) =>
        own === base
          ? []
          : [column(contrast.numbered ? String(own + 1) : name, (level) => (level === own ? 1 : 0))],
      );
    }
    case "poly":
      return polynomials(k, label);
    case "columns":
      return given(contrast, levels, label, count);
  }
}

/** `contr.poly`: orthogonal polynomials of equidistant scores, by the QR of their powers about the mean. */
function polynomials(k: number, label: string): ContrastColumn[] {
  if (k > MOST_POLYNOMIAL)
    throw new UsageError(
      `${label} has ${k} levels: polynomial contrasts are made of at most ${MOST_POLYNOMIAL}`,
      { hint: "take the number itself, by poly(x, degree, raw = TRUE)" },
    );
  const scores = Array.from({ length: k }, (_, i) => i + 1 - (k + 1) / 2);
  const powers: DoubleDouble[][] = [scores.map(() => new DoubleDouble(1))];
  for (let power = 1; power < k; power++)
    powers.push(powers[power - 1]!.map((value, i) => value.mul(new DoubleDouble(scores[i]!))));
  const qr = new HouseholderQr(powers.map((column) => column.map(({ hi }) => hi)));
  return Array.from({ length: k - 1 }, (_, i) => {
    const power = i + 1;
    const raw = qr.times(scores.map((_, row) => (row === power ? qr.diagonal[power]! : 0)));
    // R sums squares in long doubles.
    const square = raw.reduce((sum, x) => sum.add(new DoubleDouble(x * x)), new DoubleDouble(0));
    const size = Math.sqrt(square.hi);
    return { name: [".L", ".Q", ".C"][i] ?? `^${power}`, values: raw.map((x) => x / size) };
  });
}

function given(
  { values = [], names }: Contrast,
  levels: readonly string[],
  label: string,
  count: number,
): ContrastColumn[] {
  const k = levels.length;
  const wrong = values.find((column) => column.length !== k);
  if (wrong !== undefined)
    throw new UsageError(`the contrasts of ${label} have ${wrong.length} numbers, the factor ${k} levels`, {
      hint: `Levels: ${levels.slice(0, 20).join(", ")}.`,
    });
  const named = (column: readonly number[], j: number): ContrastColumn => ({
    name: names === undefined ? String(j + 1) : (names[j] ?? ""),
    values: column,
  });
  if (values.length >= count) return values.map(named);
  const qr = new HouseholderQr([levels.map(() => 1), ...values]);
  const size = Math.max(...qr.diagonal.map(Math.abs));
  if (qr.diagonal.some((entry) => Math.abs(entry) < 1e-7 * size))
    throw new UsageError(`the contrasts of ${label} depend linearly on each other, or on a constant`);
  const rest = Array.from({ length: k - 1 - values.length }, (_, i) =>
    qr.times(levels.map((_, row) => (row === values.length + 1 + i ? 1 : 0))),
  );
  return [...values, ...rest].map(named);
}
