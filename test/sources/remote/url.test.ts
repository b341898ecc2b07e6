import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fitCsv } from "../../../src/training/fit-csv.js";
import type { FitCsvOptions } from "../../../src/training/fit-options.js";
import { goml } from "../../cli/goml.js";
import { inDuckdb, manyKinds } from "../duckdb.js";
import { fileAnswers, type HttpServer, startHttp } from "./http-server.js";

const folder = mkdtempSync(join(tmpdir(), "goml-url-"));
const at = (name: string) => join(folder, name);
let server: HttpServer;
beforeAll(async () => {
  server = await startHttp();
  await inDuckdb(
    manyKinds(30_000),
    `COPY t TO '${at("t.csv")}'`,
    `COPY t TO '${at("t.parquet")}' (FORMAT parquet, ROW_GROUP_SIZE 4096)`,
    `COPY (SELECT i, color, y FROM t) TO '${at("t.jsonl")}' (FORMAT json)`,
  );
  writeFileSync(at("t.csv.gz"), gzipSync(readFileSync(at("t.csv"))));
});
afterAll(() => {
  server.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Serves the folder, every third connection cut. */
const serve = (manners: Parameters<typeof fileAnswers>[1] = {}) =>
  server.answer((request, response, number) => {
    const file = join(folder, new URL(request.url!, server.url).pathname.split("/").at(-1)!);
    if (!existsSync(file)) response.writeHead(404).end();
    else fileAnswers(readFileSync(file), manners)(request, response, number);
  });
const CUT = { cut: (number: number) => (number % 3 === 1 ? 70_000 : undefined) };

const OPTIONS: FitCsvOptions = { target: "y", features: ["i", "gap", "price", "color"] };

describe("data at a URL", () => {
  it.each([
    ["t.csv", OPTIONS],
    ["t.csv.gz", OPTIONS],
    ["t.parquet", OPTIONS],
    ["t.jsonl", { target: "y", features: ["i", "color"] }],
    // These read twice.
    ["t.csv", { ...OPTIONS, testSize: 0.2, vcov: "hc1" }],
    ["t.csv.gz", { ...OPTIONS, vcov: "hc1" }],
    ["t.parquet", { ...OPTIONS, testSize: 0.2, vcov: "hc1" }],
    ["t.parquet", { formula: "y ~ price + weekdays(day)", where: "i > 10000", weights: "w" }],
  ] as [string, FitCsvOptions][])(
    "is the file that it would be here, bit for bit: %s, %j",
    async (name, options) => {
      const expected = await fitCsv(at(name), options);
      for (const manners of [CUT, { ranges: false }]) {
        serve(manners);
        const found = await fitCsv(`${server.url}/${name}`, options);
        expect(found.model.summary()).toEqual(expected.model.summary());
        expect(found.cv).toEqual(expected.cv);
        expect(found.test).toEqual(expected.test);
        // Twice read is not twice fetched.
        const whole = server.requests.filter(({ headers }) => /^(bytes=0-)?$/.test(headers.range ?? ""));
        expect(whole.length).toBe(1);
      }
    },
  );

  it("of Parquet only the footer, and the pages that are needed, are fetched; folders are columns", async () => {
    // Columns that nobody asks for are most of the file.
    await inDuckdb(
      `CREATE TABLE t AS SELECT i::INTEGER AS i, random() AS y, repeat(md5(i::VARCHAR), 20) AS waste FROM range(40000) r(i)`,
      `COPY t TO '${at("wide.parquet")}' (FORMAT parquet, ROW_GROUP_SIZE 4096)`,
    );
    let sent = 0;
    server.answer((request, response, number) => {
      fileAnswers(readFileSync(at("wide.parquet")))(request, response, number);
      const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
      if (to !== undefined) sent += Number(to) - Number(from) + 1;
    });
    const url = `${server.url}/year=2024/wide.parquet`;
    const { model, rows } = await fitCsv(url, { target: "y", features: ["i"], where: "i >= 38000" });
    expect([model.n, rows]).toEqual([2000, 40_000]);
    expect(sent).toBeLessThan(readFileSync(at("wide.parquet")).length / 3);
    const { model: whole } = await fitCsv(at("wide.parquet"), {
      target: "y",
      features: ["i"],
      where: "i >= 38000",
    });
    expect(model.summary()).toEqual(whole.summary());
    // Folders there are columns as folders here are.
    const { model: named } = await fitCsv([url, url.replace("2024", "2025")], { formula: "y ~ i + year" });
    expect(named.terms).toEqual(["i", "year"]);
  });

  it("predicts, evaluates and adds up as files do, and no output has the password", async () => {
    serve();
    const secret = server.url.replace("//", "//me:hunter%202@");
    server.requests.length = 0;
    const outputs: string[] = [];
    const run = async (...args: string[]) => {
      const { code, stdout, stderr } = await goml(folder, args);
      outputs.push(stdout, stderr);
      return { code, stdout };
    };
    const formula = ["--formula", "y ~ i + color"];
    expect((await run("train", `${secret}/t.csv?sig=hunter2`, ...formula, "-m", "m.json")).code).toBe(0);
    const user = Buffer.from("me:hunter 2").toString("base64");
    expect(server.requests[0]!.headers.authorization).toBe(`Basic ${user}`);
    expect((await run("train", `${secret}/t.csv`, ...formula, "--json", "-m", "n.json")).code).toBe(0);
    await run("predict", `${secret}/t.parquet`, "-m", "m.json", "-o", "remote.out");
    await run("predict", "t.parquet", "-m", "m.json", "-o", "local.out");
    expect(readFileSync(at("remote.out"), "utf8")).toBe(readFileSync(at("local.out"), "utf8"));
    const here = await run("evaluate", "t.csv", "-m", "m.json");
    expect(await run("evaluate", `${secret}/t.csv`, "-m", "m.json")).toEqual(here);
    // The model knows its rows by their content, from wherever they come.
    expect((await run("update", "m.json", `${secret}/t.csv`, "-m", "u.json")).code).not.toBe(0);
    expect((await run("update", "m.json", "t.csv", "-m", "u.json")).code).not.toBe(0);
    expect((await run("train", `${secret}/absent.csv`, ...formula)).code).not.toBe(0);
    outputs.push(readFileSync(at("m.json"), "utf8"), readFileSync(at("n.json"), "utf8"));
    for (const output of outputs) expect(output).not.toMatch(/hunter/);
  });

  it("of several URLs and files makes one table", async () => {
    serve();
    const both = await fitCsv([`${server.url}/t.csv`, at("t.csv")], OPTIONS);
    const expected = await fitCsv([at("t.csv"), at("t.csv")], OPTIONS);
    expect(both.model.summary()).toEqual(expected.model.summary());
    const parquet = await fitCsv([at("t.parquet"), `${server.url}/t.parquet`], OPTIONS);
    const here = await fitCsv([at("t.parquet"), at("t.parquet")], OPTIONS);
    expect(parquet.model.summary()).toEqual(here.model.summary());
  });

  it("refuses a web page, an empty file and one that is no address", async () => {
    server.answer((_, response) => {
      response.writeHead(200, { "content-type": "text/html" }).end("<!DOCTYPE html><html>log in</html>");
    });
    await expect(fitCsv(`${server.url}/t.csv`, {})).rejects.toMatchObject({
      message: `${server.url}/t.csv: this is a web page (HTML), such as a login or an error page, expected CSV`,
    });
    server.answer(fileAnswers(new Uint8Array(0)));
    await expect(fitCsv(`${server.url}/t.csv`, {})).rejects.toThrow("the file is empty");
    await expect(fitCsv("https://me:hunter2@", {})).rejects.toMatchObject({
      message: "https://: the address cannot be read",
    });
    // A Parquet file that is cut off there, and one that changes between its footer and its pages.
    const bytes = readFileSync(at("t.parquet"));
    server.answer(fileAnswers(bytes.subarray(0, bytes.length - 1000)));
    await expect(fitCsv(`${server.url}/t.parquet`, OPTIONS)).rejects.toThrow("there is no footer at its end");
    server.answer((request, response, number) =>
      fileAnswers(bytes, { etag: number < 3 ? '"1"' : '"2"' })(request, response, number),
    );
    await expect(fitCsv(`${server.url}/t.parquet`, OPTIONS)).rejects.toThrow(
      "the file changed while it was being read",
    );
  });

  it("says of a proxy which Node takes it, where the host is not found without", async () => {
    const { code, stderr } = await goml(folder, ["train", "http://data.invalid/t.csv", "-t", "y"], "", {
      HTTP_PROXY: "http://127.0.0.1:1",
    });
    expect({ code, stderr }).toEqual({
      code: 3,
      stderr: expect.stringContaining(
        "hint: a proxy is set, which Node 24 and later take with NODE_USE_ENV_PROXY=1;",
      ),
    });
  });

  it("is read over TLS where the certificate is known, and not else", async () => {
    const [key, cert] = [at("key.pem"), at("cert.pem")];
    execFileSync(
      "openssl",
      [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=DNS:localhost",
        "-keyout",
        key,
        "-out",
        cert,
      ],
      { stdio: "pipe" },
    );
    const bytes = readFileSync(at("t.csv"));
    const answer = fileAnswers(bytes);
    const tls = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) =>
      answer(request, response, 1),
    );
    await new Promise<void>((resolve) => tls.listen(0, "127.0.0.1", resolve));
    try {
      const url = `https://localhost:${(tls.address() as { port: number }).port}/t.csv`;
      await expect(fitCsv(url, {})).rejects.toMatchObject({
        message: `${url}: the server's certificate is signed by itself`,
        hint: "name it to Node: NODE_EXTRA_CA_CERTS=certificate.pem",
      });
      const { code, stderr } = await goml(folder, ["train", url, "-t", "y", "-q", "-m", "tls.json"], "", {
        NODE_EXTRA_CA_CERTS: cert,
      });
      expect({ code, stderr }).toMatchObject({ code: 0 });
    } finally {
      tls.closeAllConnections();
      tls.close();
    }
  });
});
