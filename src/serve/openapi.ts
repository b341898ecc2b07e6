import { version } from "../version.js";
import { DATATYPES } from "./tensor.js";

type Schema = Record<string, unknown>;

const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
const object = (properties: Record<string, Schema>, required: readonly string[]): Schema => ({
  type: "object",
  properties,
  required,
});
const text: Schema = { type: "string" };
const arrayOf = (items: Schema): Schema => ({ type: "array", items });
const json = (schema: Schema): Schema => ({ content: { "application/json": { schema } } });
const ok = (description: string, schema: Schema): Schema => ({ description, ...json(schema) });
const error = (description: string): Schema => ({ description, ...json(ref("error")) });

const parameters: Schema = { type: "object", additionalProperties: true };
const shape = arrayOf({ type: "integer", minimum: -1 });
const datatype: Schema = { type: "string", enum: DATATYPES };

const SCHEMAS: Record<string, Schema> = {
  error: object({ error: text }, ["error"]),
  server: object({ name: text, version: text, extensions: arrayOf(text) }, ["name", "version", "extensions"]),
  tensor_metadata: object({ name: text, datatype, shape }, ["name", "datatype", "shape"]),
  model: object(
    {
      name: text,
      versions: arrayOf(text),
      platform: text,
      inputs: arrayOf(ref("tensor_metadata")),
      outputs: arrayOf(ref("tensor_metadata")),
      parameters,
    },
    ["name", "platform", "inputs", "outputs"],
  ),
  infer_parameters: {
    type: "object",
    additionalProperties: true,
    properties: {
      interval: {
        type: "string",
        enum: ["none", "confidence", "prediction", "conformal"],
        description: "Adds the outputs lower and upper.",
      },
      level: { type: "number", description: "Between 0 and 1." },
      binary_data_output: { type: "boolean" },
    },
  },
  tensor_data: { type: "array", items: {}, description: "Flat, or nested as the shape is." },
  request_input: object({ name: text, shape, datatype, parameters, data: ref("tensor_data") }, [
    "name",
    "shape",
    "datatype",
  ]),
  request_output: object({ name: text, parameters }, ["name"]),
  infer_request: object(
    {
      id: text,
      parameters: ref("infer_parameters"),
      inputs: arrayOf(ref("request_input")),
      outputs: arrayOf(ref("request_output")),
    },
    ["inputs"],
  ),
  response_output: object({ name: text, shape, datatype, parameters, data: ref("tensor_data") }, [
    "name",
    "shape",
    "datatype",
  ]),
  infer_response: object(
    { model_name: text, model_version: text, id: text, parameters, outputs: arrayOf(ref("response_output")) },
    ["model_name", "outputs"],
  ),
  invocation: {
    type: "object",
    description: "Exactly one of the four.",
    properties: {
      dataframe_split: object({ columns: arrayOf(text), data: arrayOf(arrayOf({})) }, ["data"]),
      dataframe_records: arrayOf({ type: "object" }),
      instances: {},
      inputs: {},
    },
    minProperties: 1,
  },
  predictions: object({ predictions: arrayOf({ type: "number", nullable: true }) }, ["predictions"]),
};

const REFUSALS = {
  "400": error("The body does not fit the model."),
  "403": error("The host or the page's origin is not allowed."),
  "408": error("The body arrived too slowly."),
  "413": error("The body, or the answer, is too large: send smaller batches, or binary data."),
  "415": error("The content type or encoding is not supported."),
  "503": {
    ...error("The server has too much to do; try again."),
    headers: { "Retry-After": { schema: { type: "integer" }, description: "Seconds." } },
  },
};

/** The OpenAPI 3.0 description of what the server answers. */
export function openApiDocument(prefix: string, secured: boolean): object {
  const open = { security: [] };
  const get = (summary: string, responses: Schema, more: Schema = {}) => ({
    get: { summary, responses, ...more },
  });
  const paths: Record<string, Schema> = {
    "/v2": get("Server metadata", { "200": ok("What the server is.", ref("server")) }),
    "/v2/health/live": get("Whether the server lives", { "200": { description: "It does." } }, open),
    "/v2/health/ready": get(
      "Whether requests should be sent here",
      { "200": { description: "Yes." }, "503": { description: "No: it is starting or about to stop." } },
      open,
    ),
    "/v2/models": get("Names of the models", {
      "200": ok("The names.", object({ models: arrayOf(text) }, ["models"])),
    }),
    "/invocations": {
      post: {
        summary: "Prediction in MLflow's dialect",
        parameters: [{ name: "model", in: "query", required: false, schema: text }],
        requestBody: {
          content: {
            "application/json": { schema: ref("invocation") },
            "application/x-www-form-urlencoded": { schema: ref("invocation") },
            "text/plain": { schema: ref("invocation") },
            "text/csv": { schema: text },
          },
        },
        responses: { "200": ok("One prediction per row.", ref("predictions")), ...REFUSALS },
      },
    },
    "/ping": get("Whether requests should be sent here", { "200": { description: "Yes." } }, open),
    "/health": get("Whether requests should be sent here", { "200": { description: "Yes." } }, open),
    "/version": get("Version of goml", {
      "200": { description: "The version.", content: { "text/plain": { schema: text } } },
    }),
    "/metrics": get("Prometheus metrics", {
      "200": { description: "The metrics.", content: { "text/plain": { schema: text } } },
    }),
  };
  for (const versioned of [false, true]) {
    const base = `/v2/models/{model}${versioned ? "/versions/{version}" : ""}`;
    const named = (versioned ? ["model", "version"] : ["model"]).map((name) => ({
      name,
      in: "path",
      required: true,
      schema: text,
    }));
    const unknown = { "404": error("There is no such model.") };
    paths[base] = {
      parameters: named,
      ...get("Model metadata", { "200": ok("The model.", ref("model")), ...unknown }),
    };
    paths[`${base}/ready`] = {
      parameters: named,
      ...get("Whether the model is ready", {
        "200": { description: "It is." },
        "503": { description: "It is not." },
        ...unknown,
      }),
    };
    paths[`${base}/infer`] = {
      parameters: named,
      post: {
        summary: "Prediction",
        parameters: [
          {
            name: "Inference-Header-Content-Length",
            in: "header",
            required: false,
            schema: { type: "integer" },
            description: "Bytes of JSON before the binary data.",
          },
        ],
        requestBody: {
          required: true,
          content: {
            "application/json": { schema: ref("infer_request") },
            "application/octet-stream": { schema: { type: "string", format: "binary" } },
          },
        },
        responses: { "200": ok("The predictions.", ref("infer_response")), ...unknown, ...REFUSALS },
      },
    };
  }
  return {
    openapi: "3.0.3",
    info: {
      title: "goml serve",
      version,
      description: "Linear models over the Open Inference Protocol (V2) and MLflow's scoring protocol.",
    },
    servers: [{ url: prefix === "" ? "/" : prefix }],
    ...(secured ? { security: [{ bearer: [] }] } : {}),
    paths,
    components: {
      schemas: SCHEMAS,
      ...(secured ? { securitySchemes: { bearer: { type: "http", scheme: "bearer" } } } : {}),
    },
  };
}
