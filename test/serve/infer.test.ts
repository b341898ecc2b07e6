import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fit, refit } from "../../src/index.js";
import {
  binaryBody,
  binaryMatrix,
  binaryPredictions,
  boston,
  expected,
  infer,
  manyRows,
  matrixRequest,
  names,
  rows,
  type Serving,
  send,
  serving,
  X,
} from "./serving.js";

let server: Serving;
let url: string;
beforeAll(async () => {
  server = await serving();
  url = server.url;
});
afterAll(() => server[Symbol.asyncDispose]());

const tensor = (name: string, datatype: string, shape: number[], data: unknown) => ({
  name,
  datatype,
  shape,
  data,
});

describe("tensors in JSON", () => {
  test("one n × p tensor, flat or nested, gives the bits of predict", async () => {
    const flat = (await infer(url, matrixRequest(X))).json;
    expect(flat.outputs[0].data).toEqual([...expected]);
    expect(flat.outputs[0].shape).toEqual([506]);
    const nested = await infer(url, { inputs: [tensor("input", "FP64", [506, 13], rows)] });
    expect(nested.json.outputs[0].data).toEqual([...expected]);
  });

  test("one tensor per column, by name and in any order, [n] or [n, 1]", async () => {
    const inputs = names.map((name, j) => {
      const column = rows.slice(0, 5).map((row) => row[j]);
      return j % 2 === 0
        ? tensor(name, "FP64", [5], column)
        : tensor(
            name,
            "FP64",
            [5, 1],
            column.map((v) => [v]),
          );
    });
    const { json } = await infer(url, { inputs: inputs.reverse() });
    expect(json.outputs[0].data).toEqual([...expected.subarray(0, 5)]);
  });

  test("the datatypes of the columns may differ; FP32 is rounded to what it holds", async () => {
    const row = rows[0]!;
    const integers = new Map([
      [3, "INT64"],
      [8, "INT32"],
      [9, "UINT16"],
    ]);
    const inputs = names.map((name, j) => tensor(name, integers.get(j) ?? "FP32", [1], [row[j]]));
    const rounded = row.map((v, j) => (integers.has(j) ? v : Math.fround(v)));
    const same = await infer(url, { inputs: [tensor("input", "FP64", [1, 13], rounded)] });
    const { json } = await infer(url, { inputs });
    expect(json.outputs[0].data).toEqual(same.json.outputs[0].data);
  });

  test("no rows give no predictions", async () => {
    const { json } = await infer(url, { inputs: [tensor("input", "FP64", [0, 13], [])] });
    expect(json.outputs).toEqual([{ name: "prediction", shape: [0], datatype: "FP64", data: [] }]);
  });

  test("id, requested outputs and the version come back", async () => {
    const { json } = await infer(
      url,
      matrixRequest(X.subarray(0, 13), { id: 'a "b" ü', outputs: [{ name: "prediction" }] }),
    );
    expect(json).toMatchObject({ model_name: "boston", model_version: "1", id: 'a "b" ü' });
    const versioned = await send(
      `${url}/v2/models/boston/versions/1/infer`,
      JSON.stringify(matrixRequest(X)),
    );
    expect(versioned.status).toBe(200);
  });

  test("a large body goes to a worker and is answered alike", async () => {
    const many = manyRows(20_000);
    const { json, status } = await infer(url, matrixRequest(many.X));
    expect(status).toBe(200);
    expect(json.outputs[0].data).toEqual([...many.expected]);
  });

  test("a body sent in chunks, small or large, is read all the same", async () => {
    for (const n of [3, 20_000]) {
      const many = manyRows(n);
      const body = Buffer.from(JSON.stringify(matrixRequest(many.X)));
      const { json } = await send(`${url}/v2/models/boston/infer`, body, { "transfer-encoding": "chunked" });
      expect(json.outputs[0].data).toEqual([...many.expected]);
    }
  });
});

