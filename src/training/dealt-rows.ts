import type { TablePart } from "../csv/chunks.js";
import { readRows } from "../csv/records.js";
import type { Source } from "../csv/source.js";
import type { Table } from "../csv/table.js";
import { countBefore } from "../csv/table-part.js";
import type { TypedRows } from "../csv/typed-rows.js";
import { UsageError } from "../errors.js";
import type { ShardNumber } from "../linear/shards/numbered.js";
import { option, wording } from "../wording.js";

/** What a shard has of data that are dealt out piece by piece. */
export interface Dealt {
  readonly table: Table;
  /** The number of its first row in the whole; undefined where those before were not counted. */
  readonly firstRow: number | undefined;
  /** Its pieces are those that begin at [from, to) of all: bytes of files, or rows of columns. */
  readonly from: number;
  readonly to: number;
}

/** Typed rows of which some can be had alone. */
type Parted = TypedRows & Required<Pick<TypedRows, "chunks" | "part">>;

/** Whether typed rows come in chunks that can be dealt out. */
export function isParted(typed: TypedRows | undefined): typed is Parted {
  return typed?.chunks !== undefined && typed.part !== undefined;
}

/**
 * Deals out the chunks of typed columns, such as row groups, in order and by their rows, at least one for each shard.
 *
 * @throws UsageError where there are fewer chunks than shards
 */
export function dealChunks(table: Table, typed: Parted, { number, of }: ShardNumber): Dealt {
  const { rows } = typed.chunks({ numeric: [], factors: [], text: false }, undefined);
  const what = rows.length === 1 ? "one row group or batch" : `${rows.length} row groups or batches`;
  if (rows.length < of) throw fewer(`${table.source.name} has ${what}`, of);
  const [from, to] = shareOf(rows, number, of);
  const before = rows.slice(0, from).reduce((sum, count) => sum + count, 0);
  const own = rows.slice(from, to).reduce((sum, count) => sum + count, 0);
  const part = { ...table, typed: typed.part(from, to) };
  // Those before are there for their number alone.
  const first = before === 0 ? part : { ...skipped(table, before), typed: typed.part(0, from), next: part };
  return { table: first, firstRow: before, from: before, to: before + own };
}

/**
 * Deals out files that cannot be cut, or not all of them, in order and by their sizes, at least one for each shard.
 *
 * @param counted whether rows are to have their numbers of the whole, for which the files before are read
 * @throws UsageError where there are fewer files than shards
 */
export async function dealFiles(
  all: readonly Table[],
  { number, of }: ShardNumber,
  { counted }: { counted: boolean },
): Promise<Dealt> {
  if (all.length < of) throw fewer(`there are ${all.length} files, which are not cut`, of);
  const known = all.map(({ source }) => source.storedSize);
  const sizes = known.every((size) => size !== undefined) ? known : all.map(() => 1);
  const [first, end] = shareOf(sizes, number, of);
  const [from, to] = [first, end].map((f) => sizes.slice(0, f).reduce((sum, size) => sum + size, 0)) as [
    number,
    number,
  ];
  const [own, before] = [all.slice(first, end), all.slice(0, first)];
  if (!counted)
    return {
      table: chained([withColumns(own[0]!, all[0]!), ...own.slice(1)]),
      firstRow: undefined,
      from,
      to,
    };
  let firstRow = 0;
  const passed: Table[] = [];
  for (const table of before) {
    const rows = await rowsOf(table);
    passed.push(skipped(table, rows));
    firstRow += rows;
  }
  return { table: chained([...passed, ...own]), firstRow, from, to };
}

/** Says why a source cannot be dealt out, nor be cut; undefined where it can. */
export function undealable({ source, typed }: Table): string | undefined {
  if (typed !== undefined && !isParted(typed)) return "a database";
  return isFile(source) || isParted(typed) ? undefined : "a stream";
}

/** Whether every task can read a source: what comes once, from a pipe or a server, is not the same in each. */
function isFile(source: Source): boolean {
  return source.repeatable || source.remote;
}

/** The pieces [from, to) of a share; `sizes` are theirs. Cuts lie where sums of sizes come nearest to equal shares. */
function shareOf(sizes: readonly number[], number: number, of: number): [from: number, to: number] {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  let [cut, sum, before] = [0, 0, 0];
  for (let share = 1; share <= number; share++) {
    before = cut;
    if (share === of) return [before, sizes.length];
    const wanted = (total * share) / of;
    const most = sizes.length - (of - share);
    sum += sizes[cut++]!;
    while (cut < most && sum + sizes[cut]! / 2 <= wanted) sum += sizes[cut++]!;
  }
  return [before, cut];
}

const NO_LINES = { lines: 0, insideQuote: false };

/** A table none of whose rows is read, which has so many. */
function skipped(table: Table, rows: number): Table {
  const part: TablePart = { start: 0, end: 0, before: { firstRow: rows, ...NO_LINES }, linewise: false };
  return { ...table, part, next: undefined };
}

/** Counts a table's rows: at the speed of memory where lines can be counted. */
async function rowsOf(table: Table): Promise<number> {
  if (table.typed?.rows !== undefined) return table.typed.rows;
  const { size } = await table.source.seekable();
  if (!table.dialect.odd) return (await countBefore(table, size)).firstRow;
  let rows = 0;
  for await (const batch of readRows(table)) rows += batch.length;
  return rows;
}

function chained(tables: readonly Table[]): Table {
  return tables.reduceRight<Table | undefined>((next, table) => ({ ...table, next }), undefined)!;
}

/** A table at the head of a chain in place of another, with what is known of all of its columns. */
function withColumns(table: Table, head: Table): Table {
  const known = new Map(head.columns.map((column) => [column.name, column]));
  return { ...table, columns: table.columns.map((column) => known.get(column.name) ?? column), whole: false };
}

function fewer(what: string, of: number): UsageError {
  return new UsageError(`${what}, fewer than the ${of} shards that they would be dealt out to`, {
    hint: wording`take no more shards than that, or number files of your own with ${option("shardId")}`,
  });
}
