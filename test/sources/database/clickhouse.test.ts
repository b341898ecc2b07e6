import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer } from "node:tls";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { withoutExceptions } from "../../../src/sources/database/clickhouse-exception.js";
import { fitCsv } from "../../../src/training/fit-csv.js";
import type { FitCsvOptions } from "../../../src/training/fit-options.js";
import { goml } from "../../cli/goml.js";
import { type ClickhouseServer, hasClickhouse, startClickhouse } from "../clickhouse-server.js";
import { expectSamePredictions } from "./same-as-csv.js";

const ROWS = 30_000;
const PASSWORD = "gehe:im@";
const folder = mkdtempSync(join(tmpdir(), "goml-clickhouse-"));
const csv = join(folder, "t.csv");
let server: ClickhouseServer;
const before = { ...process.env };

describe.skipIf(!hasClickhouse)(
  "ClickHouse (skipped where Debian's clickhouse-server is not installed)",
  () => {
    beforeAll(async () => {
      server = await startClickhouse(PASSWORD);
      process.env.CLICKHOUSE_PASSWORD = PASSWORD;
      await server.ask(`CREATE TABLE t ENGINE = MergeTree ORDER BY i AS SELECT
      toInt32(number) AS i, toUInt8(number % 7) AS tiny, 1.7e9 + (number * 7919 % 86400) * 0.25 AS epoch,
      if(number % 11 = 3, NULL, intHash32(number) / 4294967296) AS gap,
      if(number % 13 = 5, nan, intHash32(number + 1) / 4294967296 * number) AS hole,
      toDecimal64(intHash32(number + 2) % 10000, 2) / 100 AS price,
      ['red', 'green', 'b,l"ue', 'Grün'][1 + (number * 7) % 4] AS color,
      if(number % 17 = 0, NULL, concat('g', toString(number % 5))) AS group,
      toUInt8(7) AS same, toDate('2024-01-01') + number % 700 AS day,
      toDateTime(1704060000 + number * 977) AS moment, toUInt64(number * 274177) AS large,
      CAST(['sad', 'ok', 'happy'][1 + number % 3] AS Enum8('sad' = 1, 'ok' = 2, 'happy' = 3)) AS mood,
      toFixedString(['a', 'bc'][1 + number % 2], 4) AS fixed, [number] AS list,
      toFloat32(number % 3) AS w, 3 + 1e-5 * number + intHash32(number + 3) / 4294967296 AS y
      FROM numbers(${ROWS})`);
      const columns =
        "i, tiny, epoch, gap, hole, price, color, group, same, day, concat(toString(moment, 'UTC'), 'Z') AS moment, large, mood, toStringCutToZero(fixed) AS fixed, w, y";
      writeFileSync(csv, await server.ask(`SELECT ${columns} FROM t ORDER BY i FORMAT CSVWithNames`));
    }, 60_000);
    afterAll(async () => {
      process.env.CLICKHOUSE_PASSWORD = before.CLICKHOUSE_PASSWORD;
      if (before.CLICKHOUSE_PASSWORD === undefined) delete process.env.CLICKHOUSE_PASSWORD;
      await server?.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    const MODELS: Record<string, FitCsvOptions> = {
      numbers: { target: "y", features: ["i", "tiny", "epoch", "price", "same", "large"] },
      "missing values and factors": {
        target: "y",
        features: ["i", "gap", "hole", "color", "group", "mood", "fixed"],
      },
      "dates, a condition and weights": {
        formula: "y ~ i + as.Date(day) + weekdays(moment) + hour(moment)",
        where: 'color != "red"',
        weights: "w",
      },
      "held-out rows and robust errors, which read twice": {
        target: "y",
        features: ["i", "tiny"],
        testSize: 0.2,
        vcov: "hc1",
      },
    };
    // The same text goes through the same scanner: the same bits.
    for (const [name, options] of Object.entries(MODELS))
      it(`the model of a table is that of the CSV of its rows: ${name}`, async () => {
        const expected = await fitCsv(csv, { ...options, naValues: ["\\N"] });
        const found = await fitCsv(server.url, { ...options, sql: "SELECT * FROM t ORDER BY i" });
        expect(found.model.summary()).toEqual(expected.model.summary());
        expect(found.cv).toEqual(expected.cv);
        expect(found.test).toEqual(expected.test);
        expect([found.rows, found.dropped, found.excluded]).toEqual([
          expected.rows,
          expected.dropped,
          expected.excluded,
        ]);
      });

    it("reads types that wrap others, and those of more digits than a double, as CSV of them", async () => {
      const sql = `SELECT
        if(number % 5 = 0, NULL, number / 8) AS nullable,
        CAST(concat('l', toString(number % 3)) AS LowCardinality(String)) AS low,
        CAST(if(number % 7 = 0, NULL, concat('n', toString(number % 2))) AS LowCardinality(Nullable(String))) AS lown,
        toDecimal32(number % 89, 3) / 8 AS dec32, toDecimal128(number * 7, 20) AS dec128,
        toInt64(9007199254740993) + 1024 * (number % 31) AS big, toUInt64(9223372036854775808) + 4096 * (number % 13) AS ubig,
        CAST(['low', 'it''s', 'high'][1 + number % 3] AS Enum16('low' = -1, 'it''s' = 300, 'high' = 301)) AS mood,
        toUUID(concat('61f0c404-5cb3-11e7-907b-a6006ad3db', toString(10 + number % 2))) AS id,
        number % 11 + number / 1000 AS y FROM numbers(2000)`;
      const setting = "allow_experimental_low_cardinality_type=1";
      const text = await server.ask(`${sql} FORMAT CSVWithNames`, setting);
      // What the server calls its types, which is what they are told by.
      expect(await server.ask(`DESCRIBE (${sql})`, setting)).toMatch(
        /Nullable\(Float64\).*LowCardinality\(String\).*LowCardinality\(Nullable\(String\)\).*Decimal\(.*Int64.*UInt64.*Enum16/s,
      );
      const wide = join(folder, "types.csv");
      writeFileSync(wide, text);
      const options = {
        target: "y",
        features: ["nullable", "low", "lown", "dec32", "dec128", "big", "ubig", "mood", "id"],
      };
      const found = await fitCsv(`${server.url}?${setting}`, { ...options, sql });
      const expected = await fitCsv(wide, { ...options, naValues: ["\\N"] });
      expect(found.model.summary()).toEqual(expected.model.summary());
      expect(found.model.levels).toEqual(expected.model.levels);
      expect(found.dropped).toBe(expected.dropped);
      expect(found.model.levels.mood).toEqual(["high", "it's", "low"]);
    });

    it("is read over TLS where the certificate is known, and refused in one line where it is not", async () => {
      const [key, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
      spawnSync("openssl", [
        ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"],
        ...[
          "-keyout",
          key,
          "-out",
          certificate,
          "-subj",
          "/CN=goml",
          "-addext",
          "subjectAltName=IP:127.0.0.1",
        ],
      ]);
      const inner = new URL(server.url.replace("clickhouse:", "http:"));
      const proxy = createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (outer) => {
        const plain = connect(Number(inner.port), inner.hostname);
        outer.pipe(plain).pipe(outer);
        for (const socket of [outer, plain]) socket.on("error", () => {});
      }).listen(0, "127.0.0.1");
      try {
        await new Promise((resolve) => proxy.once("listening", resolve));
        const { port } = proxy.address() as { port: number };
        const train = (url: string, env: Record<string, string>) =>
          goml(
            folder,
            ["train", url, "--table", "t", "-t", "y", "-f", "i,tiny", "--json", "-m", "tls.json"],
            "",
            env,
          );
        const known = { NODE_EXTRA_CA_CERTS: certificate };
        const plain = JSON.parse((await train(server.url, {})).stdout);
        for (const url of [
          `clickhouses://127.0.0.1:${port}/default`,
          `clickhouse://127.0.0.1:${port}/default?secure=true`,
        ]) {
          const { code, stdout, stderr } = await train(url, known);
          expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringContaining("goml:") });
          expect(JSON.parse(stdout).coefficients).toEqual(plain.coefficients);
        }
        const { code, stderr } = await train(`clickhouses://127.0.0.1:${port}/default`, {});
        expect(code).toBe(3);
        expect(stderr).toMatch(/^goml: clickhouses:.+certificate.+\nhint: .*NODE_EXTRA_CA_CERTS.+\n$/);
      } finally {
        proxy.close();
      }
    });

    it("gives the same bits whatever the threads, and says what it leaves out", async () => {
      const options = { table: "t", formula: "y ~ i + tiny + color" };
      const documents = [];
      for (const threads of [1, 2]) {
        const { model, notes } = await fitCsv(server.url, { ...options, threads });
        documents.push(JSON.stringify(model));
        expect(notes).toEqual(["left out: list, it is of type Array(UInt64)"]);
      }
      expect(documents[1]).toBe(documents[0]);
    });

    it("refuses an error that comes in the middle of an answer, and makes no model", async () => {
      // The rows before it have been sent, with status 200.
      const sql = "SELECT number AS x, number % 7 + throwIf(number = 3000000) AS y FROM numbers(10000000)";
      await expect(fitCsv(`${server.url}?max_block_size=1000`, { sql, target: "y" })).rejects.toMatchObject({
        kind: "data",
        message: expect.stringContaining("Value passed to 'throwIf' function is non zero"),
      });
      const { code, stderr, left } = await goml(folder, [
        ...["train", `${server.url}?max_block_size=1000`, "--sql", sql, "-t", "y", "-m", "never.json"],
      ]);
      expect(code).toBe(3);
      expect(stderr).toMatch(/^goml: .+\nhint: .+\n$/);
      expect(left).not.toContain("never.json");
      // Texts that look like one are texts.
      const text =
        "SELECT number % 7 AS y, concat('Code: 1, e.displayText() = DB::Exception: ', toString(number % 2)) AS x FROM numbers(100)";
      expect((await fitCsv(server.url, { sql: text, target: "y" })).model.n).toBe(100);
    });

    it("is refused in one line for what is not there, or no number", async () => {
      await expect(fitCsv(server.url, { sql: "SELECT absent FROM t" })).rejects.toThrow("absent");
      await expect(fitCsv(server.url, { table: "absent" })).rejects.toThrow(
        "Table default.absent doesn't exist",
      );
      await expect(
        fitCsv(server.url, { sql: "SELECT 1 / number AS x, number AS y FROM numbers(9)", target: "y" }),
      ).rejects.toThrow('expected a number, found "inf"');
      await expect(fitCsv(server.url.replace("/default", "/none"), { table: "t" })).rejects.toThrow("none");
      await expect(fitCsv("clickhouse://127.0.0.1:1/none", {})).rejects.toMatchObject({
        message: "clickhouse://127.0.0.1:1/none: the server takes no connections",
      });
      await server.ask("CREATE TABLE u (x UInt8) ENGINE = Memory");
      await expect(fitCsv(server.url, {})).rejects.toMatchObject({
        hint: "they are t, u; or give a query with `sql`",
      });
      await expect(fitCsv(server.url, { sql: "INSERT INTO u VALUES (1)" })).rejects.toMatchObject({
        kind: "data",
      });
      await expect(fitCsv(server.url, { table: "u", target: "x" })).rejects.toMatchObject({ kind: "data" });
    });

    it("asks for a password where there is none, and never says one", async () => {
      delete process.env.CLICKHOUSE_PASSWORD;
      const options = { table: "t", target: "y", features: ["i"] };
      await expect(fitCsv(server.url, options)).rejects.toMatchObject({
        hint: "give user and password as CLICKHOUSE_USER and CLICKHOUSE_PASSWORD",
      });
      const wrong = fitCsv(server.url.replace("//", "//default:not%20this@"), options);
      await expect(wrong).rejects.not.toThrow("not%20this");
      const url = new URL(server.url);
      url.username = "default";
      url.password = PASSWORD;
      expect(JSON.stringify((await fitCsv(url.href, options)).model)).not.toContain("gehe");
      process.env.CLICKHOUSE_PASSWORD = PASSWORD;
    });

    it("is named on the command line by --table or --sql, predicted, and ended at once", async () => {
      await expectSamePredictions(folder, server.url);
      expect(readFileSync(join(folder, "csv.out"), "utf8").split("\n").length).toBe(ROWS + 2);
      const stop = new AbortController();
      const waiting = fitCsv(`${server.url}?max_block_size=1`, {
        sql: "SELECT number AS y, sleep(1) AS x FROM numbers(1000)",
        target: "y",
        signal: stop.signal,
      });
      setTimeout(() => stop.abort(), 300);
      await expect(waiting).rejects.toMatchObject({ name: "InterruptedError" });
    });
  },
);

describe("an answer of ClickHouse", () => {
  const said = "Code: 395. DB::Exception: no more (version 24.8.1)\n";
  const read = async (pieces: readonly Buffer[]): Promise<string> => {
    const out: Uint8Array[] = [];
    const bytes = (async function* () {
      yield* pieces;
    })();
    for await (const piece of withoutExceptions(bytes, (text) => new Error(`refused: ${text}`)))
      out.push(piece);
    return Buffer.concat(out).toString();
  };
  const cut = (text: string, cuts: readonly number[]) => {
    const bytes = Buffer.from(text);
    const at = [0, ...[...cuts].map((one) => one % bytes.length).sort((a, b) => a - b), bytes.length];
    return at.slice(1).map((to, i) => bytes.subarray(at[i], to));
  };

  it("is what it was, or refused for the exception behind it, wherever it is cut", async () => {
    const cell = fc.constantFrom('"a ""quoted"" text"', "1.5", '"Code: 1. DB::Exception: a text"', '"é\n,"');
    await fc.assert(
      fc.asyncProperty(
        fc.array(cell, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 12_000 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        async (cells, times, cuts) => {
          const text = `${cells.join(",")}\n`.repeat(times);
          expect(await read(cut(text, cuts))).toBe(text);
          // Behind a whole row, and within one.
          for (const broken of [text + said, `${text}12${said}`])
            await expect(read(cut(broken, cuts))).rejects.toThrow(
              "refused: Code: 395. DB::Exception: no more",
            );
        },
      ),
      { numRuns: 60 },
    );
  });
});
