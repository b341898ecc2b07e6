import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasPostgres, type PostgresServer, startPostgres } from "../sources/postgres-server.js";
import { fileAnswers, startHttp } from "../sources/remote/http-server.js";
import { Clone, type Served } from "./page.js";
import { makeSales } from "./sales.js";
import { type Row, tableOf } from "./table.js";

const rows = tableOf("README.md", "you want", "you write");

/** What shows that a row's command did what is wanted: a part of what it prints, or of the file that it writes. */
const SHOWN: Record<string, RegExp | [file: string, holds: RegExp]> = {
  "a fit, its summary": ["model.json", /"target":"medv"/],
  "another target": /^lstat +-0\.6424 /m,
  "a formula with factors": /^education:gendermale /m,
  // R: summary(manova(cbind(medv, lstat) ~ rm + age + crim))
  "several targets": /^crim +1 +0\.109267 +30\.729 +2 +501 /m,
  "several files": /^506 of 506 rows used/m,
  "everything as JSON": /"coefficients": \[/,
  "robust errors": /robust \(HC3\)/,
  "clustered errors": /clustered by occupation, 6 groups/,
  "few clusters": /6 groups \(CR2, Satterthwaite\)/,
  "one model per group": ["groups.json", /"female"/],
  "fixed effects": /^absorbed: occupation \(6 levels\)/m,
  instruments: /^education +1\.4968 /m,
  "a lasso": /^lasso, λ = 0\.0280053$/m,
  "rows held out": /^Held-out rows: MSE 14\.4876/m,
  Parquet: /^400 of 600 rows used/m,
  "on the web": /^600 of 600 rows used/m,
  PostgreSQL: /^600 of 600 rows used/m,
  "sums up its own rows": /^600 of 600 rows used/m,
  "your own login": ["query.sql", /Spark/],
  "predictions as CSV": ["predicted.csv", /^prediction\n30\.003843377016\d+\n/],
  "where they pay": ["predicted.csv", /^prediction\n30\.003843377016\d+\n/],
  intervals: /^30\.003843377016\d+,20\.6017255\d+,39\.40596119\d+$/m,
  "each term adds": /^prediction,base,crim,zn,/m,
  "one row": /^prediction\n25\.99/m,
  "side by side": /lstat/,
  "a page with plots": ["report.html", /<svg/],
  "a plot, in the terminal": ["qq.svg", /^<svg/],
  "stand out": /^line 370 /m,
  "without the data": /^RMSE 4\.90254/m,
  "fewer terms": ["selected.json", /"target":"medv"/],
  "other terms": ["small.json", /"lstat"/],
  "nested models": /^2 +492 +11078\.8 +11/m,
  "a hypothesis": /^rm = 4 /m,
  "means and differences": /^female − male|^male − female/m,
  "average effects": /^education +0\.7513/m,
  "for a paper": ["table.tex", /\\toprule/],
  "a gate in CI": /RMSE/,
  "against the last model": /RMSE/,
  "on each machine": ["model.1-of-2.json", /"target":"medv"/],
  "of all parts": /^506 of 506 rows used/m,
  "then taken out": /^\d+ rows of day1\.json taken out of/m,
  "SQL, PMML": /FROM "?houses/,
  ONNX: ["model.onnx", /onnx|MatMul/],
  "by an ONNX model": /^prediction\n30\.00384/m,
  "an answer of it": /\{"predictions":\[25\.99\d+\]\}$/,
  "in Python": /^\{"prediction": 25\.99/m,
  "as a page": ["bench.html", /<svg/],
  timed: /^predict 1 row$/m,
  completion: /^complete .* goml$/m,
};

/** Rows of which a part of the left side is a key of SHOWN; of several the longest, "ONNX" being a part of another. */
const keyOf = ({ left }: Row) =>
  Object.keys(SHOWN)
    .filter((part) => left.includes(part))
    .sort((a, b) => b.length - a.length)[0];

const PASSWORD = "word of the test";

describe("what the README says to write works as it stands", () => {
  const clone = new Clone();
  let postgres: PostgresServer | undefined;
  let http: Awaited<ReturnType<typeof startHttp>> | undefined;
  let served: Served | undefined;

  beforeAll(async () => {
    await makeSales(clone);
    const boston = readFileSync("data/boston.csv", "utf8");
    const [header, ...lines] = boston.trimEnd().split("\n");
    const part = (from: number, to: number) => `${[header, ...lines.slice(from, to)].join("\n")}\n`;
    clone.write("day1.csv", part(0, 300));
    clone.write("day2.csv", part(300, 506));
    for (const name of ["new.csv", "test.csv"]) clone.write(name, boston);
    clone.write("features.csv", boston.replace(/,[^,\n]*$/gm, ""));
    const models = [
      "goml train data/boston.csv -q",
      "goml refit model.json --features rm,lstat -q -m small.json",
      "goml refit model.json -q -m new.json",
      "goml train day1.csv -q -m day1.json",
      "goml train data/cps-wages.csv --formula 'wage ~ education + gender' -q -m wages.json",
      // What is added to the model of all parts must not be in it already.
      "goml train data/boston.csv --shard 2/2 -q",
    ];
    for (const line of models)
      expect([line, await clone.run(line)]).toEqual([line, { code: 0, printed: "" }]);
    await clone.run("cp model.json kept.json");
    if (hasPostgres) {
      postgres = await startPostgres(PASSWORD);
      postgres.psql("CREATE TABLE orders (id int, year int, price float8, region text, amount float8)");
      postgres.psql(
        `COPY orders FROM STDIN CSV HEADER;\n${readFileSync(join(clone.folder, "sales.csv"), "utf8")}\\.\n`,
      );
    }
    http = await startHttp();
    http.answer(fileAnswers(gzipSync(readFileSync(join(clone.folder, "sales.csv")))));
  }, 60_000);
  afterAll(() => {
    served?.stop();
    postgres?.stop();
    http?.stop();
    clone.remove();
  });

  test("every row has its proof, and every proof its row", () => {
    const others = rows.filter(({ left }) => left !== "a server");
    expect(others.map((row) => [row.left, keyOf(row) !== undefined])).toEqual(
      others.map(({ left }) => [left, true]),
    );
    expect(new Set(others.map(keyOf))).toEqual(new Set(Object.keys(SHOWN)));
  });

  test.each(rows.map((row) => [`${row.left}: ${row.right}`, row] as const))("%s", async (_, row) => {
    expect(row.codes).toHaveLength(1);
    let line = row.codes[0]!;
    // Other rows' models are called model.json, too.
    await clone.run("cp kept.json model.json");
    if (row.left === "PostgreSQL") {
      if (postgres === undefined) return;
      line = line.replace("postgres://me@db.example/sales", postgres.url);
    }
    if (row.left.includes("bash")) line = `bash -c '${line}; complete -p goml'`;
    line = line.replace("https://example.org", http!.url).replace("http://127.0.0.1:8080", served?.url ?? "");
    if (row.left === "a server") {
      served = await clone.serve(line.replace("8080", "0"));
      return;
    }
    const shown = SHOWN[keyOf(row)!]!;
    if (!(shown instanceof RegExp)) await clone.run(`rm -f ${shown[0]}`);
    const { code, printed } = await clone.run(line, { PGPASSWORD: PASSWORD });
    expect({ code, printed }).toMatchObject({ code: 0 });
    if (shown instanceof RegExp) expect(printed).toMatch(shown);
    else expect(readFileSync(join(clone.folder, shown[0]), "latin1")).toMatch(shown[1]);
  });
});
