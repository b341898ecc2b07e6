import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { boston, expected, manyRows, matrixRequest, X } from "./serving.js";

/** Where the scripts' requests go. */
const PATH = "/v2/models/boston/infer";

/** A fixed generator (mulberry32): a script is its seed. */
function generator(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What a connection does to the server, step by step, and what came back. */
interface Line {
  readonly socket: Socket;
  readonly random: () => number;
  received: string;
  /** The ids of the good requests sent, in order. */
  readonly asked: string[];
}

const small = JSON.stringify(matrixRequest(X.subarray(0, 13)));
const large = JSON.stringify(matrixRequest(manyRows(2000).X));
const deep = `{"inputs":${"[".repeat(5000)}${"]".repeat(5000)}}`;
const bomb = gzipSync(Buffer.alloc(64 << 20, 0x20));
const head = (length: number, more = "") =>
  `POST ${PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${length}\r\n${more}\r\n`;

/** A good request, its id told back by its answer. */
function good(line: Line, body: string, more = ""): string {
  const id = `${line.asked.length}`;
  line.asked.push(id);
  const text = `{"id":"${id}",${body.slice(1)}`;
  return head(Buffer.byteLength(text), more) + text;
}

/** What may stand in X-Forwarded-For, written by a proxy or by nobody who means well. */
const FORWARDED = [
  "192.0.2.1",
  "203.0.113.9, 192.0.2.1",
  "::ffff:192.0.2.1",
  "2001:db8::1",
  "[2001:db8::1]:80",
  "fe80::1%eth0",
  "192.0.2.1:99",
  "unknown, _x",
  ",,, ,",
  ":::::::::",
  "x".repeat(2000),
];

const below = ({ random }: Line, n: number) => Math.floor(random() * n);
const write = async ({ socket }: Line, data: string | Uint8Array) => {
  if (!socket.destroyed) socket.write(data);
};

/** What a client may do, well or badly; each ends where the next may begin, or the connection does. */
const ACTIONS: Record<string, (line: Line) => Promise<unknown>> = {
  small: (line) => write(line, good(line, small)),
  large: (line) => write(line, good(line, large)),
  /** Several at once, without waiting for answers. */
  pipelined: (line) =>
    write(
      line,
      Array.from({ length: 2 + below(line, 6) }, () => good(line, line.random() < 0.3 ? large : small)).join(
        "",
      ),
    ),
  gzip: (line) => {
    const body = gzipSync(small);
    return write(line, Buffer.concat([Buffer.from(head(body.length, "Content-Encoding: gzip\r\n")), body]));
  },
  "gzip that is cut off": (line) => {
    const body = gzipSync(large).subarray(0, -20 - below(line, 1000));
    return write(line, Buffer.concat([Buffer.from(head(body.length, "Content-Encoding: gzip\r\n")), body]));
  },
  "a gzip bomb": (line) =>
    write(line, Buffer.concat([Buffer.from(head(bomb.length, "Content-Encoding: gzip\r\n")), bomb])),
  async slow(line) {
    const text = good(line, small);
    for (let at = 0; at < text.length && !line.socket.destroyed; ) {
      const size = 1 + below(line, 400);
      await write(line, text.slice(at, at + size));
      at += size;
      await sleep(below(line, 6));
    }
  },
  async "half a body"(line) {
    await write(line, head(1000 + below(line, 5_000_000)) + small.slice(0, below(line, small.length)));
    await sleep(below(line, 30));
    line.socket.destroy();
  },
  async "half a large body, reset"(line) {
    await write(line, head(large.length) + large.slice(0, below(line, large.length)));
    await sleep(below(line, 30));
    line.socket.resetAndDestroy();
  },
  async "gone before the answer"(line) {
    await write(line, good(line, large) + good(line, small));
    await sleep(below(line, 20));
    if (line.random() < 0.5) line.socket.resetAndDestroy();
    else line.socket.destroy();
  },
  /** Says that no more will come, and still reads. */
  async "half open"(line) {
    await write(line, good(line, line.random() < 0.5 ? small : large));
    line.socket.end();
  },
  async "reads nothing"(line) {
    line.socket.pause();
    await write(line, good(line, large));
    await sleep(below(line, 50));
    line.socket.destroy();
  },
  /** Takes some bytes of its answers now and then, and the rest at last or never. */
  async "reads by sips"(line) {
    line.socket.removeAllListeners("data");
    line.socket.pause();
    await write(line, good(line, large) + good(line, small));
    for (let i = below(line, 12); i > 0; i--) {
      const sip = line.socket.read(1 + below(line, 500));
      if (sip !== null) line.received += sip.toString("latin1");
      await sleep(below(line, 8));
    }
    line.socket.on("data", (chunk) => {
      line.received += chunk.toString("latin1");
    });
    line.socket.resume();
  },
  /** More answers than the system's buffers hold. */
  async "a flood, and reads nothing of it"(line) {
    line.socket.pause();
    await write(line, Array.from({ length: 20 + below(line, 60) }, () => good(line, large)).join(""));
    await sleep(below(line, 60));
    if (line.random() < 0.5) line.socket.destroy();
    else line.socket.resume();
  },
  forwarded: (line) =>
    write(line, good(line, small, `X-Forwarded-For: ${FORWARDED[below(line, FORWARDED.length)]}\r\n`)),
  "too large, announced": (line) => write(line, head(2 ** 32)),
  async "too large, in chunks"(line) {
    await write(line, `POST ${PATH} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n`);
    const chunk = `10000\r\n${" ".repeat(65_536)}\r\n`;
    for (let i = 0; i < 100 && !line.socket.destroyed; i++) await write(line, chunk);
  },
  chunked: (line) =>
    write(
      line,
      `POST ${PATH} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n${small.length.toString(16)}\r\n${small}\r\n0\r\n\r\n`,
    ),
  "a bad chunk": (line) =>
    write(line, `POST ${PATH} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n`),
  "two lengths": (line) => write(line, head(5, "Transfer-Encoding: chunked\r\n") + small),
  "another coding": (line) =>
    write(
      line,
      `POST ${PATH} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    ),
  "expects, and goes": async (line) => {
    await write(line, head(large.length, "Expect: 100-continue\r\n"));
    await sleep(below(line, 20));
    line.socket.destroy();
  },
  deep: (line) => write(line, head(deep.length) + deep),
  garbage: (line) =>
    write(line, Buffer.from(Array.from({ length: 1 + below(line, 300) }, () => below(line, 256)))),
  "headers without end": (line) => write(line, `POST ${PATH} HTTP/1.1\r\nHost: localhost\r\nX: `),
  "huge headers": (line) => write(line, `GET /v2 HTTP/1.1\r\nX: ${"x".repeat(30_000)}`),
  nothing: async () => {},
  metadata: (line) => write(line, "GET /v2/models/boston HTTP/1.1\r\nHost: localhost\r\n\r\n"),
  unknown: (line) => write(line, `GET /${below(line, 1e9)} HTTP/1.1\r\nHost: localhost\r\n\r\n`),
  stranger: (line) => write(line, "GET /v2 HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
  upgrade: (line) =>
    write(line, "GET /v2 HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
};
const names = Object.keys(ACTIONS);
const honest = ["small", "large", "pipelined", "chunked", "gzip"];

const pick = (line: Line) =>
  line.random() < 0.4 ? honest[below(line, honest.length)]! : names[below(line, names.length)]!;

const answers = ({ received }: Line) => received.split('"id":').length - 1;

/** Waits for the answers to what was asked, for a while: some connections have been ended by then. */
async function answered(line: Line): Promise<void> {
  for (let i = 0; i < 100 && !line.socket.destroyed && answers(line) < line.asked.length; i++) await sleep(5);
}

/** Runs the script of a seed, one to three connections at a time, and tells what came back. */
export async function runScript(port: number, seed: number): Promise<{ wrong: string[]; answered: number }> {
  const random = generator(seed);
  const lines = Array.from({ length: 1 + Math.floor(random() * 3) }, () =>
    openLine(port, generator(random() * 2 ** 32)),
  );
  const plans = lines.map((line) => Array.from({ length: 1 + below(line, 4) }, () => pick(line)));
  await Promise.all(
    lines.map(async (line, i) => {
      for (const name of plans[i]!) {
        await ACTIONS[name]!(line);
        if (line.random() < 0.5) await sleep(below(line, 15));
      }
      if (line.random() < 0.6) await answered(line);
      else await sleep(below(line, 40));
      line.socket.destroy();
    }),
  );
  const wrong = lines.flatMap((line, i) =>
    wrongIn(line).map((what) => `seed ${seed}, ${plans[i]!.join(", ")}: ${what}`),
  );
  return { wrong, answered: lines.reduce((sum, line) => sum + answers(line), 0) };
}

function openLine(port: number, random: () => number): Line {
  const socket = connect(port, "127.0.0.1");
  const line: Line = { socket, random, received: "", asked: [] };
  socket.on("data", (chunk) => {
    line.received += chunk.toString("latin1");
  });
  socket.on("error", () => {});
  return line;
}

const ALLOWED = new Set([100, 200, 400, 403, 404, 408, 413, 431, 501, 503]);

/** Statuses that a client should not see, answers to other questions than were asked, and wrong predictions. */
function wrongIn({ received, asked }: Line): string[] {
  const wrong: string[] = [];
  for (const [, status] of received.matchAll(/HTTP\/1\.1 (\d+) /g))
    if (!ALLOWED.has(Number(status))) wrong.push(`status ${status}: ${received.slice(-300)}`);
  const ids = [...received.matchAll(/"id":"(\d+)"/g)].map(([, id]) => id!);
  // Some may have been refused, or not have been answered in time, but never out of order or twice.
  let at = 0;
  for (const id of ids) {
    at = asked.indexOf(id, at) + 1;
    if (at === 0) wrong.push(`answers in the order ${ids.join(", ")}`);
  }
  for (const [, first] of received.matchAll(/"data":\[([^,\]]+)[,\]]/g))
    if (Number(first) !== expected[0] && received.includes(`${first},`))
      wrong.push(`a prediction of ${first}`);
  return wrong;
}

/** The model that the scripts ask for, as a file. */
export const scriptModel = { "boston.json": JSON.stringify(boston) };
