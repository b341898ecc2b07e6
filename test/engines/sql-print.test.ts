import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PRINTED } from "../../src/engines/dialects.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import type { FitCsvOptions } from "../../src/training/fit-options.js";
import { fitSqlResult } from "../../src/training/fit-sql-result.js";
import { printSql } from "../../src/training/print-sql.js";
import { inDuckdb } from "../sources/duckdb.js";
import { hasPostgres } from "../sources/postgres-server.js";
import { uniform } from "../uniform.js";
import { EveryEngine, expectSameFit } from "./every-engine.js";

const engines = new EveryEngine();
type Dialect = (typeof PRINTED)[number];

beforeAll(async () => {
  const next = uniform(5);
  const columns = {
    id: "BIGINT",
    epoch: "DOUBLE PRECISION",
    gap: "DOUBLE PRECISION",
    color: "VARCHAR(20)",
    'Group "é': "VARCHAR(20)",
    w: "INTEGER",
    share: "DOUBLE PRECISION",
    same: "DOUBLE PRECISION",
    y: "DOUBLE PRECISION",
  };
  const rows = Array.from({ length: 3000 }, (_, i) => [
    i * 1_000_003 - 2_000_000_000,
    1.7e9 + ((i * 7919) % 86400) * 0.25,
    i % 11 === 3 ? null : next(),
    ["red", "green", 'b,l"ue', " Grün "][(i * 7) % 4]!,
    i % 17 === 0 ? null : i % 19 === 0 ? "NA" : `g${i % 5}`,
    i % 3,
    (i % 5) / 4,
    7.5,
    3 + 1e-4 * i + next(),
  ]);
  await engines.fill({
    t: { columns, rows },
    none: {
      columns: { x: "DOUBLE PRECISION", y: "DOUBLE PRECISION" },
      rows: [
        [null, 1],
        [null, 2],
      ],
    },
    infinite: {
      columns: { x: "DOUBLE PRECISION", y: "DOUBLE PRECISION" },
      rows: [
        [1, 1],
        [1e308, 2],
        [3, 4],
      ],
    },
  });
}, 120_000);
afterAll(() => engines.close());

/** Which databases run what is printed for which: DuckDB reads Trino's words. */
const RUNS: Partial<Record<Dialect, (sql: string, to: string) => Promise<void> | void>> = {
  duckdb: inFile,
  trino: inFile,
  ...(spawnSync("sqlite3", ["--version"]).status === 0 ? { sqlite: inShell } : {}),
  ...(hasPostgres ? { postgres: inPsql } : {}),
};

function inFile(sql: string, to: string): Promise<void> {
  const file = join(engines.folder, "duck.db");
  const query = sql.replace(/;\s*$/, "");
  return inDuckdb(
    `ATTACH '${file}' AS db (READ_ONLY)`,
    "USE db",
    `COPY (${query}\n) TO '${to}' (FORMAT csv, HEADER)`,
  );
}

function inShell(sql: string, to: string): void {
  const file = join(engines.folder, "lite.db");
  writeFileSync(to, execFileSync("sqlite3", ["-header", "-csv", file], { input: sql }));
}

function inPsql(sql: string, to: string): void {
  writeFileSync(
    to,
    execFileSync("psql", ["--csv", engines.urls.PostgreSQL!], {
      input: sql,
      stdio: ["pipe", "pipe", "ignore"],
    }),
  );
}

let answers = 0;

/** What a user does: the query of a sample of the rows, run, and its answer. */
async function answer(dialect: Dialect, table: string, options: FitCsvOptions): Promise<string> {
  const { sql } = await printSql(dialect, engines.csv(table), { ...options, table });
  const to = join(engines.folder, `answer-${answers++}.csv`);
  await RUNS[dialect]!(sql, to);
  return to;
}

const MODELS: Record<string, FitCsvOptions> = {
  numbers: { target: "y", features: ["epoch", "gap", "same"] },
  "a formula, folds by a key": {
    formula: "y ~ log1p(gap) * color + poly(share, 2, raw = TRUE) + I(epoch - 1.7e9)",
    foldBy: "id",
    folds: 5,
  },
  "weights, two factors and their product": {
    formula: 'y ~ epoch + color * `Group "é`',
    weights: "w",
  },
  "weights that are frequencies": { formula: "y ~ epoch + color", weights: "w", weightsKind: "frequency" },
  "analytic weights": { formula: "y ~ epoch + gap", weights: "w", weightsKind: "analytic" },
  "some of the rows": {
    formula: "y ~ gap + color",
    where: 'share >= 0.25 & !(color %in% c("red", "blue")) | is.na(gap)',
    foldBy: "id",
  },
  "the origin, and texts that mean a missing value": {
    formula: "y ~ share + color - 1",
    naValuesIn: { color: ["green"], share: ["0.5"] },
  },
};