describe("the binary extension", () => {
  test("FP64 in, FP64 out: the bits of predict, whatever the size", async () => {
    for (const n of [0, 1, 506, 40_000]) {
      const many = manyRows(n);
      const { body, headers } = binaryMatrix(many.X);
      const got = await send(`${url}/v2/models/boston/infer`, body, headers);
      expect(got.headers["content-type"]).toBe("application/octet-stream");
      expect(Buffer.from(binaryPredictions(got).buffer).equals(Buffer.from(many.expected.buffer))).toBe(true);
      const head = JSON.parse(
        got.body.subarray(0, Number(got.headers["inference-header-content-length"])).toString(),
      );
      expect(head.outputs[0]).toEqual({
        name: "prediction",
        shape: [n],
        datatype: "FP64",
        parameters: { binary_data_size: 8 * n },
      });
    }
  });

  test("columns of several datatypes at any offset, beside one in JSON", async () => {
    const data = rows.slice(0, 7);
    const make = {
      FP64: (v: number[]) => new Uint8Array(Float64Array.from(v).buffer),
      INT32: (v: number[]) => new Uint8Array(Int32Array.from(v).buffer),
      INT64: (v: number[]) => new Uint8Array(BigInt64Array.from(v.map(BigInt)).buffer),
      UINT8: (v: number[]) => Uint8Array.from(v),
    };
    const types = new Map<number, keyof typeof make>([
      [3, "UINT8"],
      [8, "INT64"],
      [9, "INT32"],
    ]);
    const tensors = names.slice(0, 12).map((name, j) => {
      const datatype = types.get(j) ?? "FP64";
      return { tensor: { name, datatype, shape: [7] }, bytes: make[datatype](data.map((row) => row[j]!)) };
    });
    const { body } = binaryBody(tensors, {});
    const head = JSON.parse(body.toString("latin1").slice(0, body.toString("latin1").indexOf("}]}") + 3));
    head.inputs.push(
      tensor(
        names[12]!,
        "FP64",
        [7],
        data.map((row) => row[12]),
      ),
    );
    const json = Buffer.from(JSON.stringify(head));
    const bytes = Buffer.concat([json, ...tensors.map(({ bytes }) => bytes)]);
    const got = await send(`${url}/v2/models/boston/infer`, bytes, {
      "inference-header-content-length": json.length,
    });
    expect(got.json.outputs[0].data).toEqual([...expected.subarray(0, 7)]);
  });

  test("binary_data of the output overrides binary_data_output of the request", async () => {
    const ask = (all: boolean, own?: boolean) =>
      infer(url, {
        ...matrixRequest(X.subarray(0, 13)),
        parameters: { binary_data_output: all },
        outputs: [{ name: "prediction", ...(own === undefined ? {} : { parameters: { binary_data: own } }) }],
      });
    const binary = async (...wish: Parameters<typeof ask>) =>
      (await ask(...wish)).headers["inference-header-content-length"] !== undefined;
    expect(await binary(true)).toBe(true);
    expect(await binary(false)).toBe(false);
    expect(await binary(true, false)).toBe(false);
    expect(await binary(false, true)).toBe(true);
  });

  test("NaN and infinities pass through, and JSON refuses to carry them", async () => {
    const data = Float64Array.from(X.subarray(0, 4 * 13));
    data[0] = Number.NaN;
    data[13] = Number.POSITIVE_INFINITY;
    data[26] = Number.NEGATIVE_INFINITY;
    const { body, headers } = binaryMatrix(data);
    const got = binaryPredictions(await send(`${url}/v2/models/boston/infer`, body, headers));
    expect(got[0]).toBeNaN();
    expect([got[1], got[2]].map(Math.abs)).toEqual([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
    expect(got[3]).toBe(expected[3]);
    const text = body.toString("latin1").replace('"binary_data_output":true', '"binary_data_output":null');
    const json = Buffer.from(text.replace("null", "false"), "latin1");
    const refused = await send(`${url}/v2/models/boston/infer`, json, {
      "inference-header-content-length": Number(headers["inference-header-content-length"]) + 1,
    });
    expect(refused.status).toBe(400);
    expect(refused.json.error).toContain("row 0 is NaN");
  });

  test("any finite matrix gives the bits that JSON gives", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 13, maxLength: 13 }),
        async (row) => {
          const one = Float64Array.from(row);
          const { body, headers } = binaryMatrix(one);
          const binary = binaryPredictions(await send(`${url}/v2/models/boston/infer`, body, headers));
          const json = (await infer(url, matrixRequest(one))).json.outputs[0].data;
          expect(json).toEqual([...binary]);
        },
      ),
      { numRuns: 25 },
    );
  });
});

