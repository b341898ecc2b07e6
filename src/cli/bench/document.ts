import { readFile } from "node:fs/promises";
import { DataError } from "../../errors.js";
import { significant } from "../render/numbers.js";
import { bestConcurrent, type Crossover } from "./crossover.js";
import type { GroupResult } from "./results.js";

/** What `goml bench --json` prints. */
export interface BenchDocument {
  goml: string;
  command: "bench";
  quick: boolean;
  machine: { node: string; cpu: string; cores: number; platform: string };
  data: { path: string; rows: number; features: number };
  results: GroupResult[];
  /** By suite; null where threads did not pay. */
  crossover: Record<string, Crossover | null>;
}

/** One figure as github-action-benchmark's `customSmallerIsBetter` reads it. */
interface GithubFigure {
  name: string;
  unit: string;
  value: number;
  range?: string;
  extra?: string;
}

/** Medians in milliseconds; the range is that of the upper quantiles, the ratio stands in `extra`. */
export function githubFigures({ results }: BenchDocument): GithubFigure[] {
  return results.flatMap((group) =>
    group.cases.map((one) => ({
      name: `${group.name}, ${one.name}`,
      unit: "ms",
      value: one.medianMs,
      range: `± ${(one.p75Ms - one.medianMs).toPrecision(3)}`,
      extra:
        one.against === null ? "yardstick" : `${one.ratio.toPrecision(3)} times the time of ${one.against}`,
    })),
  );
}

/**
 * Reads the document of an earlier run.
 *
 * @throws DataError where it cannot be read or is something else
 */
export async function readBench(path: string): Promise<BenchDocument> {
  const place = { file: path };
  const hint = "expected what goml bench --json printed";
  let document: Partial<BenchDocument> | null;
  try {
    document = JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const what = code === "ENOENT" ? "no such file" : code ? `cannot be read (${code})` : "not JSON";
    throw new DataError(what, { place, hint, cause });
  }
  if (document?.command !== "bench" || !Array.isArray(document.results))
    throw new DataError("not the result of a goml bench", { place, hint });
  return document as BenchDocument;
}

/** A group's gain from threads in a word, for text: "1.8 times as fast on 2 threads". */
export function gainText(group: GroupResult): string {
  const best = bestConcurrent(group);
  if (best === undefined) return "";
  const times = best.ratio <= 1 ? 1 / best.ratio : best.ratio;
  return `${significant(times, 2)} times as ${best.ratio <= 1 ? "fast" : "slow"}`;
}
