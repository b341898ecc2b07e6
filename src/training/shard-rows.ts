import { createHash } from "node:crypto";
import { readSync } from "node:fs";
import { basename } from "node:path";
import type { ChunkStart, TablePart } from "../csv/chunks.js";
import type { PlainFile, Source } from "../csv/source.js";
import { type Table, tablesOf } from "../csv/table.js";
import { countBefore, lineStart } from "../csv/table-part.js";
import { DataError, ModelError, UsageError } from "../errors.js";
import type { ShardSet } from "../linear/model/model-parts.js";
import { type ShardNumber, shardSet } from "../linear/shards/numbered.js";
import { option, wording } from "../wording.js";
import type { FitCsvOptions } from "./fit-options.js";
import type { MomentsPlan } from "./moments-job.js";
import { type KeptSources, keptSources } from "./source-contents.js";

/** The shard that the data are by what the options say. @throws UsageError where they say two things */
export function numberedShards({ shard, shardId, firstRow }: FitCsvOptions): ShardSet[] | undefined {
  if (shard !== undefined && (shardId !== undefined || firstRow !== undefined))
    throw new UsageError(
      wording`${option("shard")} numbers shard and rows by itself: it does not go with ${option(shardId === undefined ? "firstRow" : "shardId")}`,
    );
  return shardId === undefined ? undefined : [shardSet(shardId)];
}

/** The table that is read: all of it, or the part of a shard. */
export async function cutShard(
  table: Table,
  { folds, testSize, foldBy, firstRow }: MomentsPlan,
  { shard, quotedLines }: FitCsvOptions,
): Promise<Pick<ShardTable, "table"> & { firstRow: number; set?: ShardTable["set"] }> {
  if (shard === undefined) return { table, firstRow };
  const drawn = foldBy === undefined && (folds > 1 || testSize > 0);
  const cut = await shardTable(table, shard, { counted: drawn || quotedLines === true });
  return { ...cut, firstRow: cut.firstRow ?? 0 };
}

/** What is kept of the sources: nothing of those of which a part was read, for that the shard itself says. */
export async function sourcesOfShard(
  sources: readonly Source[],
  plan: MomentsPlan,
  { shard }: FitCsvOptions,
): Promise<KeptSources> {
  if (shard === undefined) return keptSources(sources, plan);
  return { source: undefined, sources: [] };
}

/** A table of which only a shard's rows are read. */
interface ShardTable {
  table: Table;
  /** The number of the shard's first row in the whole; undefined where the rows before were not counted. */
  firstRow: number | undefined;
  /** What the model keeps of it, once its rows are known. */
  set(rows: number): ShardSet;
}

/**
 * Cuts a table, and those in which it goes on, into `of` parts of as many bytes (headers not counted), and leaves the rows that
 * start in part `number`. All parts together are all rows, each once; bytes are the same whoever cuts.
 *
 * @param counted whether rows are to have their numbers of the whole, for which everything before is read and counted;
 * otherwise every line is taken for a row, and a shard in which that is not so is refused
 * @throws UsageError for what has no bytes that can be cut: standard input, gzip, Parquet, databases; DataError where only
 * csv-parse can read the file
 */