describe("what is refused, with 400 and the reason", () => {
  const one = [...X.subarray(0, 13)];
  const row = (more: object) => ({ inputs: [{ ...tensor("input", "FP64", [1, 13], one), ...more }] });
  const cases: [what: string, body: unknown, reason: RegExp][] = [
    ["no inputs", {}, /no "inputs"/],
    ["inputs that are not an array", { inputs: {} }, /no "inputs"/],
    ["empty inputs", { inputs: [] }, /inputs is empty/],
    ["an array as the body", [], /should be a JSON object/],
    ["null as the body", null, /should be a JSON object/],
    ["null as a tensor", { inputs: [null] }, /inputs\[0\] should be a JSON object/],
    ["a tensor without name", { inputs: [{ shape: [1], datatype: "FP64", data: [1] }] }, /has no name/],
    ["a shape that is not an array", row({ shape: "13" }), /shape should be an array/],
    ["a negative size", row({ shape: [-1, 13] }), /shape should be an array of sizes/],
    ["a size that is not whole", row({ shape: [1.5, 13] }), /shape should be an array of sizes/],
    ["a huge shape", row({ shape: [1e9, 13] }), /has 13000000000 elements, data has 13/],
    ["a shape beyond all bounds", row({ shape: [2 ** 52, 2 ** 52] }), /too large/],
    ["too few values", row({ data: one.slice(1) }), /has 13 elements, data has 12/],
    [
      "rows of different lengths",
      row({ shape: [2, 13], data: [one, one.slice(1)] }),
      /expected an array of 13 at depth 1/,
    ],
    ["a width that is not p", row({ shape: [1, 12], data: one.slice(1) }), /expected \[n, 13\]/],
    ["three dimensions", row({ shape: [1, 13, 1] }), /no input "input"/],
    [
      "a matrix of an unknown name",
      row({ name: "price" }),
      /no input "price"; .* or all of them in one tensor "input"/,
    ],
    [
      "a matrix that is called as a column is",
      row({ name: "rm" }),
      /"rm" has shape \[1, 13\], expected \[n\]/,
    ],
    [
      "more dimensions than anybody has",
      row({ shape: Array(20_000).fill(1) }),
      /shape should be an array of sizes/,
    ],
    [
      "2^63, which is not an INT64",
      row({ datatype: "INT64", data: Array(13).fill(2 ** 63) }),
      /element 0 of data is 9223372036854776000, expected INT64/,
    ],
    [
      "2^64, which is not a UINT64",
      row({ datatype: "UINT64", data: Array(13).fill(2 ** 64) }),
      /element 0 of data is 18446744073709552000, expected UINT64/,
    ],
    [
      "2 as a truth value",
      row({ datatype: "BOOL", data: Array(13).fill(2) }),
      /element 0 of data is 2, expected BOOL/,
    ],
    [
      "a level beyond 1",
      { ...row({}), parameters: { interval: "prediction", level: 95 } },
      /level should be a number/,
    ],
    [
      "an unknown interval",
      { ...row({}), parameters: { interval: "wide" } },
      /interval should be "prediction"/,
    ],
    [
      "a bound without an interval",
      { ...row({}), outputs: [{ name: "lower" }] },
      /no output "lower"; it has "prediction"/,
    ],
    ["an unknown datatype", row({ datatype: "FP8" }), /datatype "FP8" is none of/],
    [
      "a text among numbers",
      row({ data: ["1", ...one.slice(1)] }),
      /element 0 of data is "1", expected FP64/,
    ],
    ["null among numbers", row({ data: [null, ...one.slice(1)] }), /element 0 of data is null/],
    ["true among numbers", row({ data: [true, ...one.slice(1)] }), /element 0 of data is true/],
    ["a fraction among INT64", row({ datatype: "INT64" }), /element 0 of data is 0.00632, expected INT64/],
    ["too large for INT32", row({ datatype: "INT32", data: Array(13).fill(2 ** 31) }), /expected INT32/],
    ["too large for FP32", row({ datatype: "FP32", data: Array(13).fill(1e300) }), /expected FP32/],
    [
      "neither data nor binary data",
      row({ data: undefined }),
      /either data or the parameter binary_data_size/,
    ],
    [
      "binary data that are not there",
      row({ data: undefined, parameters: { binary_data_size: 104 } }),
      /no Inference-Header-Content-Length/,
    ],
    ["an unknown column", { inputs: [tensor("price", "FP64", [1], [1])] }, /no input "price"/],
    [
      "a column twice",
      { inputs: [tensor("rm", "FP64", [1], [1]), tensor("rm", "FP64", [1], [1])] },
      /"rm" is there twice/,
    ],
    [
      "columns that are missing",
      { inputs: [tensor("rm", "FP64", [1], [1])] },
      /lacks inputs of the model: "crim", "zn"/,
    ],
    [
      "columns of different lengths",
      { inputs: names.map((name, j) => tensor(name, "FP64", [j + 1], Array(j + 1).fill(1))) },
      /has 2 rows, input "crim" has 1/,
    ],
    [
      "text for a number",
      { inputs: names.map((name) => tensor(name, "BYTES", [1], ["x"])) },
      /"crim" is BYTES, the model reads FP64/,
    ],
    ["an unknown output", { ...row({}), outputs: [{ name: "class" }] }, /no output "class"/],
    [
      "an output twice",
      { ...row({}), outputs: [{ name: "prediction" }, { name: "prediction" }] },
      /there twice/,
    ],
    ["outputs that are not an array", { ...row({}), outputs: "prediction" }, /outputs should be an array/],
    ["an id that is a number", { ...row({}), id: 42 }, /id should be a string/],
    [
      "parameters that are not an object",
      { ...row({}), parameters: [] },
      /parameters should be a JSON object/,
    ],
    [
      "binary_data_output that is not a flag",
      { ...row({}), parameters: { binary_data_output: 1 } },
      /true or false/,
    ],
  ];
  test.each(cases)("%s", async (_what, body, reason) => {
    const got = await infer(url, body);
    expect(got.status).toBe(400);
    expect(got.json).toEqual({ error: expect.stringMatching(reason) });
  });

  const raw: [what: string, body: string | Uint8Array, reason: RegExp][] = [
    ["nothing", "", /the body is empty/],
    ["half of a JSON", '{"inputs": [', /not JSON/],
    ["NaN", '{"inputs":[{"name":"input","shape":[1],"datatype":"FP64","data":[NaN]}]}', /not JSON/],
    [
      "a number that overflows",
      `{"inputs":[{"name":"input","shape":[1,13],"datatype":"FP64","data":[1e999${",1".repeat(12)}]}]}`,
      /element 0 of data is Infinity/,
    ],
    ["bytes that are not UTF-8", Buffer.from([0x7b, 0xff, 0x7d]), /not UTF-8/],
    ["arrays without end", "[".repeat(20_000), /not JSON/],
  ];
  test.each(raw)("%s", async (_what, body, reason) => {
    const got = await send(`${url}/v2/models/boston/infer`, body);
    expect(got.status).toBe(400);
    expect(got.json).toEqual({ error: expect.stringMatching(reason) });
  });

  const { body, headers } = binaryMatrix(X.subarray(0, 26));
  const length = Number(headers["inference-header-content-length"]);
  const binary: [what: string, body: Uint8Array, header: string, reason: RegExp][] = [
    ["a header length beyond the body", body, String(body.length + 1), /within the body/],
    ["a header length that is not a number", body, "abc", /within the body/],
    ["a negative header length", body, "-1", /within the body/],
    [
      "binary data cut short",
      body.subarray(0, body.length - 8),
      String(length),
      /binary_data_size is 208, the body has 200 bytes left/,
    ],
    [
      "binary data too many",
      Buffer.concat([body, Buffer.alloc(8)]),
      String(length),
      /8 bytes of binary data too many/,
    ],
    ["a header length that cuts the JSON", body, String(length - 1), /not JSON/],
  ];
  test.each(binary)("%s", async (_what, bytes, header, reason) => {
    const got = await send(`${url}/v2/models/boston/infer`, bytes, {
      "inference-header-content-length": header,
    });
    expect(got.status).toBe(400);
    expect(got.json).toEqual({ error: expect.stringMatching(reason) });
  });

  test("the same refusals come from a worker", async () => {
    const many = manyRows(20_000);
    const bad = matrixRequest(many.X) as { inputs: { data: unknown[] }[] };
    bad.inputs[0]!.data[1000] = "x";
    const got = await infer(url, bad);
    expect(got.status).toBe(400);
    expect(got.json.error).toContain('element 1000 of data is "x", expected FP64');
  });
});

