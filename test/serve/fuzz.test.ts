import { Agent, request } from "node:http";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { binaryMatrix, expected, infer, matrixRequest, names, type Serving, serving, X } from "./serving.js";

const BODIES = 10_000;

let server: Serving;
const agent = new Agent({ keepAlive: true, maxSockets: 8 });
beforeAll(async () => {
  // Small thresholds: half of the bodies go to a worker thread.
  server = await serving({ inlineBytes: { json: 300, csv: 100, binary: 300 } });
});
afterAll(async () => {
  agent.destroy();
  await server[Symbol.asyncDispose]();
});

interface Attack {
  path: string;
  headers: Record<string, string>;
  body: Buffer;
}

const good = JSON.stringify(matrixRequest(X.subarray(0, 26), { id: "1" }));
const binary = binaryMatrix(X.subarray(0, 26));
const inferPath = "/v2/models/boston/infer";
const attack = (body: Buffer | string, headers: Record<string, string> = {}, path = inferPath): Attack => ({
  path,
  headers,
  body: Buffer.from(body as string),
});

/** Any JSON but the one that a place asks for. */
const wrongValue = fc.oneof(
  fc.constantFrom(null, true, false, "", "x", -1, 1.5, 1e300, {}, [], [[]], [null], { a: 1 }, "__proto__"),
  fc.jsonValue({ maxDepth: 3 }),
);
const paths: (readonly (string | number)[])[] = [
  ["inputs"],
  ["inputs", 0],
  ["inputs", 0, "shape"],
  ["inputs", 0, "shape", 0],
  ["inputs", 0, "shape", 1],
  ["inputs", 0, "datatype"],
  ["inputs", 0, "data"],
  ["inputs", 0, "data", 3],
];

// biome-ignore lint/suspicious/noExplicitAny: the document is broken on purpose
function replaced(path: readonly (string | number)[], value: unknown): any {
  // biome-ignore lint/suspicious/noExplicitAny: as above
  const document: any = JSON.parse(good);
  const parent = path.slice(0, -1).reduce((at, key) => at[key], document);
  parent[path.at(-1)!] = value;
  return document;
}

/** What the place held, or what would be as good there, is not malformed. */
const isWrong = ([path, value]: readonly [readonly (string | number)[], unknown]) =>
  !(path.at(-1) === 3 && typeof value === "number" && Number.isFinite(value)) &&
  !(path.at(-1) === 0 && path.length === 4 && value === 2) &&
  !(path.at(-1) === 1 && value === 13) &&
  !(path.at(-1) === "datatype" && (value === "FP64" || value === "FP32"));

const attacks: fc.Arbitrary<Attack> = fc.oneof(
  // Bytes that are no JSON object.
  fc.uint8Array({ maxLength: 600 }).map((bytes) => attack(Buffer.from(bytes))),
  // A good request cut off.
  fc.nat(good.length - 1).map((length) => attack(good.slice(0, length))),
  // A good request with one part of it replaced.
  fc
    .tuple(fc.constantFrom(...paths), wrongValue)
    .filter(isWrong)
    .map(([path, value]) => attack(JSON.stringify(replaced(path, value)))),
  // Any other JSON.
  fc.json({ maxDepth: 4 }).map((text) => attack(text)),
  // A binary request whose lengths do not agree.
  fc
    .tuple(fc.nat(binary.body.length), fc.integer({ min: -5, max: 1000 }))
    .filter(
      ([length, header]) =>
        length !== binary.body.length || header !== Number(binary.headers["inference-header-content-length"]),
    )
    .map(([length, header]) =>
      attack(binary.body.subarray(0, length), { "inference-header-content-length": String(header) }),
    ),
  // MLflow's dialect.
  fc
    .tuple(fc.constantFrom("dataframe_split", "dataframe_records", "instances", "inputs"), wrongValue)
    .filter(([, value]) => !(Array.isArray(value) && value.length === 0))
    .map(([format, value]) =>
      attack(JSON.stringify({ [format]: value }), { "content-type": "application/json" }, "/invocations"),
    ),
  fc
    .string({ maxLength: 300 })
    .map((text) =>
      attack(`${names.slice(1).join(",")}\n${text}`, { "content-type": "text/csv" }, "/invocations"),
    ),
);

function send({ path, headers, body }: Attack): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sending = request(
      server.url + path,
      { method: "POST", agent, headers: { ...headers, "content-length": body.length } },
      (answer) => {
        let text = "";
        answer.setEncoding("utf8");
        answer.on("data", (part: string) => {
          text += part;
        });
        answer.on("end", () => resolve({ status: answer.statusCode!, text }));
      },
    );
    sending.on("error", reject);
    sending.end(body);
  });
}

test(`${BODIES} malformed bodies: always 4xx with a reason, never a crash`, async () => {
  const seed = 20_261_120;
  const all = fc.sample(attacks, { numRuns: BODIES, seed });
  const surprises: unknown[] = [];
  const next = all.values();
  const client = async () => {
    for (const one of next) {
      const { status, text } = await send(one);
      const reason = JSON.parse(text).error;
      if (status < 400 || status > 499 || typeof reason !== "string" || reason.length > 1000)
        surprises.push({ status, text, path: one.path, headers: one.headers, body: one.body.toString() });
    }
  };
  await Promise.all(Array.from({ length: 8 }, client));
  expect(surprises).toEqual([]);
  expect((await infer(server.url, matrixRequest(X))).json.outputs[0].data).toEqual([...expected]);
});
