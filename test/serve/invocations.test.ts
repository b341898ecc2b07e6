import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { boston, expected, manyRows, names, rows, type Serving, send, serving } from "./serving.js";

let server: Serving;
beforeAll(async () => {
  server = await serving();
});
afterAll(() => server[Symbol.asyncDispose]());

const invoke = (body: unknown, type = "application/json", query = "") =>
  send(
    `${server.url}/invocations${query}`,
    typeof body === "string" ? body : JSON.stringify(body),
    type === "" ? {} : { "content-type": type },
  );
const five = rows.slice(0, 5);
const five_expected = [...expected.subarray(0, 5)];
const records = five.map((row) => Object.fromEntries(row.map((v, j) => [names[j], v])));

describe("MLflow's formats", () => {
  const columns = Object.fromEntries(names.map((name, j) => [name, five.map((row) => row[j])]));
  const reversed = [...names].reverse();
  const formats: [string, unknown][] = [
    ["dataframe_split", { dataframe_split: { columns: names, data: five } }],
    [
      "dataframe_split in another order, with an index and a column more",
      {
        dataframe_split: {
          index: [0, 1, 2, 3, 4],
          columns: [...reversed, "extra"],
          data: five.map((row) => [...row.toReversed(), "x"]),
        },
      },
    ],
    ["dataframe_records", { dataframe_records: records }],
    ["instances of rows", { instances: five }],
    ["instances of records", { instances: records }],
    ["inputs of rows", { inputs: five }],
    ["inputs of columns", { inputs: columns }],
    ["params beside them", { inputs: five, params: { any: 1 } }],
  ];
  test.each(formats)("%s", async (_name, body) => {
    const got = await invoke(body);
    expect(got.json).toEqual({ predictions: five_expected });
  });

  test("JSON without a content type, as curl -d without -H would not send it", async () => {
    expect((await invoke({ inputs: five }, "")).json).toEqual({ predictions: five_expected });
  });

  test("CSV with a header, in any order, quoted, with missing cells", async () => {
    const order = [...names].reverse();
    const line = (row: number[]) => row.toReversed().join(";");
    const csv = `\ufeff"${order.join('";"')}"\r\n${five.map(line).join("\r\n")}\r\n${"NA;".repeat(12)}1\r\n`;
    expect((await invoke(csv, "text/csv")).json).toEqual({ predictions: [...five_expected, null] });
  });

  test("a large CSV or JSON goes to a worker and is answered alike", async () => {
    const many = manyRows(5000);
    const lines = Array.from({ length: 5000 }, (_, i) => rows[i % rows.length]!.join(","));
    const csv = await invoke(`${names.join(",")}\n${lines.join("\n")}\n`, "text/csv");
    expect(csv.json.predictions).toEqual([...many.expected]);
    const inputs = Array.from({ length: 5000 }, (_, i) => rows[i % rows.length]!);
    expect((await invoke({ inputs })).json.predictions).toEqual([...many.expected]);
  });

  test("null is a missing cell, its prediction is null", async () => {
    const data = [five[0], [null, ...five[1]!.slice(1)]];
    expect((await invoke({ instances: data })).json).toEqual({ predictions: [five_expected[0], null] });
  });
});

describe("what is refused, in MLflow's form and the protocol's", () => {
  const cases: [what: string, body: unknown, type: string, status: number, reason: RegExp][] = [
    ["a list", [five], "application/json", 400, /exactly one of/],
    ["two formats", { inputs: five, instances: five }, "application/json", 400, /exactly one of/],
    ["none", { data: five }, "application/json", 400, /exactly one of/],
    [
      "a text for a number",
      { inputs: [["1", ...five[0]!.slice(1)]] },
      "application/json",
      400,
      /expected a number/,
    ],
    ["a short row", { inputs: [five[0]!.slice(1)] }, "application/json", 400, /has 12 values, expected 13/],
    ["a missing column", { dataframe_records: [{ rm: 1 }] }, "application/json", 400, /lacks inputs/],
    [
      "split without data",
      { dataframe_split: { columns: names } },
      "application/json",
      400,
      /columns and data/,
    ],
    [
      "columns of different lengths",
      { inputs: { crim: [1], zn: [1, 2] } },
      "application/json",
      400,
      /has 2 values/,
    ],
    [
      "a column twice",
      { dataframe_split: { columns: ["rm", "rm"], data: [[1, 2]] } },
      "application/json",
      400,
      /column "rm" is there twice/,
    ],
    ["a CSV with a column twice", "rm,rm\n1,2\n", "text/csv", 400, /two columns have this name/],
    ["another type", "{}", "application/xml", 415, /not supported/],
    ["another charset", "{}", "application/json; charset=latin1", 415, /send UTF-8/],
    ["an empty CSV", "", "text/csv", 400, /empty/],
    ["a CSV of other columns", "a,b\n1,2\n", "text/csv", 400, /lacks inputs/],
    [
      "a ragged CSV",
      `${names.join(",")}\n1,2\n`,
      "text/csv",
      400,
      /line 2: expected 13 cells, as in the header, found 2/,
    ],
    ["a CSV without rows", `${names.join(",")}\n`, "text/csv", 400, /a header of 13 columns and no rows/],
    ["a word in a CSV", `${names.join(",")}\n${"x,".repeat(12)}x\n`, "text/csv", 400, /expected a number/],
  ];
  test.each(cases)("%s", async (_what, body, type, status, reason) => {
    const got = await invoke(body, type);
    expect(got.status).toBe(status);
    expect(got.json).toEqual({
      error: expect.stringMatching(reason),
      message: expect.stringMatching(reason),
      error_code: "BAD_REQUEST",
    });
  });
});

test("of several models, ?model= picks one, and without it the names are told", async () => {
  await using two = await serving({}, { a: boston, b: boston });
  const body = JSON.stringify({ inputs: five });
  const headers = { "content-type": "application/json" };
  expect((await send(`${two.url}/invocations?model=b`, body, headers)).json.predictions).toEqual(
    five_expected,
  );
  const refused = await send(`${two.url}/invocations`, body, headers);
  expect([refused.status, refused.json.error]).toEqual([400, expect.stringContaining('"a", "b"')]);
  expect((await send(`${two.url}/invocations?model=c`, body, headers)).status).toBe(404);
});

test("/ping, /health and /version", async () => {
  for (const path of ["/ping", "/health"]) {
    const got = await send(`${server.url}${path}`);
    expect([got.status, got.body.toString()]).toEqual([200, "\n"]);
  }
  expect((await send(`${server.url}/version`)).body.toString()).toMatch(/^\d+\.\d+\.\d+$/);
});
