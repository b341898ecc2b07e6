import type { Need, Range } from "../csv/partial-copy.js";
import type { ChunkDecoder } from "../csv/typed-rows.js";
import type { ColumnSpec } from "./column-chunks.js";
import type { ColumnFile, FileChunk, FileColumn } from "./column-file.js";

/**
 * A format of files of columns, as what makes a table of them needs to know it. `Part` is where the values of a column lie in a
 * chunk; plain data, so that any thread can read them.
 */
export interface ColumnFormat<
  File extends ColumnFile<Leaf>,
  Leaf extends FileColumn,
  Chunk extends FileChunk,
  Part,
> {
  readonly name: string;
  chunks(file: File, f: number): Chunk[];
  /** Whether the file says that a column has no value in any row. */
  isEmpty(leaf: Leaf, file: File): boolean;
  partOf(chunk: Chunk, leaf: Leaf): Part;
  /** The bounds of a column's numbers in a chunk, where the file says them. */
  bounds(chunk: Chunk, leaf: Leaf): { least: number; most: number } | undefined;
  /** The bytes that a part takes. */
  ranges(part: Part): Range[];
  /** Fetches what the first rows of some columns take, of a file that lies elsewhere. */
  needFirst(file: File & { readonly need: Need }, parts: readonly Part[], rows: number): Promise<void>;
  /** Opens chunks in this thread. */
  open(spec: ColumnSpec<Leaf, Part>): Promise<ChunkDecoder>;
}
