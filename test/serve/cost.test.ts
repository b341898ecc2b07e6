import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { fit } from "../../src/index.js";
import { inFolder } from "../cli/goml.js";
import { serve } from "./process.js";
import { binaryBody, infer, manyRows, matrixRequest, send, serving, X } from "./serving.js";

// What a request costs is not told by its bytes: 20 MB of single bytes are 400 MB of JSON numbers. It is refused
// before the work where it would be too much, with what to do instead, and afterwards memory is as it was.

const MIB = 2 ** 20;
const line = fit(Float64Array.of(0, 1, 2, 3), [1 / 3, 1, 2, 3], { terms: ["x"], target: "y" });
const path = "/v2/models/line/infer";
const bytes = (rows: number, binary: boolean) =>
  binaryBody([{ tensor: { name: "x", datatype: "UINT8", shape: [rows] }, bytes: Buffer.alloc(rows, 7) }], {
    parameters: { binary_data_output: binary },
  });
const csvOf = (rows: number) => `x\n${"0.12345678901234567\n".repeat(rows)}`;
const csv = { "content-type": "text/csv" };

describe("an answer that would be too large", () => {
  test("is refused before the work, with batches and binary data as advice", async () => {
    await using server = await serving({ answerLimit: 100_000 }, { line });
    const ask = async (rows: number, binary: boolean) => {
      const { body, headers } = bytes(rows, binary);
      const { status, json, headers: got } = await send(server.url + path, body, headers);
      if (status === 200) return status;
      expect(got["content-type"]).toContain("json");
      return `${status} ${json.error}`;
    };
    expect(await ask(5000, false)).toBe(200);
    expect(await ask(5001, false)).toBe(
      "413 the answer of 5001 rows would take about 100020 bytes, the limit is 100000: ask for binary data with the parameter binary_data_output, or send batches of at most 5000 rows",
    );
    expect(await ask(12_500, true).catch(() => 200)).toBe(200);
    expect(await ask(12_501, true)).toContain("send batches of at most 12500 rows");
    const got = await send(`${server.url}/invocations`, csvOf(6000), csv);
    expect([got.status, got.json.error]).toEqual([
      413,
      expect.stringContaining("batches of at most 5000 rows"),
    ]);
    expect(got.json.error).not.toContain("binary");
  });

  test("counts three times with an interval", async () => {
    await using server = await serving({ answerLimit: 100_000 }, { line });
    const data = Array(2000).fill(1);
    const inputs = [{ name: "x", datatype: "FP64", shape: [2000], data }];
    const ask = (parameters: object) => send(server.url + path, JSON.stringify({ inputs, parameters }));
    expect((await ask({})).status).toBe(200);
    expect((await ask({ interval: "prediction" })).status).toBe(413);
  });
});

test("JSON has a limit of its own, announced or not, plain or compressed", async () => {
  await using server = await serving({ jsonLimit: 50_000 });
  const document = matrixRequest(manyRows(1000).X);
  const body = JSON.stringify(document);
  const refused = await infer(server.url, document);
  expect([refused.status, refused.json.error]).toEqual([
    413,
    expect.stringMatching(
      /bytes of JSON, the limit is 50000: send binary tensors or CSV, or smaller batches/,
    ),
  ]);
  const url = `${server.url}/v2/models/boston/infer`;
  expect((await send(url, body, { "transfer-encoding": "chunked" })).status).toBe(413);
  expect((await send(url, gzipSync(body), { "content-encoding": "gzip" })).status).toBe(413);
  expect((await infer(server.url, matrixRequest(X.subarray(0, 130)))).status).toBe(200);
});

test("a gzip bomb costs no more than the limit", async () => {
  await using server = await serving({ bodyLimit: 1_000_000 });
  const bomb = gzipSync(Buffer.alloc(300 * MIB, 0x20));
  expect(bomb.length).toBeLessThan(1_000_000);
  const got = await send(`${server.url}/v2/models/boston/infer`, bomb, {
    "content-encoding": "gzip",
    "inference-header-content-length": 10,
  });
  expect([got.status, got.json.error]).toEqual([413, expect.stringContaining("the limit is 1000000")]);
  const text = (await send(`${server.url}/metrics`)).body.toString();
  expect(text).toMatch(/^goml_queue_bytes 0$/m);
});

test("many rows in few bytes are answered on a thread, whatever their number of bytes", async () => {
  await using server = await serving({}, { line });
  const threads = async () =>
    Number(/^goml_pool_threads (\d)$/m.exec((await send(`${server.url}/metrics`)).body.toString())![1]);
  const ask = async (rows: number) => {
    const { body, headers } = bytes(rows, false);
    const { json } = await send(server.url + path, body, headers);
    return json.outputs[0].data.length;
  };
  expect(await ask(2000)).toBe(2000);
  expect(await threads()).toBe(0);
  // Fewer bytes than go to a thread as such.
  expect(await ask(100_000)).toBe(100_000);
  expect(await threads()).toBe(1);
});

test("JSON that calls itself a header before binary data goes where JSON of its size goes", async () => {
  await using server = await serving();
  const body = JSON.stringify(matrixRequest(manyRows(2000).X));
  const headers = { "inference-header-content-length": body.length };
  expect((await send(`${server.url}/v2/models/boston/infer`, body, headers)).status).toBe(200);
  const text = (await send(`${server.url}/metrics`)).body.toString();
  expect(text).toMatch(/^goml_pool_threads 1$/m);
});

test("20 MB of bytes, CSV and JSON: memory stays bounded, and comes back to where it was", async () => {
  await inFolder({ "line.json": JSON.stringify(line) }, async (folder) => {
    const { child, url, done } = await serve(folder, "line.json", "--threads", "1");
    const memory = (what: string) =>
      Number(new RegExp(`${what}:\\s+(\\d+)`).exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))![1]) *
      1024;
    const small = bytes(1000, false);
    expect((await send(url + path, small.body, small.headers)).status).toBe(200);
    const before = memory("VmRSS");
    const rows = 20_000_000;
    const json = bytes(rows, false);
    expect((await send(url + path, json.body, json.headers)).status).toBe(413);
    const binary = bytes(rows, true);
    expect((await send(url + path, binary.body, binary.headers)).body.length).toBeGreaterThan(8 * rows);
    expect((await send(`${url}/invocations`, csvOf(1_000_000), csv)).status).toBe(200);
    // The largest that was there at once: an answer of 160 MB, and its body.
    expect(memory("VmHWM")).toBeLessThan(before + 350 * MIB);
    while (memory("VmRSS") > before + 100 * MIB) await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await send(url + path, small.body, small.headers)).status).toBe(200);
    child.kill("SIGTERM");
    expect((await done).code).toBe(0);
  });
});
