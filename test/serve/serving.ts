import { readFileSync } from "node:fs";
import { type Agent, request as httpRequest, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { fit, type LinearModel } from "../../src/index.js";
import {
  createServer,
  type GomlServer,
  type ServeModels,
  type ServerOptions,
} from "../../src/serve/index.js";

const lines = readFileSync(new URL("../../data/boston.csv", import.meta.url), "utf8")
  .trim()
  .split("\n");
const cells = lines.slice(1).map((line) => line.split(",").map(Number));

/** Boston's 13 features, its rows and the model of medv on them. */
export const names = lines[0]!.split(",").slice(0, 13);
export const rows = cells.map((row) => row.slice(0, 13));
export const X = Float64Array.from(rows.flat());
export const boston: LinearModel = fit(
  X,
  cells.map((row) => row[13]!),
  { terms: names, target: "medv" },
);
export const expected = boston.predict(X);

/** `X` repeated to `n` rows, and their predictions. */
export function manyRows(n: number): { X: Float64Array; expected: Float64Array } {
  const many = new Float64Array(n * 13);
  for (let i = 0; i < n; i++) many.set(rows[i % rows.length]!, i * 13);
  return { X: many, expected: boston.predict(many) };
}

/** A server that listens, and how to reach it. */
export interface Serving extends AsyncDisposable {
  app: GomlServer;
  port: number;
  url: string;
}

/** Starts a server for a test, which `await using` ends. */
export async function serving(
  options: ServerOptions = {},
  models: ServeModels = { boston },
): Promise<Serving> {
  const app = createServer(models, { threads: 1, ...options });
  await app.listen({ port: 0 });
  const { port } = app.server.address() as AddressInfo;
  return {
    app,
    port,
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      await app.shutDown({ deadline: 2000 });
    },
  };
}

/** What came back. */
export interface Got {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into documents of any form
  json: any;
}

/** Sends a request exactly as given: unlike fetch, with no Content-Type that was not asked for. */
export function send(
  url: string,
  body?: string | Uint8Array,
  headers: Record<string, string | number> = {},
  method = body === undefined ? "GET" : "POST",
  agent: Agent | false = false,
): Promise<Got> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method, headers, agent }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("error", reject);
      answer.on("end", () => {
        const all = Buffer.concat(chunks);
        resolve({
          status: answer.statusCode!,
          headers: answer.headers,
          body: all,
          get json() {
            return JSON.parse(all.toString());
          },
        });
      });
    });
    request.on("error", reject);
    request.end(body);
  });
}

/** Sends an inference request as JSON. */
export function infer(url: string, document: unknown, headers: Record<string, string> = {}): Promise<Got> {
  return send(`${url}/v2/models/boston/infer`, JSON.stringify(document), headers);
}

/** A request with all columns in one tensor. */
export function matrixRequest(X: Float64Array, more: object = {}): object {
  const shape = [X.length / 13, 13];
  return { inputs: [{ name: "input", shape, datatype: "FP64", data: Array.from(X) }], ...more };
}

/** A body of the binary extension, and the header that goes with it. */
export function binaryBody(
  tensors: { tensor: object; bytes: Uint8Array }[],
  more: object = { parameters: { binary_data_output: true } },
): { body: Buffer; headers: Record<string, string> } {
  const inputs = tensors.map(({ tensor, bytes }) => ({
    ...tensor,
    parameters: { binary_data_size: bytes.length },
  }));
  const head = Buffer.from(JSON.stringify({ inputs, ...more }));
  return {
    body: Buffer.concat([head, ...tensors.map(({ bytes }) => bytes)]),
    headers: { "inference-header-content-length": String(head.length) },
  };
}

/** The whole matrix as one binary tensor. */
export function binaryMatrix(X: Float64Array): { body: Buffer; headers: Record<string, string> } {
  const tensor = { name: "input", shape: [X.length / 13, 13], datatype: "FP64" };
  return binaryBody([{ tensor, bytes: new Uint8Array(X.buffer, X.byteOffset, X.byteLength) }]);
}

/** The numbers of a binary answer. */
export function binaryPredictions({ headers, body }: Got): Float64Array {
  const from = Number(headers["inference-header-content-length"]);
  return new Float64Array(new Uint8Array(body.subarray(from)).buffer);
}
