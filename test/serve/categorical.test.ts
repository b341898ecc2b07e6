import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSource } from "../../src/csv/open-source.js";
import { fitCsv, type LinearModel, predictCsv } from "../../src/index.js";
import { predictUrl } from "../../src/prediction/predict-url.js";
import { inFolder } from "../cli/goml.js";
import { binaryBody, binaryPredictions, type Serving, send, serving } from "./serving.js";

const states = ["CA", "NY", "TX", "Ñandú"];
const table = Array.from({ length: 60 }, (_, i) => ({
  state: states[i % 4]!,
  size: 10 + ((i * 7) % 23),
  age: (i * 3) % 17,
  price: 100 + 5 * ((i * 7) % 23) + 20 * (i % 4) + ((i * 13) % 5),
}));
const csv = (rows: readonly object[]) =>
  `${Object.keys(table[0]!).join(",")}\n${rows.map((row) => Object.values(row).join(",")).join("\n")}\n`;

let model: LinearModel;
let expected: number[];
let server: Serving;
let lenient: Serving;

beforeAll(async () => {
  await inFolder({ "data.csv": csv(table) }, async (folder) => {
    const path = join(folder, "data.csv");
    ({ model } = await fitCsv(path, { formula: "price ~ state * size + log(age + 1)" }));
    const output = join(folder, "out.csv");
    await predictCsv(model, path, { output });
    expected = readFileSync(output, "utf8").trim().split("\n").slice(1).map(Number);
    writeFileSync(path, "");
  });
  server = await serving({}, { price: model });
  lenient = await serving({ unseen: "na" }, { price: model });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await lenient[Symbol.asyncDispose]();
});

const columns = (rows: typeof table) => [
  { name: "state", datatype: "BYTES", shape: [rows.length, 1], data: rows.map(({ state }) => [state]) },
  { name: "size", datatype: "INT64", shape: [rows.length], data: rows.map(({ size }) => size) },
  { name: "age", datatype: "FP64", shape: [rows.length], data: rows.map(({ age }) => age) },
];
const infer = (rows: typeof table, url = server.url) =>
  send(`${url}/v2/models/price/infer`, JSON.stringify({ inputs: columns(rows) }));

test("the metadata list the raw columns, text as BYTES, and not the design's", async () => {
  const { json } = await send(`${server.url}/v2/models/price`);
  expect(json.inputs).toEqual([
    { name: "state", datatype: "BYTES", shape: [-1, 1] },
    { name: "size", datatype: "FP64", shape: [-1, 1] },
    { name: "age", datatype: "FP64", shape: [-1, 1] },
  ]);
});

test("one named input per column gives what predicting the CSV gives", async () => {
  expect((await infer(table)).json.outputs[0].data).toEqual(expected);
});

test("BYTES and numbers in the binary extension, inline and on a worker", async () => {
  for (const times of [1, 500]) {
    const rows = Array.from({ length: times }, () => table).flat();
    const text = rows.map(({ state }) => {
      const bytes = Buffer.from(state);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(bytes.length);
      return Buffer.concat([length, bytes]);
    });
    const numbers = (values: number[]) => new Uint8Array(Float64Array.from(values).buffer);
    const shape = [rows.length];
    const { body, headers } = binaryBody([
      { tensor: { name: "state", datatype: "BYTES", shape }, bytes: Buffer.concat(text) },
      { tensor: { name: "size", datatype: "FP64", shape }, bytes: numbers(rows.map(({ size }) => size)) },
      { tensor: { name: "age", datatype: "FP64", shape }, bytes: numbers(rows.map(({ age }) => age)) },
    ]);
    const got = await send(`${server.url}/v2/models/price/infer`, body, headers);
    expect([...binaryPredictions(got)]).toEqual(Array.from({ length: times }, () => expected).flat());
  }
});

test("one n × p tensor of BYTES has all columns as texts", async () => {
  const data = table.map(({ state, size, age }) => [state, `${size}`, `${age}`]);
  const inputs = [{ name: "input", datatype: "BYTES", shape: [table.length, 3], data }];
  const got = await send(`${server.url}/v2/models/price/infer`, JSON.stringify({ inputs }));
  expect(got.json.outputs[0].data).toEqual(expected);
  const numbers = [{ name: "input", datatype: "FP64", shape: [1, 3], data: [1, 2, 3] }];
  const refused = await send(`${server.url}/v2/models/price/infer`, JSON.stringify({ inputs: numbers }));
  expect([refused.status, refused.json.error]).toEqual([400, expect.stringContaining('"state" is text')]);
});

test("MLflow's dialects know texts too, and missing cells", async () => {
  const invoke = (body: string, type: string) =>
    send(`${server.url}/invocations`, body, { "content-type": type });
  const records = await invoke(JSON.stringify({ dataframe_records: table }), "application/json");
  expect(records.json.predictions).toEqual(expected);
  expect((await invoke(csv(table), "text/csv; charset=utf-8")).json.predictions).toEqual(expected);
  const missing = [{ ...table[0], state: null }, table[1]];
  const got = await invoke(JSON.stringify({ dataframe_records: missing }), "application/json");
  expect(got.json.predictions).toEqual([null, expected[1]]);
});

