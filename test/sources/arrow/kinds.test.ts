import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { levelsOf } from "../../../src/csv/levels.js";
import type { ReadingOptions } from "../../../src/csv/reading-options.js";
import { DataError } from "../../../src/errors.js";
import { readTables, withSources } from "../../../src/sources/tables.js";
import { fitCsv } from "../../../src/training/fit-csv.js";

// files/ is what pyarrow 25.0.1 wrote, with what is in it (write-files.py).
const file = (name: string) => new URL(`files/${name}`, import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), "goml-arrow-kinds-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** All values of a file's columns, as numbers or as texts, by what the table takes them for. */
async function valuesOf(path: string, options: ReadingOptions = {}) {
  return withSources(path, undefined, async (sources) => {
    const table = await readTables(sources, options);
    const numeric = table.columns.flatMap(({ kind }, at) => (kind === "numeric" ? [at] : []));
    const factors = table.columns.flatMap(({ kind }, at) => (kind === "text" ? [at] : []));
    const choice = { numeric, factors };
    const levels = levelsOf(table, choice);
    const found: Record<string, unknown[]> = {};
    const add = (at: number, values: unknown[]) => {
      const { name } = table.columns[at]!;
      found[name] = [...(found[name] ?? []), ...values];
    };
    for await (const block of table.typed!.blocks(choice, levels)) {
      block.numeric.forEach((column, j) => {
        add(
          numeric[j]!,
          [...column].map((value) => (Number.isNaN(value) ? null : value)),
        );
      });
      block.codes.forEach((column, j) => {
        add(
          factors[j]!,
          [...column].map((code) => (code < 0 ? null : levels[j]!.names[code]!)),
        );
      });
    }
    return { found, table };
  });
}

/** What pyarrow says is in the files: an empty text is a missing value, as in CSV. */
const expected = Object.fromEntries(
  Object.entries(
    JSON.parse(readFileSync(file("kinds.json"), "utf8")) as Record<string, (number | string | null)[]>,
  ).map(([name, values]) => [name, values.map((value) => (value === "" ? null : value))]),
);
/** Decimals are numbers, those of more digits than a double are text where they are asked for as text. */
const NUMBERS = ["dec32", "dec64", "dec256"];

describe("values of Arrow's types", () => {
  for (const name of ["kinds-uncompressed.arrow", "kinds-lz4.arrow", "kinds-zstd.arrow", "kinds.arrows"])
    it(`are what pyarrow wrote, in ${name}`, async () => {
      const { found, table } = await valuesOf(file(name), { text: ["dec128"] });
      for (const [column, values] of Object.entries(expected))
        expect([column, found[column]]).toEqual([
          column,
          NUMBERS.includes(column) ? values.map((value) => (value === null ? null : Number(value))) : values,
        ]);
      expect(Object.keys(found).sort()).toEqual(Object.keys(expected).sort());
      expect(table.columnNotes).toEqual([
        "left out: list, it is of type List",
        "left out: fixed, it is of type FixedSizeList",
        "left out: raw, it is of type Binary",
        "left out: wait, it is of type Duration",
        "decimals are read as the doubles nearest to them: dec32, dec64, dec256",
      ]);
      expect(table.columns.find((column) => column.name === "none")!.kind).toBe("empty");
      const kinds = (of: string[]) => of.map((one) => table.columns.find(({ name }) => name === one)!);
      expect(kinds(["day", "day64", "second", "micro", "time"]).map(({ dates }) => dates)).toEqual([
        "date",
        "date",
        "date",
        "date",
        "time",
      ]);
    });

  it("are refused where a double does not hold them, with row and column", async () => {
    await expect(valuesOf(file("kinds-lz4.arrow"))).rejects.toThrow(
      /kinds-lz4\.arrow: row 2: column "dec128": -12345678901234567890123\.50 has more digits than a double/,
    );
  });

  it("are levels of the dictionary that holds when their batch comes", async () => {
    const { found } = await valuesOf(file("growing.arrows"));
    expect(found.level).toEqual(["a", "b", "a", "c", "b", "a", "z", "a", "a"]);
  });

  it("come from buffers of several blocks of LZ4 or zstd, and from batches that are cut", async () => {
    const documents = [];
    for (const name of ["tall-lz4.arrow", "tall-zstd.arrow"]) {
      const { found, table } = await valuesOf(file(name));
      const rows = 140_000;
      const row = (i: number) => ({
        x: Math.floor(i / 700) % 251,
        n: Math.floor(i / 400) % 11 === 3 ? null : Math.floor(i / 400) % 7,
        g: ["left", "middle", "right"][Math.floor(i / 5000) % 3],
        y: (Math.floor(i / 300) % 97) + (Math.floor(i / 700) % 251),
      });
      for (const column of ["x", "n", "g", "y"] as const) {
        expect(found[column]).toHaveLength(rows);
        // One by one: a difference of lists so long takes seconds to tell.
        expect(found[column]!.findIndex((value, i) => value !== row(i)[column])).toBe(-1);
      }
      expect(table.typed!.chunks!({ numeric: [0], factors: [] }, undefined).rows).toEqual([131_072, 8928]);
      for (const threads of [1, 2])
        documents.push(
          JSON.stringify((await fitCsv(file(name), { target: "y", threads })).model.coefficients),
        );
    }
    expect(new Set(documents).size).toBe(1);
  });
});