test("columns that the model left out as aliased are asked for, and have to be what they were", async () => {
  const doubled = fit(Float64Array.of(0, 0, 0, 1, 1, 2, 2, 1, 2, 3, 5, 10, 4, 2, 4), [1, 2, 4, 5, 7], {
    terms: ["a", "b", "twice_b"],
  });
  expect(doubled.aliased).toEqual(["twice_b"]);
  await using other = await serving({}, { m: doubled });
  const { inputs } = (await send(`${other.url}/v2/models/m`)).json;
  expect(inputs.map(({ name }: { name: string }) => name)).toEqual(doubled.terms);
  const asked = (twice: number) => ({
    inputs: doubled.terms.map((name) => tensor(name, "FP64", [1], [name === "twice_b" ? twice : 1])),
  });
  const { json } = await send(`${other.url}/v2/models/m/infer`, JSON.stringify(asked(2)));
  expect(json.outputs[0].data).toEqual([...doubled.predict([[1, 1, 2]])]);
  // θ of twice_b is not known: the row has no prediction, in the library and here.
  expect(doubled.predict([[1, 1, 3]])).toEqual(Float64Array.of(Number.NaN));
  const refused = await send(`${other.url}/v2/models/m/infer`, JSON.stringify(asked(3)));
  expect([refused.status, refused.json.error]).toEqual([
    400,
    "row 0: twice_b depended on other inputs in the training data, in a way that does not hold here, so that these " +
      "data do not tell the prediction",
  ]);
});

