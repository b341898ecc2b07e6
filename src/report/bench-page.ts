import { count, significant } from "../number-text.js";
import type { Figure, FigureTable, Tone } from "./figure.js";
import type { Page, Section } from "./page.js";
import type { Remark } from "./warnings.js";

/** What was timed: a case, beside what it is compared with; times are of one call, in milliseconds. */
interface TimedCase {
  name: string;
  /** The case that `ratio` is to. */
  against: string | null;
  /** Worker threads, of cases that use them. */
  threads: number | null;
  medianMs: number;
  p75Ms: number;
  p99Ms: number;
  opsPerSecond: number;
  ratio: number;
}

/** Cases on one batch of data. */
interface TimedGroup {
  suite: string;
  name: string;
  rows: number;
  cases: readonly TimedCase[];
}

/** A run of the benchmark. */
export interface Benched {
  results: readonly TimedGroup[];
  data: { path: string; rows: number; features: number };
  /** By suite in words: from which size threads pay. */
  crossover: Readonly<Record<string, string>>;
  remarks?: readonly Remark[];
  /** How it was measured: names and values. */
  made: readonly (readonly [string, string])[];
}

/** What suites measure, in words; others are called by their names. */
const SUITES: Readonly<Record<string, string>> = {
  train: "Training",
  predict: "Prediction in memory",
  csv: "Prediction from CSV to CSV",
  machine: "The machine’s graphs",
  onnx: "ONNX models",
};

/** The page of a run: for each suite serial against concurrent, then the times. */
export function benchPage({ results, data, crossover, remarks = [], made }: Benched): Page {
  const suites = [...new Set(results.map(({ suite }) => suite))];
  const sections = suites.map((suite): Section => {
    const groups = results.filter((group) => group.suite === suite);
    const figures = [concurrencyFigure(groups), sizeFigure(groups)].filter((figure) => figure !== undefined);
    return {
      id: suite,
      title: SUITES[suite] ?? suite,
      text: crossover[suite] === undefined ? [] : [crossover[suite]],
      figures,
    };
  });
  const times = suites.map((suite) => {
    const groups = results.filter((group) => group.suite === suite);
    return timesTable(SUITES[suite] ?? suite, groups);
  });
  return {
    title: "Serial against concurrent",
    subtitle: `Times of goml on ${data.path}, ${count(data.rows)} rows × ${count(data.features)} features, repeated to each batch’s size.`,
    tiles: suites.flatMap((suite) => tileOf(results.filter((group) => group.suite === suite))),
    remarks,
    // Of training there is no serial and no concurrent.
    sections: [
      ...sections.filter(({ figures = [] }) => figures.length > 0),
      { id: "times", title: "All times", tables: times },
    ],
    made,
  };
}

/** The case that does it on one thread without workers, and those on threads. */
function sidesOf({ cases }: TimedGroup): { serial: TimedCase; threaded: TimedCase[] } | undefined {
  const threaded = cases.filter(({ threads }) => threads !== null);
  const serial = cases.find(({ name }) => name === threaded[0]?.against);
  return serial === undefined ? undefined : { serial, threaded };
}

/** Of the largest batch, how many times as fast as serial the best number of threads is. */
function tileOf(groups: readonly TimedGroup[]): [string, string][] {
  const last = groups.filter((group) => sidesOf(group) !== undefined).at(-1);
  if (last === undefined) return [];
  const { threaded } = sidesOf(last)!;
  const best = threaded.reduce((least, one) => (one.ratio < least.ratio ? one : least));
  return [[`${last.name}, ${threadsText(best.threads!)}`, `${significant(1 / best.ratio, 3)} ×`]];
}

function threadsText(threads: number): string {
  return `${threads} ${threads === 1 ? "thread" : "threads"}`;
}

