import { connect, type Socket } from "node:net";
import { expect, test } from "vitest";
import { expected, infer, manyRows, matrixRequest, type Serving, send, serving, X } from "./serving.js";

// Clients that hold something for as long as they like: a place, announced bytes, a connection. Over real sockets.

const PATH = "/v2/models/boston/infer";
const small = JSON.stringify(matrixRequest(X.subarray(0, 13)));
const large = JSON.stringify(matrixRequest(manyRows(4000).X));
const head = (length: number, more = "") =>
  `POST ${PATH} HTTP/1.1\r\nHost: localhost\r\n${more}Content-Length: ${length}\r\n\r\n`;

interface Client {
  socket: Socket;
  received: () => string;
  closed: Promise<void>;
}

function client(server: Serving, text: string | Uint8Array, localAddress?: string): Client {
  const socket = connect({ port: server.port, host: "127.0.0.1", localAddress, allowHalfOpen: true });
  let received = "";
  socket.on("data", (chunk) => {
    received += chunk.toString("latin1");
  });
  socket.on("error", () => {});
  const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  if (text.length > 0) socket.write(text);
  return { socket, received: () => received, closed };
}

async function gauge(server: Serving, name: string): Promise<number> {
  const text = (await send(`${server.url}/metrics`)).body.toString();
  return Number(new RegExp(`^${name} (.+)$`, "m").exec(text)![1]);
}
const inside = (server: Serving) => gauge(server, "goml_queue_requests");

/** Asks until the answer is as hoped; the test's own timeout ends it where it never is. */
async function until(hope: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await hope())) await new Promise((resolve) => setTimeout(resolve, 5));
}

const works = async (server: Serving) =>
  expect((await infer(server.url, matrixRequest(X.subarray(0, 13)))).json.outputs[0].data).toEqual([
    expected[0],
  ]);

test("a second request that is pipelined behind a large one, and then nobody: both leave the house", async () => {
  await using server = await serving();
  for (let i = 0; i < 10; i++) {
    const { socket, closed } = client(server, head(large.length) + large + head(small.length) + small);
    await until(async () => (await inside(server)) === 2 || i > 0);
    socket.destroy();
    await closed;
  }
  await until(async () => (await inside(server)) === 0);
  expect(await gauge(server, "goml_queue_bytes")).toBe(0);
  const { body } = await send(`${server.url}/metrics`);
  const counted = [...body.toString().matchAll(/goml_requests_total\{[^}]*infer[^}]*\} (\d+)/g)];
  expect(counted.reduce((sum, [, n]) => sum + Number(n), 0)).toBe(20);
  await works(server);
});

test("an announcement takes no room: others are served while ever so much is announced", async () => {
  await using server = await serving({ queueBytes: 1 << 30 });
  const announced = Array.from({ length: 8 }, () =>
    client(server, `${head(250 << 20, "Inference-Header-Content-Length: 100\r\n")}{`),
  );
  await until(async () => (await inside(server)) === 8);
  expect(await gauge(server, "goml_queue_bytes")).toBe(8);
  await works(server);
  expect((await send(server.url + PATH, large)).status).toBe(200);
  for (const { socket } of announced) socket.destroy();
  await until(async () => (await inside(server)) === 0);
});

test("a body that comes too slowly is refused with 408, its place is free, and its connection ends", async () => {
  await using server = await serving({ leastRate: 1_000_000_000, linger: 100 });
  const slow = client(server, `${head(1000)}{`);
  const timer = setInterval(() => slow.socket.write(" "), 100);
  await slow.closed;
  clearInterval(timer);
  expect(slow.received()).toMatch(/^HTTP\/1\.1 408 /);
  expect(slow.received()).toContain("the body arrives too slowly");
  expect(await inside(server)).toBe(0);
  await works(server);
});

test("a client that got 408 and keeps its end of the connection open keeps nothing else", async () => {
  await using server = await serving({ requestTimeout: 150, linger: 100, queueLimit: 1 });
  const half = client(server, `${head(1000)}{`);
  await until(() => half.received().startsWith("HTTP/1.1 408 "));
  await until(async () => (await inside(server)) === 0);
  // Ours is still open, for it may be; the server's is not.
  await until(() => half.socket.readableEnded || half.socket.destroyed);
  await works(server);
  half.socket.destroy();
});

test("one address has a share of the places; another finds room", async () => {
  await using server = await serving({ queueLimit: 8, clientShare: 0.5 });
  const held = Array.from({ length: 4 }, () => client(server, `${head(1000)}{`, "127.0.0.2"));
  await until(async () => (await inside(server)) === 4);
  const fifth = client(server, head(small.length) + small, "127.0.0.2");
  await until(() => fifth.received().includes("\r\n\r\n{"));
  expect(fifth.received()).toMatch(/^HTTP\/1\.1 503 /);
  expect(fifth.received()).toContain("4 requests of this client");
  await works(server);
  held[0]!.socket.destroy();
  await until(async () => (await inside(server)) === 3);
  const sixth = client(server, head(small.length) + small, "127.0.0.2");
  await until(() => sixth.received().includes('"outputs"'));
  for (const { socket } of [...held, fifth, sixth]) socket.destroy();
});

test("connections that say nothing, or half a header, do not hold up the end", async () => {
  const server = await serving({ linger: 200 });
  const silent = Array.from({ length: 20 }, () => client(server, ""));
  const half = client(server, "POST /v2 HTTP/1.1\r\nHost:");
  const idle = client(server, "GET /v2 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await until(() => idle.received().includes("goml"));
  await until(
    async () => (await new Promise<number>((r) => server.app.server.getConnections((_, n) => r(n)))) >= 22,
  );
  // Without a request under way there is nothing that the deadline could cut off: it ends long before.
  const cut = await server.app.shutDown({ deadline: 1 << 30 });
  expect(cut).toBe(0);
  await Promise.all([...silent, half, idle].map(({ socket }) => socket.destroy()));
});

test("a hundred pipelined requests are answered in order, with one listener on their connection", async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on("warning", onWarning);
  await using server = await serving();
  const bodies = Array.from({ length: 100 }, (_, i) => `{"id":"${i}",${small.slice(1)}`);
  const many = client(server, bodies.map((body) => head(body.length) + body).join(""));
  await until(() => many.received().split('"id":').length === 101);
  expect([...many.received().matchAll(/"id":"(\d+)"/g)].map(([, id]) => Number(id))).toEqual(
    bodies.map((_, i) => i),
  );
  many.socket.destroy();
  process.off("warning", onWarning);
  expect(warnings).toEqual([]);
});
