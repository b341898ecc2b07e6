import { connect, type Socket } from "node:net";
import type { Worker } from "node:worker_threads";
import { afterEach, describe, expect, test } from "vitest";
import { fit } from "../../src/index.js";
import {
  binaryMatrix,
  binaryPredictions,
  expected,
  infer,
  manyRows,
  matrixRequest,
  type Serving,
  send,
  serving,
  X,
} from "./serving.js";

const path = "/v2/models/boston/infer";

/** Threads that were started since the test began. */
const workers: Worker[] = [];
const onWorker = (worker: Worker) => workers.push(worker);
process.on("worker", onWorker);
afterEach(() => {
  workers.length = 0;
});

async function gauge(server: Serving, name: string): Promise<number> {
  const text = (await send(`${server.url}/metrics`)).body.toString();
  return Number(new RegExp(`^${name.replace(/[{}]/g, "\\$&")} (.+)$`, "m").exec(text)?.[1] ?? 0);
}

/** Asks until the answer is as hoped; the test's own timeout ends it where it never is. */
async function until(hope: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await hope())) await new Promise((resolve) => setTimeout(resolve, 5));
}

const empty = (server: Serving) =>
  until(
    async () =>
      (await gauge(server, "goml_queue_requests")) === 0 && (await gauge(server, "goml_pool_pending")) === 0,
  );

async function works(server: Serving): Promise<void> {
  expect((await infer(server.url, matrixRequest(X.subarray(0, 13)))).json.outputs[0].data).toEqual([
    expected[0],
  ]);
  const { body, headers } = binaryMatrix(manyRows(6000).X);
  expect(binaryPredictions(await send(server.url + path, body, headers))[505]).toBe(expected[505]);
}

/** A connection that says what it was told to, byte for byte. */
function raw(
  server: Serving,
  text: string,
): { socket: Socket; received: () => string; closed: Promise<void> } {
  const socket = connect(server.port, "127.0.0.1");
  let received = "";
  socket.on("data", (chunk) => {
    received += chunk.toString("latin1");
  });
  const closed = new Promise<void>((resolve) => {
    socket.on("error", () => {});
    socket.on("close", () => resolve());
  });
  socket.write(text);
  return { socket, received: () => received, closed };
}

describe("a worker thread that dies", () => {
  test("with a request in hand: the request is given to another and answered", async () => {
    await using server = await serving();
    const many = manyRows(30_000);
    const answer = infer(server.url, matrixRequest(many.X));
    await until(() => workers.length === 1);
    await workers[0]!.terminate();
    const { status, json } = await answer;
    expect([status, json.outputs[0].data.length]).toEqual([200, 30_000]);
    expect(json.outputs[0].data).toEqual([...many.expected]);
    expect(workers).toHaveLength(2);
    await works(server);
  });

  test("twice: the request gets 500 and says why, the next ones are answered", async () => {
    await using server = await serving();
    const answer = infer(server.url, matrixRequest(manyRows(30_000).X));
    await until(() => workers.length === 1);
    await workers[0]!.terminate();
    await until(() => workers.length === 2);
    await workers[1]!.terminate();
    const { status, json } = await answer;
    expect([status, json.error]).toEqual([500, expect.stringContaining("a worker thread ended")]);
    await works(server);
    await empty(server);
  });
});

