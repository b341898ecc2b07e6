import { availableParallelism, cpus } from "node:os";
import { GateError, InterruptedError, UsageError } from "../../../errors.js";
import { refuseOverwriting } from "../../../files/same-file.js";
import { type Benched, benchPage } from "../../../report/bench-page.js";
import { version } from "../../../version.js";
import { crossoverText, renderBench } from "../../bench/bench-text.js";
import { compareRuns, type Slowdown, slowdownText } from "../../bench/compare.js";
import { crossoverOf } from "../../bench/crossover.js";
import { type BenchDocument, githubFigures, readBench } from "../../bench/document.js";
import { loadData } from "../../bench/load-data.js";
import { type Effort, measure } from "../../bench/measure.js";
import type { GroupResult } from "../../bench/results.js";
import type { BenchContext, BenchGroup } from "../../bench/suite.js";
import { suites } from "../../bench/suites.js";
import { bostonPath } from "../../boston.js";
import type { ReadingFlags } from "../../program/reading-options.js";
import { statusLine } from "../../program/status-line.js";
import { sayWritten, writePage } from "../../program/write-page.js";
import { screen } from "../../render/colour.js";
import { print, printError } from "../../render/print.js";

/** The options of `goml bench`, as commander gives them. */
export interface BenchOptions extends ReadingFlags {
  target?: string;
  features?: string[];
  exclude?: string[];
  suite?: string[];
  threads?: number;
  quick?: boolean;
  json?: boolean;
  format?: "text" | "json" | "github";
  compare?: string;
  report?: string;
  maxSlowdown: number;
  quiet?: boolean;
}

const FULL: Effort = { rounds: 5, timeMs: 60 };
const QUICK: Effort = { rounds: 3, timeMs: 30 };

/** `goml bench`: serial against concurrent; with `--compare` a gate that fails with exit code 5. */
export async function bench(
  path: string | undefined,
  options: BenchOptions,
  signal: AbortSignal,
): Promise<number> {
  const previous = options.compare === undefined ? undefined : await readBench(options.compare);
  const chosen = chosenSuites(options.suite);
  const data = path ?? bostonPath();
  refuseOverwriting(
    [{ path: options.report, what: "the report" }],
    [
      { path: data, what: "the data" },
      { path: options.compare, what: "the run to compare with" },
    ],
  );
  const context: BenchContext = {
    data: { ...(await loadData(data, options)), path: path ?? "data/boston.csv" },
    threads: threadCounts(options.threads ?? availableParallelism()),
    quick: options.quick ?? false,
  };
  const effort = context.quick ? QUICK : FULL;
  const groups: { suite: string; group: BenchGroup }[] = [];
  for (const suite of chosen)
    groups.push(...(await suites[suite]!.load())(context).map((group) => ({ suite, group })));

  const status = statusLine();
  const results: GroupResult[] = [];
  try {
    for (const [i, { suite, group }] of groups.entries()) {
      status.show(`${i + 1} of ${groups.length}: ${group.name}`);
      results.push(await measureGroup(suite, group, effort, signal));
    }
    const slow = previous && compareRuns(previous, results, options.maxSlowdown).slower;
    // A burst of other work on the machine may hit one case of a ratio: what looks slower is measured again.
    for (const name of new Set(slow?.map((one) => one.group))) {
      const at = groups.findIndex(({ group }) => group.name === name);
      status.show(`again, for it looks slower: ${name}`);
      const again = await measureGroup(groups[at]!.suite, groups[at]!.group, effort, signal);
      results[at] = fasterRatios(results[at]!, again);
    }
  } finally {
    status.end();
  }

  const document: BenchDocument = {
    goml: version,
    command: "bench",
    quick: context.quick,
    machine: {
      node: process.versions.node,
      cpu: cpus()[0]?.model.trim() ?? "unknown CPU",
      cores: availableParallelism(),
      platform: `${process.platform} ${process.arch}`,
    },
    data: { path: context.data.path, rows: context.data.rows, features: context.data.terms.length },
    results,
    crossover: Object.fromEntries(
      chosen
        .filter((suite) => results.some((group) => group.suite === suite && hasThreads(group)))
        .map((suite) => [suite, crossoverOf(suite, results) ?? null]),
    ),
  };
  const format = options.json ? "json" : (options.format ?? "text");
  if (format === "json") print(`${JSON.stringify(document, null, 2)}\n`);
  else if (format === "github") print(`${JSON.stringify(githubFigures(document), null, 2)}\n`);
  else print(renderBench(document, Number.isFinite(screen.columns) ? screen.columns : 100));

  const found = previous && compareRuns(previous, results, options.maxSlowdown);
  // Before the gate: where it fails the page is wanted most.
  if (options.report !== undefined) {
    const size = await writePage(options.report, benchPage(benched(document, found?.slower ?? [])));
    if (!options.quiet) sayWritten(options.report, size);
  }
  if (found === undefined) return 0;
  const { compared, slower } = found;
  if (slower.length > 0)
    throw new GateError(slower.map(slowdownText).join("; "), {
      hint: `the gate is --max-slowdown ${options.maxSlowdown}, against ${options.compare}`,
    });
  printError(
    `${compared} ratios compared with ${options.compare}: none grew by more than ${options.maxSlowdown}\n`,
  );
  return 0;
}

/** What the page of a run is made of. */
function benched(document: BenchDocument, slower: readonly Slowdown[]): Benched {
  const { machine, results, crossover, data, quick, goml } = document;
  return {
    results,
    data,
    crossover: Object.fromEntries(
      Object.entries(crossover).map(([suite, one]) => [suite, crossoverText(suite, one)]),
    ),
    remarks: slower.map((one) => ({ text: `Slower than before: ${slowdownText(one)}.` })),
    made: [
      ["machine", `${machine.cpu}, ${machine.cores} cores, ${machine.platform}`],
      ["Node", machine.node],
      ["goml", goml],
      ["effort", quick ? "quick: fewer and smaller batches" : "full"],
    ],
  };
}

function chosenSuites(names: string[] | undefined): string[] {
  const known = Object.keys(suites);
  if (names === undefined) return known.filter((name) => suites[name]!.default);
  for (const name of names)
    if (!known.includes(name))
      throw new UsageError(`there is no suite ${JSON.stringify(name)}`, {
        hint: `the suites are ${known.join(", ")}`,
      });
  return names;
}

/** 1, 2, 3, 4, then doubling, and the most; on a large machine not every number between. */
function threadCounts(most: number): number[] {
  const counts = new Set<number>();
  for (let n = 1; n < most; n = n < 4 ? n + 1 : 2 * n) counts.add(n);
  return [...counts, most];
}

async function measureGroup(
  suite: string,
  group: BenchGroup,
  effort: Effort,
  signal: AbortSignal,
): Promise<GroupResult> {
  const { name, rows, values } = group;
  const open = await group.open();
  try {
    if (signal.aborted) throw new InterruptedError();
    await open.check();
    const cases = await measure(open, effort, signal);
    return { suite, name, rows, values, bytes: open.bytes ?? null, cases };
  } finally {
    await open.close();
  }
}

/** Of two measurements of a group, case by case that with the smaller ratio. */
function fasterRatios(first: GroupResult, second: GroupResult): GroupResult {
  const cases = first.cases.map((one, i) => (second.cases[i]!.ratio < one.ratio ? second.cases[i]! : one));
  return { ...first, cases };
}

function hasThreads(group: GroupResult): boolean {
  return group.cases.some((one) => one.threads !== null);
}