async function shardTable(
  whole: Table,
  shard: ShardNumber,
  { counted }: { counted: boolean },
): Promise<ShardTable> {
  const numbered = shardSet(shard);
  const tables = tablesOf(whole);
  const files: PlainFile[] = [];
  for (const table of tables) files.push(await plainOf(table));
  const lengths = files.map(({ size }, f) => size - tables[f]!.dataStart);
  const bytes = lengths.reduce((sum, length) => sum + length, 0);
  const [from, to] = [shard.number - 1, shard.number].map((i) =>
    Number((BigInt(bytes) * BigInt(i)) / BigInt(shard.of)),
  ) as [number, number];
  let [offset, firstRow] = [0, 0];
  const parts: TablePart[] = [];
  for (const [f, table] of tables.entries()) {
    const cut = (at: number) => table.dataStart + Math.min(lengths[f]!, Math.max(0, at - offset));
    const [start, end] = [from, to].map((at) => (counted ? cut(at) : lineStart(table, cut(at)))) as [
      number,
      number,
    ];
    const before: ChunkStart =
      counted && offset <= from && start > table.dataStart ? await countBefore(table, start) : NOTHING;
    firstRow += before.firstRow;
    parts.push({ start, end, before, linewise: !counted });
    offset += lengths[f]!;
  }
  const table = tables.reduceRight<Table | undefined>(
    (next, one, f) => ({ ...one, part: parts[f]!, next }),
    undefined,
  )!;
  const known = counted ? firstRow : undefined;
  const others = tables.length === 1 ? "" : ` and ${tables.length - 1} more`;
  const print = {
    name: `${basename(whole.source.name)}${others}`,
    bytes,
    sha256: fingerprint(files),
  };
  return {
    table,
    firstRow: known,
    set: (rows) => ({
      ...numbered,
      whole: print,
      parts: [{ from, to, rows, ...(known === undefined ? {} : { firstRow: known }) }],
    }),
  };
}

const NOTHING: ChunkStart = { firstRow: 0, lines: 0, insideQuote: false };

/** The file that is cut: the source's own, or a copy of what it is rewritten to. */
async function plainOf({ source, typed, dialect }: Table): Promise<PlainFile> {
  const refused = (what: string) =>
    new UsageError(wording`${option("shard")} cuts the bytes of a file, and ${source.name} is ${what}`, {
      hint: wording`cut it into files, one for each shard, and number them with ${option("shardId")}`,
    });
  if (typed !== undefined) throw refused("no text");
  if (source.packed !== undefined) throw refused("compressed");
  // A file elsewhere is copied: every task sees the same bytes of it.
  if (!source.repeatable && source.ranged === undefined) throw refused("a stream");
  if (dialect.odd)
    throw new DataError(
      "quotes within cells, or line ends of CR, keep its parts from being read by themselves",
      {
        place: { file: source.name },
        hint: "write the file anew with such cells in quotes, or cut it into files",
      },
    );
  return source.seekable();
}

/**
 * Refuses to add the rows of a file from which a model's shards were cut, by itself or together with the others.
 *
 * @throws ModelError
 */
export function refuseWholes(sources: readonly Source[], shards: readonly ShardSet[]): void {
  const wholes = new Set(shards.flatMap(({ whole }) => (whole === undefined ? [] : [whole.sha256])));
  if (wholes.size === 0) return;
  const files = sources.flatMap(({ plain }) => (plain === undefined ? [] : [plain]));
  for (const some of [...files.map((file) => [file]), files])
    if (some.length > 0 && wholes.has(fingerprint(some)))
      throw new ModelError(
        `a shard of ${sources.map(({ name }) => name).join(", ")} is in the model already: its rows would count twice`,
        {
          hint: wording`train the other shards and merge them, or add all rows by ${option("again", true)}`,
        },
      );
}

const [ENDS, PLACES, PIECE] = [1 << 16, 14, 1 << 12];

/**
 * SHA-256 of files' sizes and of some of their bytes: 64 KiB of each end, 4 KiB from 14 places between. What is told by it is
 * whether shards are of one whole; a file with other bytes in other places only is not told from it.
 */
function fingerprint(files: readonly PlainFile[]): string {
  const hash = createHash("sha256");
  const buffer = Buffer.alloc(ENDS);
  for (const { fd, size } of files) {
    hash.update(`${size}\n`);
    const step = Math.floor(size / (PLACES + 1));
    const inner = Array.from({ length: PLACES }, (_, i) => [step * (i + 1), PIECE] as const);
    for (const [at, length] of [[0, ENDS], ...inner, [Math.max(0, size - ENDS), ENDS]] as const)
      hash.update(buffer.subarray(0, readSync(fd, buffer, 0, length, at)));
  }
  return hash.digest("hex");
}
