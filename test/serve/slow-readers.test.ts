import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { fit } from "../../src/index.js";
import { binaryBody, binaryPredictions, type Got, infer, type Serving, send, serving } from "./serving.js";

// Clients that read their answers slowly or not at all: an answer's memory and a place are theirs until it is sent.

const line = fit(Float64Array.of(0, 1, 2, 3), [1 / 3, 1, 2, 3], { terms: ["x"] });
const PATH = "/v2/models/boston/infer";

/** A request of `rows` bytes for an answer of 8 (binary) or some 20 (JSON) times as many. */
function large(rows: number, binary: boolean): Buffer {
  const tensor = { name: "x", datatype: "UINT8", shape: [rows] };
  const more = binary ? undefined : {};
  const { body, headers } = binaryBody([{ tensor, bytes: new Uint8Array(rows).fill(1) }], more);
  const head =
    `POST ${PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n` +
    `Inference-Header-Content-Length: ${headers["inference-header-content-length"]}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

async function metric(server: Serving, name: string): Promise<number> {
  const text = (await send(`${server.url}/metrics`)).body.toString();
  return Number(new RegExp(`^${name} (.+)$`, "m").exec(text)?.[1]);
}

/** Asks until the answer is as hoped; the test's own timeout ends it where it never is. */
async function until(hope: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await hope())) await sleep(5);
}

const gone = (socket: Socket) => new Promise<void>((resolve) => socket.once("close", () => resolve()));

/** A client that sends a request and reads by itself: nothing, or some bytes now and then. */
function reader(server: Serving, request: string | Buffer): Socket {
  const socket = connect(server.port, "127.0.0.1");
  socket.on("error", () => {});
  socket.pause();
  socket.write(request);
  return socket;
}

const empty = (server: Serving) =>
  until(
    async () =>
      (await metric(server, "goml_queue_requests")) === 0 && (await metric(server, "goml_queue_bytes")) === 0,
  );

async function works(server: Serving): Promise<void> {
  const { json } = await infer(server.url, {
    inputs: [{ name: "x", shape: [1], datatype: "FP64", data: [2] }],
  });
  expect(json.outputs[0].data).toEqual([line.predict([[2]])[0]]);
}

test.concurrent.each([
  ["a large answer in JSON, of which it reads nothing", large(1_000_000, false), 0],
  ["a large binary answer, of which it reads nothing", large(4_000_000, true), 0],
  ["a large answer, of which it reads a little all the time", large(4_000_000, true), 1000],
])("%s: the client is given up, and its place and memory are free", async (_what, request, sip) => {
  // No progress for 30 seconds is another rule: here it is the rate.
  await using server = await serving({ leastRate: 1 << 24 }, { boston: line });
  const socket = reader(server, request);
  const timer = setInterval(() => sip > 0 && socket.read(sip), 50);
  await until(async () => (await metric(server, "goml_queue_bytes")) > 1e6);
  await until(async () => (await metric(server, "goml_slow_readers_total")) === 1);
  await empty(server);
  clearInterval(timer);
  socket.resume();
  await gone(socket);
  const text = (await send(`${server.url}/metrics`)).body.toString();
  expect(text).toContain('model="boston",status="499"} 1');
  await works(server);
});

test("small answers by the thousand on one connection, none of which it reads: all places are free again", async () => {
  await using server = await serving({ sendTimeout: 300 }, { boston: line });
  const body = JSON.stringify({ inputs: [{ name: "x", shape: [1], datatype: "FP64", data: [2] }] });
  const one = `POST ${PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  // Answers that fill the system's buffers, so that those to what follows cannot leave.
  const socket = reader(
    server,
    `GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n`.repeat(2000) + one.repeat(500),
  );
  await until(async () => (await metric(server, "goml_slow_readers_total")) === 1);
  await empty(server);
  socket.resume();
  await gone(socket);
  await works(server);
});

test.concurrent("a client that reads slowly, but faster than it has to, gets all of it", async () => {
  const rows = 1_000_000;
  await using server = await serving({ leastRate: 1 << 17, sendTimeout: 5000 }, { boston: line });
  const { body, headers } = binaryBody([
    { tensor: { name: "x", datatype: "UINT8", shape: [rows] }, bytes: new Uint8Array(rows).fill(3) },
  ]);
  const socket = reader(
    server,
    Buffer.concat([
      Buffer.from(
        `POST ${PATH} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: ${body.length}\r\n` +
          `Inference-Header-Content-Length: ${headers["inference-header-content-length"]}\r\n\r\n`,
      ),
      body,
    ]),
  );
  const chunks: Buffer[] = [];
  let ended = false;
  socket.once("end", () => {
    ended = true;
  });
  // 8 MB in pieces of at most 64 KiB: for longer than the 5 seconds after which the rate counts.
  while (!ended) {
    const chunk: Buffer | null = socket.read(Math.min(65_536, socket.readableLength || 1));
    if (chunk !== null) chunks.push(chunk);
    await sleep(50);
  }
  const answer = Buffer.concat(chunks);
  const at = answer.indexOf("\r\n\r\n") + 4;
  const head = answer.toString("latin1", 0, at).toLowerCase();
  const length = /inference-header-content-length: (\d+)/.exec(head)![1]!;
  const got = { headers: { "inference-header-content-length": length }, body: answer.subarray(at) };
  const predictions = binaryPredictions(got as unknown as Got);
  expect(predictions.length).toBe(rows);
  expect(new Set(predictions)).toEqual(new Set(line.predict([[3]])));
  expect(await metric(server, "goml_slow_readers_total")).toBe(0);
});