describe.each(Object.keys(RUNS) as Dialect[])("printed for %s, run there and read", (dialect) => {
  it.each(Object.keys(MODELS))("%s: the model is that of the CSV", async (name) => {
    const options = MODELS[name]!;
    const expected = await fitCsv(engines.csv("t"), {
      ...options,
      folds: options.foldBy === undefined ? 1 : options.folds,
    });
    // Sums in double lose what times since 1970 have more digits than deviations: 1e5 of them.
    const solver = "normal";
    expectSameFit(await fitSqlResult(await answer(dialect, "t", options), { solver }), expected, 7);
    if (dialect === "sqlite") return;
    const exact = await fitSqlResult(await answer(dialect, "t", { ...options, solver: "extended" }));
    expect(exact.model.solver).toBe("extended");
    expectSameFit(exact, expected, 8);
  });

  it("an answer without rows, and rows that a CSV would be refused for, in one line", async () => {
    const none = await answer(dialect, "none", { formula: "y ~ x" });
    await expect(fitSqlResult(none)).rejects.toThrow("no row is complete: each of 2 has a missing cell");
    const table = '"infinite"';
    const { sql } = await printSql(dialect, undefined, {
      formula: "y ~ x",
      sql: `SELECT y, x * 10e0 AS x FROM ${table}`,
    });
    const to = join(engines.folder, "infinite.csv");
    await RUNS[dialect]!(sql, to);
    await expect(fitSqlResult(to)).rejects.toThrow(
      // PostgreSQL's own error is that a product is beyond doubles.
      dialect === "postgres"
        ? "no answer to a query"
        : 'column "x": expected finite numbers, found 1 that is not',
    );
  });
});