test("models and versions that are not there are 404, whatever their name", async () => {
  const strange = ["nope", "..%2F..%2F..%2Fetc%2Fpasswd", "__proto__", "constructor", "a".repeat(200), "%00"];
  for (const name of strange) {
    for (const path of [`/v2/models/${name}`, `/v2/models/${name}/ready`]) {
      const got = await send(`${url}${path}`);
      expect([path, got.status, typeof got.json.error]).toEqual([path, 404, "string"]);
    }
    const got = await send(`${url}/v2/models/${name}/infer`, "{}");
    expect(got.status).toBe(404);
  }
  expect((await send(`${url}/v2/models/boston/versions/2`)).json.error).toContain("it has 1");
  expect((await send(`${url}/v2/models/%zz`)).status).toBe(400);
  expect((await send(`${url}/nothing`)).json).toEqual({ error: "there is nothing at GET /nothing" });
});

describe("values that nest 20,000 deep are described, not walked", () => {
  const deep = `${"[".repeat(20_000)}1${"]".repeat(20_000)}`;
  const objects = `${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}`;
  const places: [what: string, document: string][] = [
    ["id", '{"id":DEEP,"inputs":[]}'],
    ["inputs", '{"inputs":DEEP}'],
    ["name", '{"inputs":[{"name":DEEP,"shape":[1],"datatype":"FP64","data":[1]}]}'],
    ["shape", '{"inputs":[{"name":"rm","shape":DEEP,"datatype":"FP64","data":[1]}]}'],
    ["datatype", '{"inputs":[{"name":"rm","shape":[1],"datatype":DEEP,"data":[1]}]}'],
    ["data", '{"inputs":[{"name":"rm","shape":[1],"datatype":"FP64","data":DEEP}]}'],
    ["an element", '{"inputs":[{"name":"rm","shape":[1],"datatype":"FP64","data":[DEEP]}]}'],
    [
      "size",
      '{"inputs":[{"name":"rm","shape":[1],"datatype":"FP64","parameters":{"binary_data_size":DEEP}}]}',
    ],
    ["parameters", '{"parameters":DEEP,"inputs":[]}'],
    ["a flag", '{"parameters":{"binary_data_output":DEEP},"inputs":[]}'],
    ["interval", '{"parameters":{"interval":DEEP},"inputs":[]}'],
    ["level", '{"parameters":{"level":DEEP},"inputs":[]}'],
    ["outputs", '{"inputs":[],"outputs":DEEP}'],
    ["an output", '{"inputs":[],"outputs":[{"name":DEEP}]}'],
    ["instances", '{"instances":DEEP}'],
    ["a cell", '{"instances":[[DEEP]]}'],
    ["records", '{"dataframe_records":[DEEP]}'],
    ["a field", '{"dataframe_records":[{"rm":DEEP}]}'],
    ["columns", '{"dataframe_split":{"columns":[DEEP,DEEP],"data":[]}}'],
    ["a column", '{"inputs":{"rm":DEEP}}'],
  ];
  test.each(places)("%s", async (_what, document) => {
    for (const value of [deep, objects])
      for (const at of ["/v2/models/boston/infer", "/invocations"]) {
        const got = await send(url + at, document.replaceAll("DEEP", value));
        // No inputs are no rows in MLflow's dialect, whatever else the body has.
        const fine = at === "/invocations" && got.status === 200;
        expect([at, got.status]).toEqual([at, fine ? 200 : 400]);
        expect(got.body.length).toBeLessThan(1000);
      }
  });
});

