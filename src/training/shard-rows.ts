import { basename } from "node:path";
import type { ChunkStart, TablePart } from "../csv/chunks.js";
import type { Source } from "../csv/source.js";
import { type Table, tablesOf } from "../csv/table.js";
import { countBefore, fetchPart, lineStart } from "../csv/table-part.js";
import { DataError, ModelError, UsageError } from "../errors.js";
import type { ShardSet } from "../linear/model/model-parts.js";
import { type ShardNumber, shardSet } from "../linear/shards/numbered.js";
import { option, wording } from "../wording.js";
import { type Dealt, dealChunks, dealFiles, isParted, undealable } from "./dealt-rows.js";
import type { FitCsvOptions } from "./fit-options.js";
import type { MomentsPlan } from "./moments-job.js";
import { type KeptSources, keptSources } from "./source-contents.js";
import { fingerprint, hasPlaces } from "./whole-print.js";

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
  sources: readonly Source[],
  { folds, testSize, foldBy, firstRow }: Pick<MomentsPlan, "folds" | "testSize" | "foldBy" | "firstRow">,
  { shard, quotedLines }: Pick<FitCsvOptions, "shard" | "quotedLines">,
): Promise<Pick<ShardTable, "table" | "notes"> & { firstRow: number; set?: ShardTable["set"] }> {
  if (shard === undefined) return { table, firstRow, notes: [] };
  const drawn = foldBy === undefined && (folds > 1 || testSize > 0);
  const cut = await shardTable(table, sources, shard, { counted: drawn || quotedLines === true });
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
interface ShardTable extends Pick<Dealt, "table" | "firstRow"> {
  /** What the model keeps of it, once its rows are known. */
  set(rows: number): ShardSet;
  /** What is fetched from elsewhere besides the shard's own bytes, for the user. */
  readonly notes: readonly string[];
}

/**
 * Leaves a shard's rows of a table and of those in which it goes on. Text is cut into parts of as many bytes (headers not
 * counted), each with the rows that start in it; chunks of typed columns, and files that cannot be cut, are dealt out. All shards together are all
 * rows, each once, and the same whoever cuts.
 *
 * @param counted whether rows are to have their numbers of the whole, for which everything before is read and counted;
 * otherwise every line is taken for a row, and a shard in which that is not so is refused
 * @throws UsageError for what can neither be cut nor dealt out: standard input, databases, one file of gzip; DataError where
 * only csv-parse can read the file
 */
async function shardTable(
  whole: Table,
  sources: readonly Source[],
  shard: ShardNumber,
  { counted }: { counted: boolean },
): Promise<ShardTable> {
  const numbered = shardSet(shard);
  const tables = tablesOf(whole);
  for (const table of tables) {
    const what = undealable(table);
    if (what !== undefined) throw uncut(table.source, what);
  }
  const cut = await cutTable(whole, tables, shard, counted);
  for (const source of sources) if (!hasPlaces(source)) await source.seekable();
  const others = sources.length === 1 ? "" : ` and ${sources.length - 1} more`;
  const print = {
    name: `${basename(whole.source.name)}${others}`,
    bytes: cut.bytes ?? sources.reduce((sum, { storedSize = 0 }) => sum + storedSize, 0),
    sha256: await fingerprint(sources),
  };
  const { from, to, firstRow } = cut;
  return {
    table: cut.table,
    firstRow,
    notes: cut.notes,
    set: (rows) => ({
      ...numbered,
      whole: print,
      parts: [{ from, to, rows, ...(firstRow === undefined ? {} : { firstRow }) }],
    }),
  };
}

interface Cut extends Dealt {
  /** How many bytes were cut; undefined where files or chunks were dealt out. */
  readonly bytes?: number;
  readonly notes: readonly string[];
}

async function cutTable(
  whole: Table,
  tables: readonly Table[],
  shard: ShardNumber,
  counted: boolean,
): Promise<Cut> {
  if (tables.length === 1 && isParted(whole.typed))
    return { ...dealChunks(whole, whole.typed, shard), notes: [] };
  const odd = tables.find(
    ({ source, typed, dialect }) => typed !== undefined || source.packed !== undefined || dialect.odd,
  );
  if (odd === undefined) return cutBytes(tables, shard, counted);
  if (tables.length > 1) return { ...(await dealFiles(tables, shard, { counted })), notes: [] };
  if (odd.source.packed !== undefined) throw uncut(odd.source, "compressed");
  throw new DataError(
    "quotes within cells, or line ends of CR, keep its parts from being read by themselves",
    {
      place: { file: odd.source.name },
      hint: "write the file anew with such cells in quotes, or cut it into files",
    },
  );
}

async function cutBytes(tables: readonly Table[], shard: ShardNumber, counted: boolean): Promise<Cut> {
  const lengths: number[] = [];
  // The file that is cut is the source's own, or a copy of what it is rewritten to.
  for (const { source, dataStart } of tables) lengths.push((await source.inParts()).size - dataStart);
  const bytes = lengths.reduce((sum, length) => sum + length, 0);
  const [from, to] = [shard.number - 1, shard.number].map((i) =>
    Number((BigInt(bytes) * BigInt(i)) / BigInt(shard.of)),
  ) as [number, number];
  let [offset, firstRow] = [0, 0];
  const parts: TablePart[] = [];
  for (const [f, table] of tables.entries()) {
    const cut = (at: number) => table.dataStart + Math.min(lengths[f]!, Math.max(0, at - offset));
    const at = [cut(from), cut(to)] as const;
    const [start, end] = counted ? at : [await lineStart(table, at[0]), await lineStart(table, at[1])];
    const before: ChunkStart =
      counted && offset <= from && start > table.dataStart ? await countBefore(table, start) : NOTHING;
    firstRow += before.firstRow;
    const part = { start, end, before, linewise: !counted };
    await fetchPart(table, part);
    parts.push(part);
    offset += lengths[f]!;
  }
  const table = tables.reduceRight<Table | undefined>(
    (next, one, f) => ({ ...one, part: parts[f]!, next }),
    undefined,
  )!;
  return {
    table,
    firstRow: counted ? firstRow : undefined,
    from,
    to,
    bytes,
    notes: fetchNotes(tables, counted && from > 0),
  };
}

/** @param before whether what lies before the shard is read too */
function fetchNotes(tables: readonly Table[], before: boolean): string[] {
  const whole = tables.filter(({ source }) => source.remote && source.ranged === undefined);
  const notes = whole.map(
    ({ source }) =>
      `${source.name}: its server gives no ranges of bytes, so that each shard downloads all of it`,
  );
  if (before && tables.some(({ source }) => source.ranged !== undefined))
    notes.push(
      "what lies before this shard was downloaded too, for the numbers of its rows: where folds are by a column it is not",
    );
  return notes;
}

const NOTHING: ChunkStart = { firstRow: 0, lines: 0, insideQuote: false };

/** The error for a source that can neither be cut nor dealt out. */
function uncut(source: Source, what: string): UsageError {
  return new UsageError(wording`${option("shard")} cuts the bytes of a file, and ${source.name} is ${what}`, {
    hint: wording`cut it into files, one for each shard, and number them with ${option("shardId")}`,
  });
}

/**
 * Refuses to add the rows of a file from which a model's shards were cut, by itself or together with the others.
 *
 * @throws ModelError
 */
export async function refuseWholes(sources: readonly Source[], shards: readonly ShardSet[]): Promise<void> {
  const wholes = new Set(shards.flatMap(({ whole }) => (whole === undefined ? [] : [whole.sha256])));
  if (wholes.size === 0) return;
  const files = sources.filter(hasPlaces);
  for (const some of [...files.map((file) => [file]), files])
    if (some.length > 0 && wholes.has(await fingerprint(some)))
      throw new ModelError(
        `a shard of ${sources.map(({ name }) => name).join(", ")} is in the model already: its rows would count twice`,
        {
          hint: wording`train the other shards and merge them, or add all rows by ${option("again", true)}`,
        },
      );
}