describe("an answer that is not whole", () => {
  const model: FitCsvOptions = { formula: "y ~ gap + color", foldBy: "id", folds: 3 };
  let lines: string[];
  const reading = (text: string) => {
    const file = join(engines.folder, "changed.csv");
    writeFileSync(file, text);
    return expect(fitSqlResult(file)).rejects;
  };
  const changed = (column: string, row: number, to: (cell: string) => string) => {
    const at = lines[0]!.split(",").indexOf(column);
    expect(at).toBeGreaterThan(-1);
    return lines
      .map((line, r) =>
        r === row
          ? line
              .split(",")
              .map((cell, k) => (k === at ? to(cell) : cell))
              .join(",")
          : line,
      )
      .join("\n");
  };
  beforeAll(async () => {
    // No level has a comma.
    const file = await answer("duckdb", "t", {
      ...model,
      naValuesIn: { color: ['b,l"ue'] },
      sql: undefined,
      where: 'color != "b,l\\"ue"',
    });
    lines = readFileSync(file, "utf8").trim().split("\n");
    expect(lines.length).toBeGreaterThan(6);
  });

  it.each<[what: string, text: () => string, message: string | RegExp]>([
    ["its last row is missing", () => lines.slice(0, -1).join("\n"), /has \d+ of its \d+ rows/],
    [
      "it ends within a row",
      () => lines.join("\n").slice(0, -30),
      /: it was cut or changed|expected a|has lost/,
    ],
    [
      "a row is there twice in the place of another",
      () => [...lines.slice(0, -1), lines[1]].join("\n"),
      "has a row twice",
    ],
    [
      "two answers are in one file",
      () =>
        [
          ...lines.slice(0, -1),
          changed("goml_q0", lines.length - 1, (n) => `${Number(n) + 1}`)
            .split("\n")
            .at(-1),
        ].join("\n"),
      "are of different answers",
    ],
    ["it has no header", () => lines.slice(1).join("\n"), "this is no answer to a query that goml printed"],
    ["it has only its header", () => lines[0]!, "has a header and no rows"],
    ["it is another CSV", () => "a,b\n1,2\n", "this is no answer to a query that goml printed"],
    [
      "a column is missing",
      () => lines.map((line) => line.split(",").slice(0, -1).join(",")).join("\n"),
      "has no column y",
    ],
    [
      "its first column is changed",
      () => changed("goml", 1, (word) => word.replace(/.$/, "")),
      "is cut or changed",
    ],
    [
      "another version printed the query",
      () => changed("goml", 1, (word) => word.replace("goml1", "goml9")),
      "another version of goml",
    ],
    [
      "a sum is not a number",
      () => changed("y3", 2, () => "1,5".replace(",", ";")),
      "expected a number in y3",
    ],
    ["a sum is missing", () => changed("y3", 2, () => ""), "a sum is missing where there are rows"],
    [
      "fewer rows are in a cell",
      () => changed("y0", 2, (n) => `${Number(n) - 1}`),
      "the rows changed while the query ran",
    ],
    [
      "another sum is in a cell",
      () => changed("y1", 2, (x) => `${Number(x) + 5}`),
      "other means than the first pass",
    ],
  ])("%s: refused", async (_, text, message) => {
    await reading(`${text()}\n`).toMatchObject({ kind: "data", message: expect.stringMatching(message) });
  });

  it("its last number may be cut: refused, where neither a line break nor a quote ends it", async () => {
    for (const length of [1, 3, 5])
      await reading(lines.join("\n").slice(0, -length)).toThrow("its last number may be cut off");
    const quoted = lines.map((line) => line.replaceAll(/[^,]+/g, '"$&"')).join("\n");
    const file = join(engines.folder, "quoted.csv");
    writeFileSync(file, quoted);
    expect((await fitSqlResult(file)).model.n).toBeGreaterThan(0);
  });

  it("numbers that were rounded on the way: refused", async () => {
    const at = lines[0]!.split(",").indexOf("third");
    const text = lines.map((line, r) =>
      line
        .split(",")
        .map((cell, k) => (r > 0 && k === at ? "0.3333333333" : cell))
        .join(","),
    );
    await reading(`${text.join("\n")}\n`).toThrow('have lost digits: a third is written as "0.3333333333"');
    const exact = await answer("duckdb", "t", { ...model, solver: "extended" });
    const rounded = readFileSync(exact, "utf8").replace(/(?<=,)-?\d{25,}(?=,|\r?\n)/, (digits) =>
      Number(digits).toExponential(5),
    );
    await reading(rounded).toThrow("expected a whole number with all its digits");
  });

  it("is read between semicolons, tabs and bars, and behind other lines, all the same", async () => {
    const { model: expected } = await fitSqlResult(
      await answer("duckdb", "t", {
        ...model,
        where: 'color != "b,l\\"ue"',
        naValuesIn: { color: ['b,l"ue'] },
      }),
    );
    for (const delimiter of [";", "\t", "|"]) {
      const file = join(engines.folder, "other.csv");
      const kept = lines.map((line, r) => (r === 0 ? line.toUpperCase() : line).replaceAll(",", delimiter));
      writeFileSync(file, ["SET", ...kept, ""].join("\r\n"));
      const { model: found } = await fitSqlResult(file);
      expect(found.coefficients).toEqual(expected.coefficients);
    }
  });
});

it("sums in double that leave too few digits: refused, and exact ones are not", async () => {
  const formula = "y ~ poly(epoch, 3, raw = TRUE)";
  await expect(fitSqlResult(await answer("duckdb", "t", { formula }))).rejects.toMatchObject({
    kind: "model",
    message: "double precision leaves open which terms depend on others",
    hint: expect.stringContaining('`solver: "extended"`'),
  });
  const options = { formula: "y ~ epoch + gap", solver: "extended" } as const;
  const { model } = await fitSqlResult(await answer("duckdb", "t", options));
  const { model: expected } = await fitCsv(engines.csv("t"), { ...options, folds: 1 });
  // Both are exact but for what solving loses.
  for (const [j, one] of model.coefficients.entries())
    expect(Math.abs(one / expected.coefficients[j]! - 1)).toBeLessThan(1e-12);
});

it("rows that a query draws at random: refused", async () => {
  const { sql } = await printSql("duckdb", undefined, {
    formula: "y ~ x",
    sql: "SELECT y, random() AS x FROM t",
  });
  const to = join(engines.folder, "random.csv");
  await inFile(sql, to);
  await expect(fitSqlResult(to)).rejects.toThrow("the rows changed while the query ran");
});
