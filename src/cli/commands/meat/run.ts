import { ModelError } from "../../../errors.js";
import { refuseOverwriting } from "../../../files/same-file.js";
import { readAnyModel } from "../../../linear/model/model-file.js";
import { ModelGroup } from "../../../linear/model/model-group.js";
import { writeJson } from "../../../linear/model/write-json.js";
import type { ShardNumber } from "../../../linear/shards/numbered.js";
import { expandPaths } from "../../../sources/paths.js";
import { type CsvMeat, meatCsv } from "../../../training/meat-csv.js";
import { version } from "../../../version.js";
import { readNamed } from "../../program/model-option.js";
import { progressBar } from "../../program/progress.js";
import { type ReadingFlags, readingOptions } from "../../program/reading-options.js";
import { type VcovFlags, vcovOptions } from "../../program/vcov-options.js";
import { count } from "../../render/numbers.js";
import { print } from "../../render/print.js";
import { renderNotes } from "../../render/summary.js";
import { setLines } from "../../render/table.js";

/** The options of `goml meat`, as commander gives them. */
export interface MeatOptions extends ReadingFlags, VcovFlags {
  model: string;
  output?: string;
  seed: number;
  shard?: ShardNumber;
  quotedLines?: boolean;
  firstRow?: number;
  threads?: number;
  json?: boolean;
  trust?: boolean;
  quiet?: boolean;
}

/** `goml meat`: what a shard's rows add up to for a robust covariance of the model of all shards. */
export async function meat(
  given: readonly string[],
  options: MeatOptions,
  signal: AbortSignal,
): Promise<number> {
  const data = expandPaths(given);
  const { shard } = options;
  const output =
    options.output ?? (shard === undefined ? "meat.json" : `meat.${shard.number}-of-${shard.of}.json`);
  refuseOverwriting(
    [{ path: output, what: "the meat" }],
    [{ path: options.model, what: "the model" }, ...data.map((path) => ({ path, what: "the data" }))],
  );
  const model = await readNamed(options.model, readAnyModel, { trust: options.trust, signal });
  if (model instanceof ModelGroup)
    throw new ModelError(`${options.model} holds models by group, which have classical errors`, {
      hint: "train one group with --where",
    });
  const progress = progressBar("reading");
  let made: CsvMeat;
  try {
    made = await meatCsv(model, data, {
      ...readingOptions(options),
      ...vcovOptions(options),
      seed: options.seed,
      shard,
      quotedLines: options.quotedLines,
      firstRow: options.firstRow,
      threads: options.threads,
      callerWorks: true,
      signal,
      onProgress: progress.update,
    });
  } finally {
    progress.end();
  }
  await writeJson(output, made.meat, { signal });
  if (options.quiet || output === "-") return 0;
  const { n, vcov, groups } = made.meat;
  const facts = { path: output, vcov: vcov.type, n, of: model.n, groups: groups.names.length };
  if (options.json)
    print(`${JSON.stringify({ goml: version, command: "meat", ...facts, notes: made.notes }, null, 2)}\n`);
  else
    print(
      `${setLines([
        ...renderNotes(made.notes),
        `${output}: ${vcov.type} of ${count(n)} of the model's ${count(model.n)} rows` +
          (facts.groups === 0 ? "" : `, sums of ${count(facts.groups)} groups`),
      ])}\n`,
    );
  return 0;
}