/** Bars, batch by batch: serial, and each number of threads, as shares of the time of serial. */
function concurrencyFigure(groups: readonly TimedGroup[]): Figure | undefined {
  const bars: { text: string; value: number; tone: Tone; time: number }[] = [];
  for (const group of groups) {
    const sides = sidesOf(group);
    if (sides === undefined) continue;
    const { serial, threaded } = sides;
    // What the legend says already, the name of a bar need not.
    const text = group.name.replace(/^\S+ (?=[\d,]+ rows?$)/, "");
    bars.push({ text, value: 1, tone: "data", time: serial.medianMs });
    for (const { threads, ratio, medianMs } of threaded)
      bars.push({ text: threadsText(threads!), value: ratio, tone: "smooth", time: medianMs });
  }
  if (bars.length === 0) return undefined;
  const faster = bars.filter(({ tone, value }) => tone === "smooth" && value < 1).length;
  const tried = bars.filter(({ tone }) => tone === "smooth").length;
  // What starting threads for one row costs is a hundred times its work: the axis is logarithmic then.
  const log = Math.max(...bars.map(({ value }) => value)) > 4;
  return {
    kind: "bench",
    title: "Serial against concurrent",
    caption:
      `The time of each batch, serial and on worker threads, as a multiple of the serial time of the same batch${log ? ", on a logarithmic scale" : ""}; ` +
      "shorter is faster. Ratios are medians over rounds in which the cases took turns.",
    description: `Of ${tried} runs on threads ${faster} took less time than serial.`,
    panels: [
      {
        x: { label: "times the serial time", log, include: log ? [0.5] : [0, 1] },
        y: { label: "", categories: bars.map(({ text }) => text).reverse() },
        marks: [
          {
            type: "bars",
            at: bars.map((_, i) => bars.length - 1 - i),
            value: bars.map(({ value }) => value),
            tones: bars.map(({ tone }) => tone),
          },
          { type: "rule", axis: "x", at: 1, dashed: true },
        ],
        legend: [
          { tone: "data", text: "serial" },
          { tone: "smooth", text: "concurrent" },
        ],
      },
    ],
    table: {
      head: ["batch", "times serial", "median, ms"],
      rows: bars.map(({ text, value, time }) => [text, significant(value, 4), significant(time, 4)]),
    },
  };
}

/** Times by the batch's size, where a suite has several: where the lines cross threads begin to pay. */
function sizeFigure(groups: readonly TimedGroup[]): Figure | undefined {
  const known = groups
    .flatMap((group) => {
      const sides = sidesOf(group);
      return sides === undefined ? [] : [{ rows: group.rows, ...sides }];
    })
    .sort((a, b) => a.rows - b.rows);
  if (new Set(known.map(({ rows }) => rows)).size < 2) return undefined;
  const most = Math.max(...known.flatMap(({ threaded }) => threaded.map(({ threads }) => threads!)));
  const x = known.map(({ rows }) => rows);
  const serial = known.map((one) => one.serial.medianMs);
  const on = (threads: number) =>
    known.map(({ serial: { medianMs }, threaded }) => {
      const ratio = threaded.find((one) => one.threads === threads)?.ratio;
      return ratio === undefined ? Number.NaN : ratio * medianMs;
    });
  return {
    kind: "bench",
    title: "Time by the size of the batch",
    caption: `Medians, both axes logarithmic; serial, and on ${threadsText(most)}.`,
    description: `${count(x.at(-1)!)} rows take ${significant(serial.at(-1)!, 3)} ms serial, ${significant(on(most).at(-1)!, 3)} ms on ${threadsText(most)}.`,
    panels: [
      {
        x: { label: "rows", log: true },
        y: { label: "ms", log: true },
        marks: [
          { type: "line", x, y: serial, tone: "data" },
          { type: "points", x, y: serial, tone: "data", large: true },
          { type: "line", x, y: on(most), tone: "smooth" },
          { type: "points", x, y: on(most), tone: "smooth", large: true },
        ],
        legend: [
          { tone: "data", text: "serial" },
          { tone: "smooth", text: threadsText(most) },
        ],
      },
    ],
  };
}

function timesTable(suite: string, groups: readonly TimedGroup[]): FigureTable & { caption: string } {
  const ms = (value: number) => significant(value, 4);
  return {
    caption: `${suite}: milliseconds; the ratio is to the case that is named, below 1 is faster.`,
    head: ["", "median", "p75", "p99", "per second", "ratio", "to"],
    rows: groups.flatMap(({ name, cases }) =>
      cases.map((one) => [
        `${name}, ${one.name}`,
        ms(one.medianMs),
        ms(one.p75Ms),
        ms(one.p99Ms),
        one.opsPerSecond >= 100 ? count(Math.round(one.opsPerSecond)) : significant(one.opsPerSecond, 3),
        one.against === null ? "" : significant(one.ratio, 3),
        one.against ?? "",
      ]),
    ),
  };
}
