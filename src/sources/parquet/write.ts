import type { Output } from "../../csv/write.js";
import { optionalPackage } from "../../files/optional-package.js";
import { GROUP_ROWS, WaitingRows, type WrittenColumn, type WrittenRows } from "../written-rows.js";

/**
 * Writes rows to an output as Parquet, a row group at a time: columns DOUBLE or STRING, optional, in pages that Snappy
 * compresses.
 */
export class ParquetOutput {
  readonly #output: Output;
  readonly #columns: readonly WrittenColumn[];
  readonly #file: FileWriter;
  readonly #waiting: WaitingRows;

  private constructor(output: Output, columns: readonly WrittenColumn[], file: FileWriter) {
    this.#output = output;
    this.#columns = columns;
    this.#file = file;
    this.#waiting = new WaitingRows(columns);
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
    return this.#waiting.add(rows, count) < GROUP_ROWS || this.#flush();
  }

  /** Writes what is left, and the footer; the output is then to be committed. */
  async finish(): Promise<void> {
    await this.#flush();
    await this.#file.writer.finish();
    await this.#take();
  }

  async #flush(): Promise<boolean> {
    const { columns, rows } = this.#waiting.take();
    if (rows === 0) return true;
    const columnData = this.#columns.map(({ name }, j) => {
      const values = columns[j]!;
      return { name, data: values instanceof Float64Array ? withGaps(values) : (values as string[]) };
    });
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
function withGaps(values: Float64Array): Float64Array | (number | null)[] {
  return values.some(Number.isNaN)
    ? Array.from(values, (value) => (Number.isNaN(value) ? null : value))
    : values;
}
