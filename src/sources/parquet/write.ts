import type { Output } from "../../csv/write.js";
import { optionalPackage } from "../../files/optional-package.js";

/** Rows of a row group, as DuckDB writes them: enough to read fast, few enough to hold. */
const GROUP_ROWS = 122_880;

/** Whether a path is one of a Parquet file, by its name. */
export function isParquetPath(path: string | undefined): boolean {
  return path !== undefined && /\.parquet$/i.test(path);
}

/** A column that is written: doubles, of which NaN is a missing value, or texts. */
interface WrittenColumn {
  readonly name: string;
  readonly kind: "numbers" | "text";
}

/** Rows of some columns, as they come. */
type WrittenRows = readonly (Float64Array | readonly string[])[];

/**
 * Writes rows to an output as Parquet, a row group at a time: columns DOUBLE or STRING, optional, in pages that Snappy
 * compresses.
 */
export class ParquetOutput {
  readonly #output: Output;
  readonly #columns: readonly WrittenColumn[];
  readonly #file: FileWriter;
  #pending: WrittenRows[] = [];
  #rows = 0;

  private constructor(output: Output, columns: readonly WrittenColumn[], file: FileWriter) {
    this.#output = output;
    this.#columns = columns;
    this.#file = file;
  }

  /**
   * @param path for messages
   * @throws DataError where hyparquet-writer is not installed
   */
  static async open(output: Output, columns: readonly WrittenColumn[], path: string): Promise<ParquetOutput> {
    const { ByteWriter, ParquetWriter, schemaFromColumnData } = await optionalPackage(
      () => import("hyparquet-writer"),
      { file: path, kind: "to be a Parquet file", packages: ["hyparquet-writer"] },
    );
    const bytes = new ByteWriter();
    const typed = columns.map(({ name, kind }) => ({
      name,
      type: kind === "numbers" ? ("DOUBLE" as const) : ("STRING" as const),
      nullable: true,
      data: [],
    }));
    const schema = schemaFromColumnData({ columnData: typed });
    const writer = new ParquetWriter({ writer: bytes, schema, createdBy: "goml" });
    return new ParquetOutput(output, columns, { bytes, writer });
  }

  /** @returns false once nobody reads any more */
  async write(rows: WrittenRows, count: number): Promise<boolean> {
    this.#pending.push(rows);
    this.#rows += count;
    return this.#rows < GROUP_ROWS || this.#flush();
  }

  /** Writes what is left, and the footer; the output is then to be committed. */
  async finish(): Promise<void> {
    await this.#flush();
    await this.#file.writer.finish();
    await this.#take();
  }

  async #flush(): Promise<boolean> {
    const rows = this.#rows;
    if (rows === 0) return true;
    const columnData = this.#columns.map(({ name, kind }, j) => {
      const pieces = this.#pending.map((columns) => columns[j]!);
      const data = kind === "text" ? pieces.flat() : withGaps(pieces as Float64Array[], rows);
      return { name, data };
    });
    this.#pending = [];
    this.#rows = 0;
    await this.#file.writer.write({ columnData, rowGroupSize: rows });
    return this.#take();
  }

  /** Hands over what has been written, and begins the buffer again; offsets in the file go on. */
  #take(): Promise<boolean> {
    const { bytes } = this.#file;
    const written = bytes.getBytes().slice();
    bytes.index = 0;
    return this.#output.write(written);
  }
}

interface FileWriter {
  readonly bytes: { getBytes(): Uint8Array; index: number };
  readonly writer: import("hyparquet-writer").ParquetWriter;
}

/** Numbers, null where they are NaN. */
function withGaps(pieces: readonly Float64Array[], rows: number): Float64Array | (number | null)[] {
  const all = new Float64Array(rows);
  let at = 0;
  let gaps = false;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
    gaps ||= piece.some(Number.isNaN);
  }
  return gaps ? Array.from(all, (value) => (Number.isNaN(value) ? null : value)) : all;
}
