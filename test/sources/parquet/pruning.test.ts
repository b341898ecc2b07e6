import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parquetMetadata } from "hyparquet";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fitCsv } from "../../../src/training/fit-csv.js";
import { inDuckdb, manyKinds } from "../duckdb.js";

const folder = mkdtempSync(join(tmpdir(), "goml-pruning-"));
const csv = join(folder, "t.csv");
const whole = join(folder, "t.parquet");
const ROWS = 10_240;
const GROUP = 2048;

beforeAll(async () => {
  await inDuckdb(
    manyKinds(ROWS),
    `COPY t TO '${csv}'`,
    `COPY t TO '${whole}' (FORMAT parquet, ROW_GROUP_SIZE ${GROUP})`,
    `COPY (SELECT *, 2020 + i // 4000 AS year, color AS "die Farbe" FROM t) TO '${folder}/sales'
      (FORMAT parquet, PARTITION_BY (year, "die Farbe"))`,
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A copy of the file whose bytes are zeros wherever columns lie that should not be read. */
function withoutParts(name: string, unread: (group: number, column: string) => boolean): string {
  const bytes = readFileSync(whole);
  parquetMetadata(Uint8Array.from(bytes).buffer).row_groups.forEach(({ columns }, group) => {
    for (const { meta_data: part } of columns) {
      if (!unread(group, part!.path_in_schema[0]!)) continue;
      const from = Number(part!.dictionary_page_offset ?? part!.data_page_offset);
      bytes.fill(0, from, from + Number(part!.total_compressed_size));
    }
  });
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

const same = (a: Float64Array, b: Float64Array) =>
  a.forEach((value, j) => {
    expect(Math.abs(value - b[j]!)).toBeLessThanOrEqual(1e-9 * Math.abs(value));
  });

describe("row groups for which the condition cannot hold are not read", () => {
  // The first rows of a file are looked at in any case, so the first group is left as it is.
  const cases: [string, (group: number) => boolean][] = [
    [`i >= ${3 * GROUP}`, (group) => group < 3],
    [`i >= ${3 * GROUP} & i < ${4 * GROUP}`, (group) => group !== 3],
    [`!(i < ${4 * GROUP})`, (group) => group < 4],
    [
      `i == ${4 * GROUP + 5} | i %in% c(${4 * GROUP + 6}, ${4 * GROUP + 7}, ${4 * GROUP + 9}) | -i < -${4.5 * GROUP}`,
      (group) => group < 4,
    ],
    [`${4 * GROUP} <= i & color != "red"`, (group) => group < 4],
  ];
  for (const [where, unread] of cases)
    it(where, async () => {
      const path = withoutParts("cut.parquet", (group) => group > 0 && unread(group));
      const options = { target: "y", features: ["i", "tiny"], where };
      const [expected, found] = [await fitCsv(csv, options), await fitCsv(path, options)];
      same(found.model.coefficients, expected.model.coefficients);
      expect(found.excluded).toBe(expected.excluded);
      expect(found.rows).toBe(expected.rows);
      expect(found.cv!.mse / expected.cv!.mse).toBeCloseTo(1, 9);
    });

  it("but those that may have rows without a value are, where that is what is asked for", async () => {
    const options = { target: "y", features: ["i"], where: "is.na(gap) | !(tiny %in% c(1, 2))" };
    const [expected, found] = [await fitCsv(csv, options), await fitCsv(whole, options)];
    expect(found.excluded).toBe(expected.excluded);
    same(found.model.coefficients, expected.model.coefficients);
  });
});

describe("columns that a model does not name are not read", () => {
  it("beyond the first rows", async () => {
    const path = withoutParts("narrow.parquet", (group, column) => group > 0 && !["i", "y"].includes(column));
    const { model } = await fitCsv(path, { target: "y", features: ["i"] });
    same(model.coefficients, (await fitCsv(csv, { target: "y", features: ["i"] })).model.coefficients);
    await expect(fitCsv(path, { target: "y", features: ["tiny"] })).rejects.toThrow(
      `${path}: column "tiny": this is a Parquet file that cannot be read`,
    );
  });
});

describe("folders called name=value", () => {
  const pattern = join(folder, "sales/**/*.parquet");

  it("are columns of their files, and prune them", async () => {
    const { model, rows } = await fitCsv(pattern, { formula: "y ~ i + year + `die Farbe`" });
    expect(rows).toBe(ROWS);
    expect(model.levels["`die Farbe`"] ?? Object.values(model.levels)[0]).toEqual([
      "Grün",
      'b,l"ue',
      "green",
      "red",
    ]);
    const bad = join(folder, "sales/year=2020/die%20Farbe=red");
    const [name] = [join(bad, "data_0.parquet")];
    const bytes = readFileSync(name);
    const { row_groups } = parquetMetadata(Uint8Array.from(bytes).buffer);
    const damaged = Uint8Array.from(bytes);
    const end = Math.max(
      ...row_groups.flatMap(({ columns }) =>
        columns.map(
          (one) => Number(one.meta_data!.data_page_offset) + Number(one.meta_data!.total_compressed_size),
        ),
      ),
    );
    damaged.fill(0, 4, end);
    writeFileSync(name, damaged);
    const where = 'year > 2020 | `die Farbe` == "green"';
    const pruned = await fitCsv(pattern, { formula: "y ~ i", where });
    writeFileSync(name, bytes);
    const read = await fitCsv(pattern, { formula: "y ~ i", where });
    expect([...pruned.model.coefficients]).toEqual([...read.model.coefficients]);
    expect(pruned.excluded).toBe(read.excluded);
  });

  it("come before the file's own columns, so that the last of these stays the target", async () => {
    expect((await fitCsv(pattern, { features: ["i", "year"] })).model.target).toBe("y");
  });

  it("have no value in __HIVE_DEFAULT_PARTITION__, and are the same in all files", async () => {
    const sales = join(folder, "again");
    mkdirSync(sales);
    await inDuckdb(
      "CREATE TABLE t AS SELECT i::DOUBLE AS y, i % 3 AS x, CASE WHEN i % 4 = 0 THEN NULL ELSE i % 4 END AS part FROM range(40) r(i)",
      `COPY t TO '${sales}' (FORMAT parquet, PARTITION_BY (part), OVERWRITE_OR_IGNORE)`,
    );
    const files = join(sales, "*/*.parquet");
    const { dropped, rows } = await fitCsv(files, { target: "y", features: ["part"] });
    expect({ dropped, rows }).toEqual({ dropped: 10, rows: 40 });
    renameSync(join(sales, "part=1"), join(sales, "other=1"));
    await expect(fitCsv(files, { target: "y", features: ["x"] })).rejects.toThrow("other columns than in");
  });
});