describe("an Arrow file that is no whole one", () => {
  const whole = readFileSync(file("kinds-lz4.arrow"));
  const stream = readFileSync(file("kinds.arrows"));
  const refusal = async (bytes: Uint8Array): Promise<string | undefined> => {
    const path = join(folder, "cut.arrow");
    writeFileSync(path, bytes);
    try {
      await valuesOf(path, { text: ["dec128"] });
      return undefined;
    } catch (error) {
      expect(error).toBeInstanceOf(DataError);
      const { message } = error as DataError;
      expect(message).not.toContain("\n");
      return message;
    }
  };

  it("is refused wherever it is cut off", async () => {
    for (let length = 8; length < whole.length; length += 397)
      expect(await refusal(whole.subarray(0, length))).toMatch(/Arrow file that cannot be read: /);
    // A stream that ends between two messages may be a whole one: the format lets the mark be left out.
    let read = 0;
    for (let length = 8; length < stream.length - 8; length += 397) {
      const refused = await refusal(stream.subarray(0, length));
      if (refused === undefined) read += 1;
      else expect(refused).toMatch(/Arrow file that cannot be read: |columns and no rows/);
    }
    expect(read).toBe(0);
    const { table } = await (async () => {
      writeFileSync(join(folder, "open.arrows"), stream.subarray(0, stream.length - 8));
      return valuesOf(join(folder, "open.arrows"), { text: ["dec128"] });
    })();
    expect(table.notes).toEqual(["the Arrow stream has no end mark: if rows are missing, it was cut off"]);
  });

  it("is refused in words where its zstd is damaged", async () => {
    const damaged = readFileSync(file("kinds-zstd.arrow"));
    const MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
    for (let at = damaged.indexOf(MAGIC); at >= 0; at = damaged.indexOf(MAGIC, at)) damaged[at] = 0;
    expect(await refusal(damaged)).toMatch(/Arrow file that cannot be read: [A-Za-z]/);
  });

  it("gives values or a refusal of one line, whatever bytes are damaged", async () => {
    const damages = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(fc.boolean(), damages, async (streamed, damage) => {
        const damaged = Uint8Array.from(streamed ? stream : whole);
        // Beyond the mark by which it is known.
        for (const [at, byte] of damage) damaged[8 + (at % (damaged.length - 8))] = byte;
        await refusal(damaged);
      }),
      { numRuns: 80 },
    );
  });

  it("says of other formats of that name what they are", async () => {
    await expect(valuesOf(file("version1.feather"))).rejects.toThrow("this is a Feather file of version 1");
  });
});