describe("clients that go away", () => {
  test("with half a body sent: nothing is left of it", async () => {
    await using server = await serving();
    for (const length of [1000, 5_000_000]) {
      const { socket } = raw(
        server,
        `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${length}\r\n\r\n{"inputs"`,
      );
      await until(async () => (await gauge(server, "goml_queue_bytes")) === '{"inputs"'.length);
      expect(await gauge(server, "goml_queue_requests")).toBe(1);
      socket.destroy();
      await empty(server);
    }
    expect(await gauge(server, "goml_queue_bytes")).toBe(0);
    const { body } = await send(`${server.url}/metrics`);
    expect(body.toString()).toContain('model="boston",status="499"} 2');
    await works(server);
  });

  test("while their request waits or is worked on: it is dropped, and counts as 499", async () => {
    await using server = await serving();
    const body = JSON.stringify(matrixRequest(manyRows(30_000).X));
    const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n`;
    const clients = [1, 2, 3, 4].map(() => raw(server, head + body));
    await until(async () => (await gauge(server, "goml_pool_pending")) >= 2);
    for (const { socket } of clients) socket.destroy();
    await empty(server);
    const text = (await send(`${server.url}/metrics`)).body.toString();
    const gone = Number(/model="boston",status="499"} (\d)/.exec(text)?.[1]);
    const answered = Number(/model="boston",status="200"} (\d)/.exec(text)?.[1] ?? 0);
    expect(gone + answered).toBe(4);
    expect(gone).toBeGreaterThanOrEqual(2);
    await works(server);
  });

  test("a client that stops reading its answer is given up, and its memory with it", async () => {
    const line = fit(Float64Array.of(0, 1, 2, 3), [1 / 3, 1, 2, 3], { terms: ["x"] });
    await using server = await serving({ sendTimeout: 200 }, { boston: line });
    const rows = 1_000_000;
    const head = JSON.stringify({
      inputs: [{ name: "x", datatype: "UINT8", shape: [rows], parameters: { binary_data_size: rows } }],
    });
    // 1 MB in, 18 MB out: more than the system's buffers hold.
    const { socket, closed } = raw(
      server,
      `POST ${path} HTTP/1.1\r\nHost: localhost\r\nInference-Header-Content-Length: ${head.length}\r\n` +
        `Content-Length: ${head.length + rows}\r\n\r\n${head}`,
    );
    socket.write(Buffer.alloc(rows, 1));
    await new Promise((resolve) => socket.once("data", resolve));
    socket.pause();
    await until(async () => (await gauge(server, "goml_queue_requests")) === 0);
    socket.resume();
    await closed;
    expect((await send(`${server.url}/v2/health/live`)).status).toBe(200);
  });

  test("a client that is too slow gets 408", async () => {
    await using server = await serving({ requestTimeout: 150 });
    for (const start of [
      "POST /v2",
      `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{`,
    ]) {
      const { received, closed } = raw(server, start);
      await closed;
      expect(received()).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
      expect(received()).toContain('{"error":"');
    }
    await empty(server);
    expect((await send(`${server.url}/metrics`)).body.toString()).toContain('model="boston",status="408"} 1');
    await works(server);
  });
});

describe("bodies past the limit", () => {
  const limits = { bodyLimit: 20_000_000 };

  test("1 GB announced: 413 at once, before a byte of it", async () => {
    await using server = await serving();
    const { received, socket } = raw(
      server,
      `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n`,
    );
    await until(() => received().includes("\r\n\r\n{"));
    expect(received()).toMatch(/^HTTP\/1\.1 413 /);
    expect(received()).toContain("the limit is 268435456");
    socket.destroy();
    const careful = raw(
      server,
      `POST ${path} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 1000000000\r\n\r\n`,
    );
    await until(() => careful.received().includes("\r\n\r\n{"));
    expect(careful.received()).toMatch(/^HTTP\/1\.1 413 /);
    careful.socket.destroy();
    await works(server);
  });

  test("one that is allowed is asked for with 100 Continue", async () => {
    await using server = await serving();
    const body = JSON.stringify(matrixRequest(X.subarray(0, 13)));
    const { received, socket } = raw(
      server,
      `POST ${path} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: ${body.length}\r\n\r\n`,
    );
    await until(() => received().startsWith("HTTP/1.1 100 Continue\r\n"));
    socket.write(body);
    await until(() => received().includes("HTTP/1.1 200 OK"));
    socket.destroy();
  });

  test("sent all the same, or in chunks without an announcement: 413, which the client gets to read", async () => {
    await using server = await serving(limits);
    const zeros = Buffer.alloc(30_000_000);
    expect((await send(server.url + path, zeros)).status).toBe(413);
    expect((await send(server.url + path, zeros, { "transfer-encoding": "chunked" })).status).toBe(413);
    await empty(server);
    expect(await gauge(server, "goml_queue_bytes")).toBe(0);
    await works(server);
  });
});

describe("the queue", () => {
  test("one request more than it holds gets 503 with Retry-After; when one leaves there is room again", async () => {
    await using server = await serving({ queueLimit: 2, retryAfter: 7 });
    const held = [1, 2].map(() =>
      raw(server, `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{`),
    );
    await until(async () => (await gauge(server, "goml_queue_requests")) === 2);
    const got = await infer(server.url, matrixRequest(X));
    expect([got.status, got.headers["retry-after"]]).toEqual([503, "7"]);
    expect(got.json.error).toContain("busy with 2 requests");
    // Others than inference requests are not held up.
    expect((await send(`${server.url}/v2/health/live`)).status).toBe(200);
    held[0]!.socket.destroy();
    await until(async () => (await gauge(server, "goml_queue_requests")) === 1);
    expect((await infer(server.url, matrixRequest(X))).status).toBe(200);
    held[1]!.socket.destroy();
  });

  test("more bytes than it holds get 503, announced or not, but one body alone always fits", async () => {
    await using server = await serving({ queueBytes: 1000 });
    await works(server);
    const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900\r\n\r\n{`;
    const held = raw(server, head + " ".repeat(898));
    await until(async () => (await gauge(server, "goml_queue_bytes")) === 899);
    const body = JSON.stringify(matrixRequest(X.subarray(0, 26)));
    expect((await send(server.url + path, body)).status).toBe(503);
    expect((await send(server.url + path, body, { "transfer-encoding": "chunked" })).status).toBe(503);
    held.socket.destroy();
    await until(async () => (await gauge(server, "goml_queue_bytes")) === 0);
    await works(server);
  });
});

test("what is not HTTP gets 400 in the protocol's form", async () => {
  await using server = await serving();
  const { received, closed } = raw(server, "HELLO\r\n\r\n");
  await closed;
  expect(received()).toMatch(/^HTTP\/1\.1 400 /);
  expect(received()).toContain('{"error":"the request is not HTTP"}');
  const large = raw(server, `GET /v2 HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(70_000)}\r\n\r\n`);
  await large.closed;
  expect(large.received()).toMatch(/^HTTP\/1\.1 431 /);
  await works(server);
});
