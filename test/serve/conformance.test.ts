import { Ajv } from "ajv";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { infer, matrixRequest, type Serving, send, serving, X } from "./serving.js";

// What the published description of the protocol asks of answers: open_inference_rest.yaml of
// github.com/kserve/open-inference-protocol (specification/protocol, version 2.0, Apache-2.0), its response schemas
// restated here by their required properties and types.
const text = { type: "string" };
const parameters = { type: "object" };
const integers = { type: "array", items: { type: "integer" } };
const tensorMetadata = {
  type: "object",
  properties: { name: text, datatype: text, shape: integers },
  required: ["name", "datatype", "shape"],
};
const schemas = {
  metadata_server_response: {
    type: "object",
    properties: { name: text, version: text, extensions: { type: "array", items: text } },
    required: ["name", "version", "extensions"],
  },
  metadata_model_response: {
    type: "object",
    properties: {
      name: text,
      versions: { type: "array", items: text },
      platform: text,
      inputs: { type: "array", items: tensorMetadata },
      outputs: { type: "array", items: tensorMetadata },
    },
    required: ["name", "platform"],
  },
  inference_response: {
    type: "object",
    properties: {
      model_name: text,
      model_version: text,
      id: text,
      parameters,
      outputs: {
        type: "array",
        items: {
          type: "object",
          properties: {
            name: text,
            shape: integers,
            datatype: text,
            parameters,
            data: { type: "array", items: { type: ["array", "number", "string", "boolean"] } },
          },
          required: ["name", "shape", "datatype", "data"],
        },
      },
    },
    required: ["model_name", "outputs"],
  },
  error_response: { type: "object", properties: { error: text }, required: ["error"] },
};
const ajv = new Ajv({ allowUnionTypes: true });
const conforms = (schema: keyof typeof schemas, value: unknown) => {
  const ok = ajv.validate(schemas[schema], value);
  expect(ok ? [] : ajv.errors).toEqual([]);
};

let server: Serving;
let url: string;
beforeAll(async () => {
  server = await serving();
  url = server.url;
});
afterAll(() => server[Symbol.asyncDispose]());

describe("the paths of the published description", () => {
  test("/v2/ and /v2: server metadata", async () => {
    for (const path of ["/v2", "/v2/"]) {
      const got = await send(`${url}${path}`);
      expect(got.status).toBe(200);
      conforms("metadata_server_response", got.json);
      // The extension's own description: a server that supports it reports it by this name.
      expect(got.json.extensions).toContain("binary_tensor_data");
    }
  });

  test("/v2/health/live and /v2/health/ready", async () => {
    expect((await send(`${url}/v2/health/live`)).status).toBe(200);
    expect((await send(`${url}/v2/health/ready`)).json).toEqual({ live: true, ready: true });
  });

  test("/v2/models/{name} with and without /versions/{version}: metadata, ready, infer", async () => {
    for (const base of [`${url}/v2/models/boston`, `${url}/v2/models/boston/versions/1`]) {
      const metadata = (await send(base)).json;
      conforms("metadata_model_response", metadata);
      expect([metadata.name, metadata.versions]).toEqual(["boston", ["1"]]);
      expect(metadata.inputs).toHaveLength(13);
      expect(metadata.outputs).toEqual([{ name: "prediction", datatype: "FP64", shape: [-1] }]);
      expect((await send(`${base}/ready`)).json).toEqual({ name: "boston", ready: true });
      const got = await send(`${base}/infer`, JSON.stringify(matrixRequest(X, { id: "42" })));
      conforms("inference_response", got.json);
      expect(got.json.id).toBe("42");
    }
  });

  test("a request built from the metadata alone is answered with what they announce", async () => {
    const { inputs, outputs } = (await send(`${url}/v2/models/boston`)).json;
    const request = {
      inputs: inputs.map(
        ({ name, datatype, shape }: { name: string; datatype: string; shape: number[] }) => ({
          name,
          datatype,
          shape: shape.map((size) => (size === -1 ? 3 : size)),
          data: [1, 2, 3],
        }),
      ),
      outputs: outputs.map(({ name }: { name: string }) => ({ name })),
    };
    const { json } = await infer(url, request);
    conforms("inference_response", json);
    expect(json.outputs[0]).toMatchObject({ ...outputs[0], shape: [3] });
  });

  test("errors are {error}, with a status of 400 or more", async () => {
    const got = [
      await infer(url, {}),
      await send(`${url}/v2/models/nope`),
      await send(`${url}/v2/models/nope/infer`, "{}"),
      await send(`${url}/v2/nothing`),
      await send(`${url}/v2/models/boston/infer`),
      await send(`${url}/v2/health/live`, "{}"),
      await send(`${url}/v2`, undefined, {}, "DELETE"),
    ];
    for (const { status, json } of got) {
      expect(status).toBeGreaterThanOrEqual(400);
      conforms("error_response", json);
    }
    expect(got.slice(4).map(({ status }) => status)).toEqual([405, 405, 405]);
  });
});

test("our own description names every path of the published one, and more", async () => {
  const { openapi, paths } = (await send(`${url}/openapi.json`)).json;
  expect(openapi).toMatch(/^3\.0/);
  const published = [
    ["/v2/health/live", "get"],
    ["/v2/health/ready", "get"],
    ["/v2", "get"],
    ["/v2/models/{model}", "get"],
    ["/v2/models/{model}/ready", "get"],
    ["/v2/models/{model}/infer", "post"],
    ["/v2/models/{model}/versions/{version}", "get"],
    ["/v2/models/{model}/versions/{version}/ready", "get"],
    ["/v2/models/{model}/versions/{version}/infer", "post"],
    ["/invocations", "post"],
    ["/metrics", "get"],
  ];
  for (const [path, method] of published) expect(paths[path!]).toHaveProperty(method!);
});

test("answers are what our own description says", async () => {
  const document = (await send(`${url}/openapi.json`)).json;
  const own = new Ajv({ strict: false });
  own.addSchema({ $id: "openapi", components: document.components });
  const check = (name: string, value: unknown) => {
    const ok = own.validate({ $ref: `openapi#/components/schemas/${name}` }, value);
    expect(ok ? [] : own.errors).toEqual([]);
  };
  check("server", (await send(`${url}/v2`)).json);
  check("model", (await send(`${url}/v2/models/boston`)).json);
  const request = matrixRequest(X.subarray(0, 26));
  check("infer_request", request);
  check("infer_response", (await infer(url, request)).json);
  check("error", (await infer(url, {})).json);
});
