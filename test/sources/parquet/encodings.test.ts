import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { type BasicType, type ColumnSource, parquetWriteBuffer } from "hyparquet-writer";
import { afterAll, describe, expect, it } from "vitest";
import { levelsOf } from "../../../src/csv/levels.js";
import { DataError } from "../../../src/errors.js";
import { readTables, withSources } from "../../../src/sources/tables.js";
import { inDuckdb } from "../duckdb.js";

const folder = mkdtempSync(join(tmpdir(), "goml-encodings-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, "x.parquet");

/** The column `x` of a file, as numbers (NaN where there is none) or as texts (null). */
async function columnX(as: "numbers" | "text", at = path): Promise<unknown[]> {
  return withSources(at, undefined, async (sources) => {
    const table = await readTables(sources, {});
    const x = table.columns.findIndex(({ name }) => name === "x");
    // A damaged footer may name it otherwise.
    if (x < 0) return [];
    const choice = { numeric: as === "numbers" ? [x] : [], factors: as === "text" ? [x] : [] };
    const levels = levelsOf(table, choice);
    const found: unknown[] = [];
    for await (const { numeric, codes } of table.typed!.blocks(choice, levels)) {
      if (as === "numbers") found.push(...numeric[0]!);
      else found.push(...[...codes[0]!].map((code) => (code < 0 ? null : levels[0]!.names[code])));
    }
    return found;
  });
}

const compressors = {
  GZIP: (bytes: Uint8Array) => gzipSync(bytes),
  BROTLI: (bytes: Uint8Array) => brotliCompressSync(bytes),
};

type Encoding = NonNullable<ColumnSource["encoding"]>;
type CompressionCodec = NonNullable<ColumnSource["codec"]>;

interface Writing {
  type: BasicType;
  encoding?: Encoding;
  codec: CompressionCodec;
  pageSize: number;
  rowGroupSize: number;
}

function write(data: unknown[], { type, encoding, codec, pageSize, rowGroupSize }: Writing): void {
  const nullable = data.includes(null);
  const buffer = parquetWriteBuffer({
    columnData: [{ name: "x", data, type, nullable, ...(encoding === undefined ? {} : { encoding }) }],
    codec,
    compressors,
    pageSize,
    rowGroupSize,
  });
  writeFileSync(path, new Uint8Array(buffer));
}

/** Files as programs write them: encodings for a type, pages and row groups of a few rows. */
const writing = (type: BasicType, encodings: (Encoding | undefined)[]): fc.Arbitrary<Writing> =>
  fc.record({
    type: fc.constant(type),
    encoding: fc.constantFrom(...encodings) as fc.Arbitrary<Encoding>,
    codec: fc.constantFrom<CompressionCodec>("UNCOMPRESSED", "SNAPPY", "GZIP", "BROTLI"),
    pageSize: fc.constantFrom(16, 100, 1 << 20),
    rowGroupSize: fc.constantFrom(3, 50, 1000),
  });

const rows = <T>(value: fc.Arbitrary<T>) =>
  fc
    .array(fc.option(value, { freq: 4 }), { minLength: 1, maxLength: 120 })
    .filter((all) => all.some((one) => one !== null));

describe("pages of Parquet", () => {
  it("of doubles, in every encoding", async () => {
    await fc.assert(
      fc.asyncProperty(
        rows(fc.oneof(fc.double({ noDefaultInfinity: true, noNaN: true }), fc.constantFrom(0, 1.5, -2))),
        writing("DOUBLE", [undefined, "PLAIN", "BYTE_STREAM_SPLIT"]),
        async (data, how) => {
          write(data, how);
          expect(await columnX("numbers")).toEqual(data.map((value) => value ?? Number.NaN));
        },
      ),
      { numRuns: 60 },
    );
  });

  it("of integers, in every encoding", async () => {
    const kinds: [BasicType, fc.Arbitrary<number | bigint>][] = [
      ["INT32", fc.integer()],
      ["INT64", fc.bigInt({ min: -(2n ** 53n), max: 2n ** 53n })],
    ];
    for (const [type, value] of kinds)
      await fc.assert(
        fc.asyncProperty(
          rows(value),
          writing(type, [undefined, "PLAIN", "DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT"]),
          async (data, how) => {
            write(data, how);
            expect(await columnX("numbers")).toEqual(
              data.map((value) => (value === null ? Number.NaN : Number(value))),
            );
          },
        ),
        { numRuns: 40 },
      );
  });

  it("of texts and of truth values, in every encoding", async () => {
    const text = fc
      .string({ unit: "grapheme", minLength: 1, maxLength: 12 })
      .map((one) => `_${one}_`.normalize("NFC"));
    await fc.assert(
      fc.asyncProperty(
        rows(fc.oneof(text, fc.constantFrom("_a_", "_b_"))),
        writing("STRING", [undefined, "PLAIN", "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"]),
        async (data, how) => {
          write(data, how);
          expect(await columnX("text")).toEqual(data);
        },
      ),
      { numRuns: 60 },
    );
    await fc.assert(
      fc.asyncProperty(
        rows(fc.boolean()),
        writing("BOOLEAN", [undefined, "PLAIN", "RLE"]),
        async (data, how) => {
          write(data, how);
          expect(await columnX("text")).toEqual(data.map((value) => (value === null ? null : String(value))));
        },
      ),
      { numRuns: 30 },
    );
  });

  it("as DuckDB compresses and versions them", async () => {
    const select = "SELECT CASE WHEN i % 5 = 0 THEN NULL ELSE (i % 97) * 0.5 END AS x FROM range(5000) r(i)";
    const expected = Array.from({ length: 5000 }, (_, i) => (i % 5 === 0 ? Number.NaN : (i % 97) * 0.5));
    for (const codec of ["uncompressed", "snappy", "gzip", "zstd", "brotli", "lz4_raw"])
      for (const version of ["v1", "v2"]) {
        const at = join(folder, `${codec}-${version}.parquet`);
        await inDuckdb(
          `COPY (${select}) TO '${at}' (FORMAT parquet, CODEC ${codec}, PARQUET_VERSION ${version})`,
        );
        expect(await columnX("numbers", at)).toEqual(expected);
      }
  });
});

describe("a damaged file", () => {
  it("is an error of one line, wherever it is damaged or cut off", async () => {
    const at = join(folder, "whole.parquet");
    await inDuckdb(
      `COPY (SELECT CASE WHEN i % 5 = 0 THEN NULL ELSE random() END AS x, 'l' || (i % 4) AS t FROM range(400) r(i))
        TO '${at}' (FORMAT parquet)`,
    );
    const bytes = readFileSync(at);
    const refused = async (damaged: Uint8Array): Promise<boolean> => {
      writeFileSync(path, damaged);
      try {
        await columnX("numbers");
        await columnX("text");
        return false;
      } catch (error) {
        expect(error).toBeInstanceOf(DataError);
        expect((error as Error).message).toMatch(/^[^\n]*x\.parquet[^\n]*$/);
        return true;
      }
    };
    for (let length = 5; length < bytes.length; length += 97)
      expect(await refused(bytes.subarray(0, length))).toBe(true);
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(255), async (place, byte) => {
        const damaged = Uint8Array.from(bytes);
        damaged[place] = byte;
        await refused(damaged);
      }),
      { numRuns: 250 },
    );
  });

  it("is refused where its footer lacks where a column lies, or how many rows a group has", async () => {
    write([1, 2, 3, 4, 5], {
      type: "DOUBLE",
      codec: "UNCOMPRESSED",
      pageSize: 1 << 20,
      rowGroupSize: 5,
    });
    const bytes = readFileSync(path);
    const length = bytes.readUInt32LE(bytes.length - 8);
    const said: string[] = [];
    // The upper four bits of a field's first byte say by how much its number is greater than the one before.
    for (let at = bytes.length - 8 - length; at < bytes.length - 8; at++) {
      const damaged = Uint8Array.from(bytes);
      damaged[at]! ^= 0x10;
      writeFileSync(path, damaged);
      try {
        // No byte of a footer is a value: what is read at all is whole, or of a column that it calls otherwise.
        const values = await columnX("numbers");
        expect([0, 5]).toContain(values.length);
      } catch (error) {
        expect(error).toBeInstanceOf(DataError);
        said.push((error as Error).message);
      }
    }
    expect(said.join("\n")).toMatch(/a row group does not say where column 0 lies/);
    expect(said.join("\n")).toMatch(/a row group has no number of rows/);
  });
});
