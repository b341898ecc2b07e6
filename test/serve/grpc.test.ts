import {
  type Client,
  credentials,
  loadPackageDefinition,
  Metadata,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { boston, expected, manyRows, names, rows, type Serving, serving, X } from "./serving.js";

// The client is grpc-js with protobufjs, from the .proto file: nothing of it is ours.
const loaded = loadPackageDefinition(
  loadSync("src/serve/open_inference.proto", { keepCase: true, longs: Number, defaults: true }),
) as unknown as {
  inference: { GRPCInferenceService: new (at: string, secret: unknown, how: object) => Client };
};

// biome-ignore lint/suspicious/noExplicitAny: messages of any form
type Message = any;

/** A client of a server, and how to call it. */
function clientOf(port: number) {
  const client = new loaded.inference.GRPCInferenceService(
    `127.0.0.1:${port}`,
    credentials.createInsecure(),
    {
      "grpc.max_receive_message_length": -1,
      "grpc.max_send_message_length": -1,
    },
  );
  const call = (method: string, request: object = {}, metadata = new Metadata()): Promise<Message> =>
    new Promise((resolve, reject) => {
      (client as unknown as Record<string, (...args: unknown[]) => void>)[method]!(
        request,
        metadata,
        (error: ServiceError | null, answer: Message) => (error ? reject(error) : resolve(answer)),
      );
    });
  return { call, close: () => client.close() };
}

const columns = (from: number, to: number) =>
  names.map((name, j) => ({
    name,
    datatype: "FP64",
    shape: [to - from],
    contents: { fp64_contents: rows.slice(from, to).map((row) => row[j]!) },
  }));
const doubles = (bytes: Buffer) => [...new Float64Array(Uint8Array.from(bytes).buffer)];
const rawOf = (values: Float64Array) => Buffer.from(values.buffer, values.byteOffset, values.byteLength);

describe("the protocol over gRPC, by grpc-js", () => {
  let server: Serving;
  let client: ReturnType<typeof clientOf>;
  beforeAll(async () => {
    server = await serving({ queueLimit: 4, jsonLimit: 20_000 });
    client = clientOf(await server.app.listenGrpc({ host: "127.0.0.1", port: 0 }));
  });
  afterAll(async () => {
    client.close();
    await server[Symbol.asyncDispose]();
  });

  test("says that it lives, is ready, what it is and what its models take", async () => {
    expect(await client.call("ServerLive")).toEqual({ live: true });
    expect(await client.call("ServerReady")).toEqual({ ready: true });
    expect(await client.call("ModelReady", { name: "boston" })).toEqual({ ready: true });
    expect(await client.call("ServerMetadata")).toMatchObject({
      name: "goml",
      version: expect.stringMatching(/^\d/),
    });
    const model = await client.call("ModelMetadata", { name: "boston", version: "1" });
    expect(model).toMatchObject({ name: "boston", versions: ["1"], platform: "goml" });
    expect(model.inputs).toEqual(names.map((name) => ({ name, datatype: "FP64", shape: [-1, 1] })));
    expect(model.outputs).toEqual([{ name: "prediction", datatype: "FP64", shape: [-1] }]);
  });

  test("predicts from contents, and from raw contents, each answered in its own form, bit for bit as in the library", async () => {
    const typed = await client.call("ModelInfer", { model_name: "boston", id: "a", inputs: columns(0, 20) });
    expect(typed).toMatchObject({
      model_name: "boston",
      model_version: "1",
      id: "a",
      raw_output_contents: [],
    });
    expect(typed.outputs).toHaveLength(1);
    expect(typed.outputs[0]).toMatchObject({ name: "prediction", datatype: "FP64", shape: [20] });
    expect(typed.outputs[0].contents.fp64_contents).toEqual([...expected.subarray(0, 20)]);

    const raw = await client.call("ModelInfer", {
      model_name: "boston",
      inputs: [{ name: "input", datatype: "FP64", shape: [rows.length, 13] }],
      raw_input_contents: [rawOf(X)],
    });
    expect(raw.outputs[0].contents).toBeNull();
    expect(doubles(raw.raw_output_contents[0])).toEqual([...expected]);

    // Other datatypes, as other clients send them.
    const first = rows[0]!.map((value) => Math.round(value));
    const whole = await client.call("ModelInfer", {
      model_name: "boston",
      inputs: names.map((name, j) =>
        j % 2 === 0
          ? { name, datatype: "INT32", shape: [1, 1], contents: { int_contents: [first[j]] } }
          : { name, datatype: "FP32", shape: [1], contents: { fp32_contents: [first[j]] } },
      ),
    });
    expect(whole.outputs[0].contents.fp64_contents).toEqual([boston.predict(Float64Array.from(first))[0]]);
  });

  test("has intervals by parameters, and answers large requests by the threads", async () => {
    const { X: many, expected: wanted } = manyRows(60_000);
    const answer = await client.call("ModelInfer", {
      model_name: "boston",
      parameters: { interval: { string_param: "prediction" }, level: { double_param: 0.9 } },
      inputs: [{ name: "input", datatype: "FP64", shape: [60_000, 13] }],
      outputs: [{ name: "upper" }, { name: "prediction" }],
      raw_input_contents: [rawOf(many)],
    });
    expect(answer.outputs.map(({ name }: Message) => name)).toEqual(["upper", "prediction"]);
    const [upper, prediction] = answer.raw_output_contents.map(doubles);
    expect(prediction).toEqual([...wanted]);
    const bounds = boston.predictInterval(X, { interval: "prediction", level: 0.9 });
    for (const i of [0, 1, 100]) expect(upper[i]).toBeCloseTo(bounds.upper[i]!, 9);
  });

  test.each([
    ["a model that is not there", { model_name: "none", inputs: columns(0, 1) }, status.NOT_FOUND, /none/],
    ["no inputs", { model_name: "boston" }, status.INVALID_ARGUMENT, /inputs is empty/],
    [
      "an input that is missing",
      { model_name: "boston", inputs: columns(0, 1).slice(1) },
      status.INVALID_ARGUMENT,
      /lacks an input of the model: "crim"/,
    ],
    [
      "raw contents of fewer inputs",
      { model_name: "boston", inputs: columns(0, 1), raw_input_contents: [Buffer.alloc(8)] },
      status.INVALID_ARGUMENT,
      /13 inputs, and raw_input_contents of 1/,
    ],
    [
      "contents beside raw contents",
      {
        model_name: "boston",
        inputs: [{ name: "input", datatype: "FP64", shape: [1, 13], contents: { fp64_contents: rows[0] } }],
        raw_input_contents: [Buffer.alloc(104)],
      },
      status.INVALID_ARGUMENT,
      /contents beside raw_input_contents/,
    ],
    [
      "contents of another datatype",
      {
        model_name: "boston",
        inputs: [{ name: "input", datatype: "FP64", shape: [1, 13], contents: { fp32_contents: rows[0] } }],
      },
      status.INVALID_ARGUMENT,
      /fp64_contents, and has fp32_contents/,
    ],
    [
      "fewer elements than the shape says",
      {
        model_name: "boston",
        inputs: [{ name: "input", datatype: "FP64", shape: [2, 13], contents: { fp64_contents: rows[0] } }],
      },
      status.INVALID_ARGUMENT,
      /input/,
    ],
    [
      "more contents than are read here",
      {
        model_name: "boston",
        inputs: [{ name: "input", datatype: "FP64", shape: [506, 13], contents: { fp64_contents: [...X] } }],
      },
      status.RESOURCE_EXHAUSTED,
      /send raw_input_contents/,
    ],
  ])("refuses %s", async (_, request, code, details) => {
    await expect(client.call("ModelInfer", request)).rejects.toMatchObject({
      code,
      details: expect.stringMatching(details),
    });
  });

  test("what is refused is counted, and leaves the service as it was", async () => {
    const bytes = Buffer.from([0x0a, 0xff, 0x01]);
    await expect(
      client.call("ModelInfer", {
        model_name: "boston",
        inputs: [{ name: "input", datatype: "FP64", shape: [1] }],
        raw_input_contents: [bytes],
      }),
    ).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    expect(metrics).toMatch(/endpoint="grpc ModelInfer"[^\n]*status="400"/);
    expect(await client.call("ServerReady")).toEqual({ ready: true });
  });
});

test("shares admission with REST: more than the queue takes is refused at once, then there is room again", async () => {
  await using server = await serving({ queueLimit: 2, clientShare: 1 });
  const client = clientOf(await server.app.listenGrpc({ host: "127.0.0.1", port: 0 }));
  const { X: many, expected: wanted } = manyRows(40_000);
  const request = {
    model_name: "boston",
    inputs: [{ name: "input", datatype: "FP64", shape: [40_000, 13] }],
    raw_input_contents: [rawOf(many)],
  };
  const all = await Promise.allSettled(Array.from({ length: 12 }, () => client.call("ModelInfer", request)));
  const answered = all.filter((one) => one.status === "fulfilled");
  expect(answered.length).toBeGreaterThanOrEqual(1);
  for (const { value } of answered) expect(doubles(value.raw_output_contents[0])).toEqual([...wanted]);
  for (const one of all)
    if (one.status === "rejected") expect(one.reason).toMatchObject({ code: status.UNAVAILABLE });
  expect(doubles((await client.call("ModelInfer", request)).raw_output_contents[0])).toEqual([...wanted]);
  client.close();
});

test("asks for the token where REST does, and ends with the server, what is under way answered", async () => {
  const server = await serving({ token: "geheim" });
  const client = clientOf(await server.app.listenGrpc({ host: "127.0.0.1", port: 0 }));
  const request = { model_name: "boston", inputs: columns(0, 1) };
  expect(await client.call("ServerLive")).toEqual({ live: true });
  await expect(client.call("ModelInfer", request)).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
  const metadata = new Metadata();
  metadata.set("authorization", "Bearer geheim");
  const last = client.call("ModelInfer", request, metadata);
  expect((await last).outputs[0].contents.fp64_contents).toEqual([expected[0]]);
  await server[Symbol.asyncDispose]();
  await expect(client.call("ServerLive")).rejects.toMatchObject({ code: status.UNAVAILABLE });
  client.close();
});