test("predicting a CSV by URL sends texts too: the same bytes, NA for missing cells, a level unseen named", async () => {
  const rows = [...table, { ...table[0]!, state: "NA" }, { ...table[1]!, state: "" }];
  await inFolder(
    { "data.csv": csv(rows), "odd.csv": csv([...table, { ...table[0]!, state: "ZZ" }]) },
    async (folder) => {
      const [data, there, here] = ["data.csv", "there.csv", "here.csv"].map((name) => join(folder, name));
      const source = await openSource(data!);
      const url = `${server.url}/v2/models/price`;
      const result = await predictUrl(url, source, { output: there!, append: true, batchBytes: 300 });
      await source.close();
      expect(result).toMatchObject({ rows: 62, missing: 2, retries: 0 });
      expect(result.batches).toBeGreaterThan(1);
      await predictCsv(model, data!, { output: here!, append: true });
      expect(readFileSync(there!, "utf8")).toBe(readFileSync(here!, "utf8"));
      const odd = await openSource(join(folder, "odd.csv"));
      await expect(predictUrl(url, odd, { output: there! })).rejects.toThrow(
        /rows 0 to 60 .*row 60: state "ZZ" was not/,
      );
      await odd.close();
    },
  );
});

test("a level that the training data did not have is refused by name, or gives no prediction", async () => {
  const rows = [table[0]!, { ...table[1]!, state: "ZZ" }];
  const got = await infer(rows);
  expect(got.status).toBe(400);
  expect(got.json.error).toBe(
    'row 1: state "ZZ" was not in the training data, which had "CA", "NY", "TX", "Ñandú"',
  );
  const body = JSON.stringify({ dataframe_records: rows });
  const headers = { "content-type": "application/json" };
  const predicted = await send(`${lenient.url}/invocations`, body, headers);
  expect(predicted.json.predictions).toEqual([expected[0], null]);
});

test("numbers for a text column are refused", async () => {
  const inputs = columns(table);
  const wrong = { name: "state", datatype: "INT64", shape: [60], data: table.map(() => 1) };
  const body = JSON.stringify({ inputs: [wrong, ...inputs.slice(1)] });
  const got = await send(`${server.url}/v2/models/price/infer`, body);
  expect([got.status, got.json.error]).toEqual([400, expect.stringContaining("the model reads BYTES")]);
});

describe("truth values", () => {
  const ways = [
    ["true", "false"],
    ["True", "False"],
    ["TRUE", "FALSE"],
  ] as const;
  test.each(ways)("match the levels %s and %s, as JSON, as BOOL tensors, and in binary", async (yes, no) => {
    const lines = Array.from(
      { length: 12 },
      (_, i) => `${i % 3 === 0 ? yes : no},${i},${(i % 3 === 0 ? 5 : 1) + i}`,
    );
    await inFolder({ "data.csv": `flag,x,y\n${lines.join("\n")}\n` }, async (folder) => {
      const { model } = await fitCsv(join(folder, "data.csv"), { formula: "y ~ flag + x" });
      await using own = await serving({}, { m: model });
      const url = `${own.url}/v2/models/m/infer`;
      const x = { name: "x", datatype: "FP64", shape: [2], data: [1, 2] };
      const flag = (datatype: string, data: unknown[]) => ({ name: "flag", datatype, shape: [2], data });
      const ask = async (...inputs: object[]) =>
        (await send(url, JSON.stringify({ inputs }))).json.outputs[0].data as number[];
      const right = await ask(flag("BYTES", [yes, no]), x);
      expect(right[0]! - right[1]! + 1).toBeCloseTo(4, 10);
      expect(await ask(flag("BOOL", [true, false]), x)).toEqual(right);
      expect(await ask(flag("BOOL", [1, 0]), x)).toEqual(right);
      const records = [
        { flag: true, x: 1 },
        { flag: false, x: 2 },
      ];
      const json = { "content-type": "application/json" };
      const invoked = await send(
        `${own.url}/invocations`,
        JSON.stringify({ dataframe_records: records }),
        json,
      );
      expect(invoked.json.predictions).toEqual(right);
      const { body, headers } = binaryBody([
        { tensor: { name: "flag", datatype: "BOOL", shape: [2] }, bytes: Uint8Array.of(1, 0) },
        {
          tensor: { name: "x", datatype: "FP64", shape: [2] },
          bytes: new Uint8Array(Float64Array.of(1, 2).buffer),
        },
      ]);
      expect([...binaryPredictions(await send(url, body, headers))]).toEqual(right);
    });
  });

  test("are 1 and 0 where the model reads numbers", async () => {
    const inputs = columns(table.slice(0, 2)).map((tensor) =>
      tensor.name === "age" ? { name: "age", datatype: "BOOL", shape: [2], data: [true, false] } : tensor,
    );
    const numbers = columns(table.slice(0, 2)).map((tensor) =>
      tensor.name === "age" ? { ...tensor, data: [1, 0] } : tensor,
    );
    const ask = async (inputs: object[]) =>
      (await send(`${server.url}/v2/models/price/infer`, JSON.stringify({ inputs }))).json.outputs[0].data;
    expect(await ask(inputs)).toEqual(await ask(numbers));
  });
});

test("intervals of a formula's model are those that goml predict writes", async () => {
  await inFolder({ "data.csv": csv(table) }, async (folder) => {
    const output = join(folder, "out.csv");
    await predictCsv(model, join(folder, "data.csv"), { output, interval: "confidence", level: 0.9 });
    const written = readFileSync(output, "utf8").trim().split("\n").slice(1);
    const body = JSON.stringify({
      inputs: columns(table),
      parameters: { interval: "confidence", level: 0.9 },
    });
    const { outputs } = (await send(`${server.url}/v2/models/price/infer`, body)).json;
    const got = table.map((_, i) => outputs.map(({ data }: { data: number[] }) => data[i]).join(","));
    expect(got).toEqual(written);
  });
});
