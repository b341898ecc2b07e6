import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { keyExpression } from "../../../src/sources/paths.js";
import { fitCsv } from "../../../src/training/fit-csv.js";
import { goml } from "../../cli/goml.js";
import { inDuckdb, manyKinds } from "../duckdb.js";
import { type HttpServer, startHttp } from "./http-server.js";
import { s3Answers, signatureOf } from "./s3-server.js";

const ACCOUNT = { id: "AKIDEXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG+bPxRfi", region: "eu-south-7" };
const folder = mkdtempSync(join(tmpdir(), "goml-s3-"));
const at = (name: string) => join(folder, name);
const before = { ...process.env };
let server: HttpServer;
const objects = new Map<string, Uint8Array>();

beforeAll(async () => {
  server = await startHttp();
  await inDuckdb(
    manyKinds(6000),
    `COPY t TO '${at("t.csv")}'`,
    ...[0, 1, 2, 3, 4].map(
      (k) =>
        `COPY (SELECT * FROM t WHERE i % 5 = ${k} ORDER BY i) TO '${at(`${k}.parquet`)}' (FORMAT parquet)`,
    ),
  );
  objects.set("data/t.csv", readFileSync(at("t.csv")));
  objects.set("data/odd name's (1)+é&=%/t*.csv.gz", gzipSync(readFileSync(at("t.csv"))));
  for (const k of [0, 1, 2, 3, 4])
    objects.set(`data/sales/part=${k}/x y.parquet`, readFileSync(at(`${k}.parquet`)));
  objects.set("data/sales/readme.txt", Buffer.from("no"));
});
beforeEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith("AWS_")) delete process.env[name];
  process.env.AWS_ENDPOINT_URL = server.url;
  process.env.AWS_CONFIG_FILE = at("config");
  process.env.AWS_SHARED_CREDENTIALS_FILE = at("credentials");
  process.env.AWS_ACCESS_KEY_ID = ACCOUNT.id;
  process.env.AWS_SECRET_ACCESS_KEY = ACCOUNT.secret;
  process.env.AWS_REGION = ACCOUNT.region;
  server.answer(s3Answers(ACCOUNT, objects));
});
afterAll(() => {
  server.stop();
  for (const name of Object.keys(process.env)) if (name.startsWith("AWS_")) delete process.env[name];
  Object.assign(process.env, before);
  rmSync(folder, { recursive: true, force: true });
});
const OPTIONS = { formula: "y ~ i + price + color" };