describe("intervals", () => {
  const ask = async (parameters: object, more: object = {}) =>
    (await infer(url, matrixRequest(X, { parameters, ...more }))).json.outputs;

  test("prediction and confidence, at any level, are those of predictInterval", async () => {
    for (const interval of ["prediction", "confidence"] as const)
      for (const level of [0.5, 0.9, 0.95, 0.999]) {
        const own = boston.predictInterval(X, { interval, level });
        const outputs = await ask({ interval, level });
        expect(outputs.map(({ name }: { name: string }) => name)).toEqual(["prediction", "lower", "upper"]);
        expect(outputs[0].data).toEqual([...own.prediction]);
        expect(outputs[1].data).toEqual([...own.lower]);
        expect(outputs[2].data).toEqual([...own.upper]);
      }
  });

  test("95 % where no level is given, none where none is asked for, and outputs picked by name", async () => {
    const own = boston.predictInterval(X);
    expect((await ask({ interval: "prediction" }))[1].data).toEqual([...own.lower]);
    expect(await ask({ interval: "none" })).toHaveLength(1);
    expect(await ask({ level: 0.9 })).toHaveLength(1);
    const picked = await ask(
      { interval: "prediction" },
      { outputs: [{ name: "upper" }, { name: "prediction" }] },
    );
    expect(picked.map(({ name }: { name: string }) => name)).toEqual(["upper", "prediction"]);
    expect(picked[0].data).toEqual([...own.upper]);
  });

  test("as binary data, all or some, here and on a worker", async () => {
    for (const n of [506, 20_000]) {
      const many = manyRows(n);
      const own = boston.predictInterval(many.X);
      const { body, headers } = binaryBody(
        [
          {
            tensor: { name: "input", datatype: "FP64", shape: [n, 13] },
            bytes: new Uint8Array(many.X.buffer),
          },
        ],
        { parameters: { interval: "prediction", binary_data_output: true } },
      );
      const got = binaryPredictions(await send(`${url}/v2/models/boston/infer`, body, headers));
      expect([...got]).toEqual([...own.prediction, ...own.lower, ...own.upper]);
    }
    const mixed = await infer(
      url,
      matrixRequest(X, {
        parameters: { interval: "prediction" },
        outputs: [{ name: "lower", parameters: { binary_data: true } }, { name: "prediction" }],
      }),
    );
    const from = Number(mixed.headers["inference-header-content-length"]);
    const { outputs } = JSON.parse(mixed.body.subarray(0, from).toString());
    expect(outputs[0].parameters).toEqual({ binary_data_size: 8 * 506 });
    expect(outputs[1].data).toEqual([...expected]);
    expect([...binaryPredictions(mixed)]).toEqual([...boston.predictInterval(X).lower]);
  });

  test("a penalised model has none, and says so", async () => {
    const { model: ridge } = refit(boston, { lambda: 0.1 });
    await using own = await serving({}, { ridge });
    const refused = await send(
      `${own.url}/v2/models/ridge/infer`,
      JSON.stringify(matrixRequest(X.subarray(0, 13), { parameters: { interval: "prediction" } })),
    );
    expect([refused.status, refused.json.error]).toEqual([
      400,
      expect.stringContaining("the model has no intervals"),
    ]);
    expect((await send(`${own.url}/v2/models/ridge`)).json.parameters.intervals).toEqual([]);
    expect((await send(`${url}/v2/models/boston`)).json.parameters.intervals).toEqual([
      "prediction",
      "confidence",
    ]);
  });
});

