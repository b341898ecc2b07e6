import { bytes } from "../program/progress.js";
import { colour } from "../render/colour.js";
import { count, significant } from "../render/numbers.js";
import { type Align, displayWidth, renderTable, wrap } from "../render/table.js";
import { bestConcurrent, type Crossover } from "./crossover.js";
import { type BenchDocument, gainText } from "./document.js";
import type { GroupResult } from "./results.js";

/** The result of a bench as text of at most `columns` columns. */
export function renderBench(document: BenchDocument, columns: number): string {
  const { machine, data, results } = document;
  const parts = [
    wrap(
      `goml ${document.goml}, Node ${machine.node}, ${machine.cpu}, ${machine.cores} cores; ` +
        `${data.path}, ${count(data.rows)} rows × ${data.features} features`,
      columns,
    ),
    renderResults(results, columns),
    colour.dim(
      wrap(
        "ratio: serial, in memory, from CSV and tape to the first line of their group, threads to serial, go to tape; " +
          "below 1 is faster",
        columns,
      ),
    ),
  ];
  for (const [suite, crossover] of Object.entries(document.crossover)) {
    const groups = results.filter((group) => group.suite === suite);
    parts.push(renderChart(groups, columns), wrap(crossoverText(suite, crossover), columns));
  }
  return `${parts.join("\n\n")}\n`;
}

/** The table; where the terminal is narrow the least needed columns go. */
function renderResults(results: readonly GroupResult[], columns: number): string {
  const titles = ["", "median", "p75", "p99", "ratio", "ops/s"];
  const rows = results.flatMap((group) => [
    [colour.bold(group.bytes === null ? group.name : `${group.name}, ${bytes(group.bytes)}`)],
    ...group.cases.map((one) => [
      `  ${one.name}`,
      duration(one.medianMs),
      duration(one.p75Ms),
      duration(one.p99Ms),
      one.against === null ? "" : one.ratio.toFixed(2),
      rate(one.opsPerSecond),
    ]),
  ]);
  // A group's name stands alone on its line, so it may be wider than the column of cases.
  const caseRows = rows.filter((row) => row.length > 1);
  const width = Math.max(...caseRows.map((row) => displayWidth(row[0]!)));
  for (const hidden of [[], [2], [2, 3], [2, 3, 5]]) {
    const shown = titles.map((_, j) => j).filter((j) => !hidden.includes(j));
    const pick = (row: readonly string[]) => shown.map((j) => row[j]!);
    const align: Align[] = shown.map((j) => (j === 0 ? "left" : "right"));
    const table = renderTable(
      {
        titles: pick(titles.map((title) => title.padEnd(title === "" ? width : 0))),
        rows: caseRows.map(pick),
        align,
      },
      Number.POSITIVE_INFINITY,
    ).split("\n");
    if (hidden.length < 3 && table.some((line) => displayWidth(line) > columns)) continue;
    const [head, ...body] = table;
    let next = 0;
    return [head!, ...rows.map((row) => (row.length === 1 ? row[0]! : body[next++]!))].join("\n");
  }
  return "";
}

/** Bars of serial and of the best concurrent time, batch by batch, each pair to the scale of its longer bar. */
function renderChart(groups: readonly GroupResult[], columns: number): string {
  const lines: { label: string; kind: string; time: number; share: number; gain: string }[] = [];
  for (const group of groups) {
    const serial = group.cases.find((one) => one.name === "serial" || one.name === "tape");
    const best = bestConcurrent(group);
    if (serial === undefined || best === undefined) continue;
    const time = serial.medianMs * best.ratio;
    const longest = Math.max(serial.medianMs, time);
    lines.push(
      {
        label: group.name,
        kind: serial.name,
        time: serial.medianMs,
        share: serial.medianMs / longest,
        gain: "",
      },
      {
        label: "",
        kind: best.threads === 1 ? "1 thread" : `${best.threads} threads`,
        time,
        share: time / longest,
        gain: gainText(group),
      },
    );
  }
  const widest = (texts: string[]) => Math.max(0, ...texts.map(displayWidth));
  const label = widest(lines.map((line) => line.label));
  const kind = widest(lines.map((line) => line.kind));
  const time = widest(lines.map((line) => duration(line.time)));
  const gain = widest(lines.map((line) => line.gain));
  const left = columns - label - kind - time - 6;
  const showGain = left - gain - 2 >= 10;
  const room = Math.max(5, Math.min(40, showGain ? left - gain - 2 : left));
  return lines
    .map((line) => {
      const bar = "█".repeat(Math.max(1, Math.round(line.share * room)));
      const coloured = line.kind === "serial" || line.kind === "tape" ? colour.blue(bar) : colour.green(bar);
      const text = [
        line.label.padEnd(label),
        line.kind.padEnd(kind),
        coloured + " ".repeat(room - bar.length),
        duration(line.time).padStart(time),
        showGain ? line.gain : "",
      ];
      return text.join("  ").trimEnd();
    })
    .join("\n");
}

/** What was found out about the size from which threads pay. */
export function crossoverText(suite: string, crossover: Crossover | null): string {
  const what = suite === "csv" ? "From CSV to CSV" : suite === "machine" ? "On the go machine" : "In memory";
  if (crossover === null) return `${what}, threads did not pay at any size measured.`;
  const { rows, values, threads, speedup } = crossover;
  const size =
    suite === "machine"
      ? `two ops of ${significant(rows / 1000, 2)} µs that share nothing`
      : crossover.bytes === null
        ? `${count(Number(values.toPrecision(2)))} values (${count(Number(rows.toPrecision(2)))} rows)`
        : `${bytes(Number(crossover.bytes.toPrecision(2)))} (${count(Number(rows.toPrecision(2)))} rows)`;
  return (
    `${what}, threads pay from about ${size} on; the largest batch is ` +
    `${significant(speedup, 2)} times as fast on ${threads} threads.`
  );
}

/** Milliseconds with three digits and the unit that suits them. */
function duration(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toPrecision(3)} s`;
  if (ms >= 1) return `${ms.toPrecision(3)} ms`;
  if (ms >= 0.001) return `${(ms * 1000).toPrecision(3)} µs`;
  return `${Math.round(ms * 1e6)} ns`;
}

function rate(perSecond: number): string {
  return perSecond >= 100 ? count(Math.round(perSecond)) : perSecond.toPrecision(3);
}