describe("S3", () => {
  it("the test's server computes the signature of AWS's documentation", () => {
    // "Example: GET Object", Signature Calculations for the Authorization Header, Amazon S3 API Reference.
    const headers = {
      host: "examplebucket.s3.amazonaws.com",
      range: "bytes=0-9",
      "x-amz-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "x-amz-date": "20130524T000000Z",
    };
    const signature = signatureOf(
      { method: "GET", url: "/test.txt", headers },
      "host;range;x-amz-content-sha256;x-amz-date",
      "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
      "20130524/us-east-1/s3/aws4_request",
    );
    expect(signature).toBe("f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
  });

  it.each(["t.csv", "odd name's (1)+é&=%/t*.csv.gz"])(
    "reads an object, its requests signed: %s",
    async (key) => {
      const expected = await fitCsv(at("t.csv"), OPTIONS);
      // A pattern finds it too, where it has what patterns are made of.
      const { model } = await fitCsv(`s3://data/${key}`, OPTIONS);
      expect(model.summary()).toEqual(expected.model.summary());
      expect(server.requests.every(({ headers }) => headers.authorization?.startsWith("AWS4-HMAC"))).toBe(
        true,
      );
    },
  );

  it("reads the objects that a pattern finds, over pages of the list; folders are columns", async () => {
    const files = [0, 1, 2, 3, 4].map((k) => {
      mkdirSync(at(`sales/part=${k}`), { recursive: true });
      writeFileSync(at(`sales/part=${k}/x y.parquet`), readFileSync(at(`${k}.parquet`)));
      return at(`sales/part=${k}/x y.parquet`);
    });
    const formula = { formula: "y ~ i + price + factor(part)" };
    const expected = await fitCsv(files, formula);
    for (const pattern of ["sales/**/*.parquet", "sales/part=[0-4]/x*", "sales/part=?/*"]) {
      const { model } = await fitCsv(`s3://data/${pattern}`, formula);
      expect(model.summary()).toEqual(expected.model.summary());
    }
    objects.set("data/plus/a+b <&> é.csv", objects.get("data/t.csv")!);
    for (const plainLists of [false, true]) {
      server.answer(s3Answers({ ...ACCOUNT, plainLists }, objects));
      expect((await fitCsv("s3://data/plus/*.csv", OPTIONS)).model.n).toBeGreaterThan(0);
    }
    await expect(fitCsv("s3://data/sales/*.parquet", formula)).rejects.toThrow(
      "s3://data/sales/*.parquet: no object matches the pattern",
    );
    expect(keyExpression("a/**/b*.csv").test("a/b1.csv")).toBe(true);
    expect(keyExpression("a/**/b*.csv").test("a/x/y/b.csv")).toBe(true);
    expect(keyExpression("a/*.csv").test("a/x/b.csv")).toBe(false);
  });

  it("finds credentials and region in files, and the region by the server's word", async () => {
    delete process.env.AWS_ACCESS_KEY_ID;
    delete process.env.AWS_REGION;
    process.env.AWS_PROFILE = "work";
    writeFileSync(
      at("credentials"),
      `[default]\naws_access_key_id = other\n\n[work]\naws_access_key_id=${ACCOUNT.id}\naws_secret_access_key = ${ACCOUNT.secret}\n`,
    );
    // Asked as us-east-1, it answers that the bucket lies elsewhere.
    expect((await fitCsv("s3://data/t.csv", OPTIONS)).model.n).toBeGreaterThan(0);
    writeFileSync(
      at("config"),
      `[profile work]\nregion = ${ACCOUNT.region}\n[default]\nregion = us-west-1\n`,
    );
    server.requests.length = 0;
    expect((await fitCsv("s3://data/t.csv", OPTIONS)).model.n).toBeGreaterThan(0);
    expect(server.requests[0]!.headers.authorization).toContain(`/${ACCOUNT.region}/s3/`);
    writeFileSync(at("credentials"), "[work]\nrole_arn = arn:aws:iam::1:role/x\n");
    await expect(fitCsv("s3://data/t.csv", OPTIONS)).rejects.toMatchObject({
      message:
        "s3://data/t.csv: the profile work has its credentials by role_arn, which goml does not follow",
    });
    rmSync(at("credentials"));
    rmSync(at("config"));
  });

  it("sends and signs the token of a session", async () => {
    process.env.AWS_SESSION_TOKEN = "of//this+session==";
    server.requests.length = 0;
    expect((await fitCsv("s3://data/t.csv", OPTIONS)).model.n).toBeGreaterThan(0);
    delete process.env.AWS_SESSION_TOKEN;
    for (const { headers } of server.requests) {
      expect(headers["x-amz-security-token"]).toBe("of//this+session==");
      expect(headers.authorization).toMatch(/SignedHeaders=[^,]*x-amz-security-token/);
    }
    expect(server.requests.length).toBeGreaterThan(0);
  });

  it("says what S3 says, in one line, and no secret", async () => {
    const refused = (path: string) => fitCsv(path, OPTIONS).catch((error: unknown) => error);
    expect(await refused("s3://data/absent.csv")).toMatchObject({
      kind: "data",
      message: "s3://data/absent.csv: NoSuchKey: The specified key does not exist.",
    });
    process.env.AWS_SECRET_ACCESS_KEY = "another";
    expect(await refused("s3://data/t.csv")).toMatchObject({
      message: "s3://data/t.csv: SignatureDoesNotMatch: The signature does not match",
      hint: "check AWS_SECRET_ACCESS_KEY, or ~/.aws/credentials and AWS_PROFILE",
    });
    delete process.env.AWS_ACCESS_KEY_ID;
    expect(await refused("s3://data/t.csv")).toMatchObject({
      message: "s3://data/t.csv: AccessDenied: Access Denied",
    });
    process.env.AWS_WEB_IDENTITY_TOKEN_FILE = "/var/run/token";
    expect(await refused("s3://data/t.csv")).toMatchObject({
      message: "s3://data/t.csv: AccessDenied: Access Denied",
      hint: expect.stringContaining(
        "goml does not follow the credentials that AWS_WEB_IDENTITY_TOKEN_FILE stands for",
      ),
    });
    delete process.env.AWS_WEB_IDENTITY_TOKEN_FILE;
    expect(await refused("s3://data")).toMatchObject({ hint: "it should be s3://bucket/key" });
    expect(await refused("s3://me:hunter2@data/t.csv")).toMatchObject({
      message: "s3://data/t.csv: the address cannot be read",
    });
    expect(await refused("ftp://me:hunter2@host/t.csv")).toMatchObject({
      message: "ftp://me@host/t.csv: goml reads no addresses of this kind",
    });
    process.env.AWS_ACCESS_KEY_ID = ACCOUNT.id;
    process.env.AWS_SECRET_ACCESS_KEY = ACCOUNT.secret;
    const run = await goml(folder, [
      "train",
      "s3://data/t.csv",
      "-t",
      "y",
      "-f",
      "i,price",
      "--json",
      "-m",
      "m.json",
    ]);
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(run.stdout + readFileSync(at("m.json"), "utf8")).not.toMatch(/wJalr|AKID/);
    expect(JSON.parse(run.stdout).data.path).toBe("s3://data/t.csv");
  });
});