describe("compressed bodies", () => {
  test("gzip is answered as the body itself is, here and on a worker, with binary data too", async () => {
    for (const n of [5, 20_000]) {
      const many = manyRows(n);
      const json = gzipSync(JSON.stringify(matrixRequest(many.X)));
      const got = await send(`${url}/v2/models/boston/infer`, json, { "content-encoding": "gzip" });
      expect(got.json.outputs[0].data).toEqual([...many.expected]);
      const { body, headers } = binaryMatrix(many.X);
      const binary = await send(`${url}/v2/models/boston/infer`, gzipSync(body), {
        ...headers,
        "content-encoding": "GZIP",
      });
      expect([...binaryPredictions(binary)]).toEqual([...many.expected]);
    }
    const csv = gzipSync(`${names.join(",")}\n${rows[0]!.join(",")}\n`);
    const invoked = await send(`${url}/invocations`, csv, {
      "content-encoding": "gzip",
      "content-type": "text/csv",
    });
    expect(invoked.json.predictions).toEqual([expected[0]]);
  });

  test("what is damaged gets 400, another coding 415 and what would do, a transfer coding 501", async () => {
    const body = gzipSync(JSON.stringify(matrixRequest(X)));
    for (const bad of [
      body.subarray(0, 100),
      Buffer.from([0x1f, 0x8b]),
      Buffer.from("{}"),
      Buffer.alloc(0),
    ]) {
      const got = await send(`${url}/v2/models/boston/infer`, bad, { "content-encoding": "gzip" });
      expect(got.status).toBe(400);
    }
    for (const coding of ["br", "deflate", "gzip, gzip"]) {
      const got = await send(`${url}/v2/models/boston/infer`, body, { "content-encoding": coding });
      expect([got.status, got.headers["accept-encoding"]]).toEqual([415, "gzip, identity"]);
    }
    const got = await send(`${url}/v2/models/boston/infer`, body, { "transfer-encoding": "gzip, chunked" });
    expect([got.status, got.json.error]).toEqual([501, expect.stringContaining("only chunked is")]);
  });
});
