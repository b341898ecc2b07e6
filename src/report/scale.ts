import { count, significant } from "../number-text.js";
import type { Axis, Mark } from "./figure.js";

/** An axis laid out: from values to a share of its length, and the values that are named. */
export interface Scale {
  low: number;
  high: number;
  ticks: readonly { at: number; text: string }[];
  /** Where a value lies, 0 to 1. */
  place(value: number): number;
}

/** Room about the outermost values, as a share of their range. */
const MARGIN = 0.04;

/** The scale that all marks of a panel fit on. */
export function scaleOf(axis: Axis, marks: readonly Mark[], along: "x" | "y", most: number): Scale {
  const { categories, log } = axis;
  if (categories !== undefined) return categoryScale(categories);
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const take = (value: number) => {
    if (value * 0 !== 0 || (log && value <= 0)) return;
    if (value < low) low = value;
    if (value > high) high = value;
  };
  for (const mark of marks) for (const value of extent(mark, along)) take(value);
  for (const value of axis.include ?? []) take(value);
  if (low > high) [low, high] = log ? [1, 10] : [0, 1];
  if (log) return logScale(low, high);
  // Of values that differ by rounding no steps can be told apart.
  if (high - low <= 1e-9 * Math.max(Math.abs(low), Math.abs(high))) {
    const size = Math.abs(low) || 1;
    [low, high] = [low - size / 2, high + size / 2];
  }
  const margin = MARGIN * (high - low);
  return linearScale(low - margin, high + margin, most);
}

function* extent(mark: Mark, along: "x" | "y"): Generator<number> {
  if (mark.type === "points" || mark.type === "labels" || (mark.type === "line" && !mark.beyond))
    yield* mark[along];
  else if (mark.type === "cells")
    for (const cell of mark.cells) {
      yield cell[along];
      yield cell[along] + (along === "x" ? mark.width : mark.height);
    }
  else if (mark.type === "band") {
    if (along === "x") yield* mark.x;
    else {
      yield* mark.lower;
      yield* mark.upper;
    }
  } else if (mark.type === "rule") {
    if (mark.axis === along) yield mark.at;
  } else if (mark.type === "bars") {
    if (along === "x") yield* mark.value;
  } else if (mark.type === "intervals" && along === "x") {
    yield* mark.value;
    yield* mark.lower ?? [];
    yield* mark.upper ?? [];
  }
}

function categoryScale(categories: readonly string[]): Scale {
  const n = Math.max(1, categories.length);
  return {
    low: -0.5,
    high: n - 0.5,
    ticks: categories.map((text, at) => ({ at, text })),
    place: (value) => (value + 0.5) / n,
  };
}

/** Steps of 1, 2 or 5 times a power of ten, at most `most` of them. */
function linearScale(low: number, high: number, most: number): Scale {
  const raw = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step =
    [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= raw * (1 - 1e-9)) ?? 10 * power;
  const ticks = [];
  for (let i = Math.ceil(low / step); i * step <= high; i++)
    ticks.push({ at: i * step, text: tickText(i * step, step) });
  return { low, high, ticks, place: (value) => (value - low) / (high - low) };
}

function logScale(from: number, to: number): Scale {
  const [low, high] = [Math.log10(from) - 0.1, Math.log10(to) + 0.1];
  const ticks = [];
  const every = Math.ceil((high - low) / 6);
  for (let e = Math.ceil(low); e <= high; e += every)
    ticks.push({ at: 10 ** e, text: tickText(10 ** e, 10 ** e) });
  if (ticks.length < 2)
    for (let e = Math.floor(low); e <= high; e++)
      for (const digit of [2, 5]) {
        const at = digit * 10 ** e;
        if (Math.log10(at) >= low && Math.log10(at) <= high) ticks.push({ at, text: tickText(at, at) });
      }
  ticks.sort((a, b) => a.at - b.at);
  return { low, high, ticks, place: (value) => (Math.log10(value) - low) / (high - low) };
}

/** A value on an axis of steps: as many decimals as these need. */
function tickText(value: number, step: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e7 || step < 1e-5))
    return significant(Number(value.toPrecision(6)), 3).replace("-", "−");
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const text = value.toFixed(decimals);
  const shown = size >= 10_000 && decimals === 0 ? count(Number(text)) : text;
  return (Number(text) === 0 ? shown.replace("-", "") : shown).replace("-", "−");
}
