import { type AddressInfo, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { finished, goml, inFolder, start } from "../cli/goml.js";

// A server that is not one of ours, or not any more: what it does wrong is its fault, said in one line, and never a
// bug of goml, a wait without end, or memory without bound. Each runs the built command against a real socket.

const data = `x\n${Array.from({ length: 20 }, (_, i) => i).join("\n")}\n`;
const metadata = JSON.stringify({
  inputs: [{ name: "x", datatype: "FP64", shape: [-1, 1] }],
  outputs: [{ name: "prediction", datatype: "FP64", shape: [-1] }],
});
const ok = (body: string | Buffer, headers = "") =>
  Buffer.concat([
    Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n${headers}\r\n`),
    Buffer.from(body as string),
  ]);

/** A server that hands each request's connection to `answer`, by whether it asks for the metadata. */
async function hostile(answer: (socket: Socket, asksMetadata: boolean) => void) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      if (/^(GET|POST) /.test(chunk.toString("latin1")))
        answer(socket, chunk.toString("latin1").startsWith("GET"));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v2/models/m`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const header = (outputs: unknown) => Buffer.from(JSON.stringify({ outputs }));
const binary = (head: Buffer | string, bytes: number, length: number | string = head.length) =>
  ok(
    Buffer.concat([Buffer.from(head as string), Buffer.alloc(bytes)]),
    `Inference-Header-Content-Length: ${length}\r\n`,
  );
const output = [{ name: "prediction", datatype: "FP64" }];

const metadataCases: [what: string, body: string, message: RegExp][] = [
  ["HTML", "<html></html>", /metadata are not JSON/],
  ["a number", "7", /metadata are not JSON/],
  ["null", "null", /metadata are not JSON/],
  ["no inputs", "{}", /have no inputs and outputs/],
  ["an input that is null", '{"inputs":[null],"outputs":[]}', /inputs\[0\] without a name/],
  ["an input without a name", '{"inputs":[{"datatype":"FP64"}],"outputs":[]}', /inputs\[0\] without a name/],
  [
    "two inputs of one name",
    `{"inputs":[{"name":"x","datatype":"FP64"},{"name":"x","datatype":"FP64"}],"outputs":[]}`,
    /two inputs called "x"/,
  ],
  ["no outputs", '{"inputs":[],"outputs":[]}', /have no outputs/],
  ["an output that is null", '{"inputs":[],"outputs":[null]}', /outputs\[0\] without/],
  ["nesting without end", "[".repeat(100_000), /metadata are not JSON/],
];
const answerCases: [what: string, answer: Buffer, message: RegExp][] = [
  ["no binary data", ok("{}"), /no binary data/],
  ["a header that is not JSON", binary("{{", 160), /header is not JSON/],
  ["a header that is null", binary("null", 160), /header is not JSON/],
  ["a header beyond the answer", binary("{}", 0, 1000), /no binary data/],
  ["a negative header", binary("{}", 0, "-4"), /no binary data/],
  ["no outputs", binary(header(undefined), 160), /no output "prediction"/],
  ["an output that is null", binary(header([null]), 160), /no output "prediction"/],
  ["too few bytes", binary(header(output), 8), /8 bytes for 20 rows/],
];

async function run(url: string, ...more: string[]) {
  return inFolder({ "data.csv": data }, async (folder) => {
    const result = await goml(folder, ["predict", "data.csv", "--url", url, "-o", "out.csv", ...more]);
    expect(result.left).toEqual(["data.csv"]);
    expect(result.stderr).not.toContain("internal error");
    expect(result.stderr.split("\n").length).toBeLessThanOrEqual(3);
    return result;
  });
}

test.each(metadataCases)("metadata: %s", async (_what, body, message) => {
  await using server = await hostile((socket) => socket.write(ok(body)));
  const { code, stderr } = await run(server.url);
  expect([code, stderr]).toEqual([3, expect.stringMatching(message)]);
});

test.each(answerCases)("an answer: %s", async (_what, answer, message) => {
  await using server = await hostile((socket, asks) => socket.write(asks ? ok(metadata) : answer));
  const { code, stderr } = await run(server.url);
  expect([code, stderr]).toEqual([3, expect.stringMatching(message)]);
});

const lost: [what: string, answer: (socket: Socket) => void, code: number, message: RegExp][] = [
  [
    "says something else than HTTP",
    (socket) => socket.write("SSH-2.0-OpenSSH_9.2\r\n"),
    3,
    /: the answer is not HTTP\n/,
  ],
  [
    "says nothing, and goes",
    (socket) => socket.destroy(),
    3,
    /: cannot be reached: the connection was closed\n/,
  ],
  [
    "goes in the middle of its answer",
    (socket) =>
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", () => socket.resetAndDestroy()),
    3,
    /: cannot be reached: the connection was closed\n/,
  ],
  [
    "sends headers without end",
    (socket) => socket.write(`HTTP/1.1 200 OK\r\n${`X-A: ${"a".repeat(1000)}\r\n`.repeat(100)}`),
    3,
    /: the answer's headers are too large\n/,
  ],
  [
    "sends chunks that are none",
    (socket) => socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"),
    3,
    /: the answer is not HTTP\n/,
  ],
  [
    "sends one elsewhere",
    (socket) =>
      socket.write("HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"),
    3,
    /^goml: the server answered 302: ?\n/,
  ],
  ["has nothing to say", (socket) => socket.write("HTTP/1.1 204 No Content\r\n\r\n"), 3, /answered 204/],
  [
    "says to go on, for ever",
    (socket) => {
      const timer = setInterval(() => socket.write("HTTP/1.1 100 Continue\r\n\r\n"), 10);
      socket.on("close", () => clearInterval(timer));
    },
    3,
    /: no answer within 1 s\n/,
  ],
  [
    "names 300,000 columns",
    (socket) =>
      socket.write(
        ok(
          JSON.stringify({
            inputs: Array.from({ length: 300_000 }, (_, i) => ({ name: `c${i}`, datatype: "FP64" })),
            outputs: [{ name: "prediction", datatype: "FP64" }],
          }),
        ),
      ),
    4,
    /columns of the model are missing: c0, c1, .*, c19 and 299980 more\n/,
  ],
];

test.each(lost)("a server that %s", async (what, answer, status, message) => {
  await using server = await hostile((socket) => answer(socket));
  const { code, stderr } = await run(server.url, ...(what.endsWith("for ever") ? ["--timeout", "1"] : []));
  expect([code, stderr]).toEqual([status, expect.stringMatching(message)]);
});

test("more bytes than there are rows, in a binary answer and after it", async () => {
  for (const bytes of [168, 8000]) {
    await using server = await hostile((socket, asks) =>
      socket.write(asks ? ok(metadata) : binary(header(output), bytes)),
    );
    const { code, stderr } = await run(server.url);
    expect([code, stderr]).toEqual([3, expect.stringContaining(`the answer has ${bytes} bytes for 20 rows`)]);
  }
});

test("TLS asked of a server that has none, and a port where nobody listens", async () => {
  let url = "";
  {
    await using server = await hostile((socket) => socket.write(ok(metadata)));
    url = server.url;
    const { code, stderr } = await run(url.replace("http:", "https:"), "--timeout", "5");
    expect([code, stderr]).toEqual([
      3,
      expect.stringMatching(/cannot be reached: .*\n|no answer within 5 s\n/),
    ]);
  }
  const { code, stderr } = await run(url);
  expect([code, stderr]).toEqual([3, expect.stringContaining("cannot be reached: nobody listens there")]);
});

test("an answer that never ends is cut off at what a question can have, however it comes", async () => {
  const flood = (socket: Socket) => {
    socket.write(
      "HTTP/1.1 200 OK\r\nInference-Header-Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    const piece = Buffer.from(`100000\r\n${" ".repeat(1 << 20)}\r\n`);
    const more = () => {
      while (!socket.destroyed && socket.write(piece));
    };
    socket.on("drain", more);
    more();
  };
  for (const when of ["metadata", "predictions"]) {
    await using server = await hostile((socket, asks) => {
      if (asks && when === "predictions") socket.write(ok(metadata));
      else flood(socket);
    });
    const { code, stderr } = await run(server.url);
    expect([when, code, stderr]).toEqual([
      when,
      3,
      expect.stringMatching(/the answer has more than \d+ bytes/),
    ]);
  }
});

test("--timeout ends a wait: for a connection that says nothing, and for one that drips", async () => {
  const silent = () => {};
  const drip = (socket: Socket) => {
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    const timer = setInterval(() => socket.write(" "), 20);
    socket.on("close", () => clearInterval(timer));
  };
  for (const answer of [silent, drip]) {
    await using server = await hostile(answer);
    const { code, stderr } = await run(server.url, "--timeout", "0.3");
    expect([code, stderr]).toEqual([3, expect.stringContaining("no answer within 0.3 s")]);
  }
});

test("what a server says in a refusal reaches the terminal as one line without its control characters", async () => {
  const body = JSON.stringify({ error: "no\u001b[31m\u0007\u009b2J\r\nyou" });
  await using server = await hostile((socket) =>
    socket.write(`HTTP/1.1 400 Bad Request\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`),
  );
  const { code, stderr } = await run(server.url);
  expect([code, stderr]).toEqual([3, "goml: the server answered 400: no [31m 2J you\n"]);
});

test.each([
  ["while it waits for an answer", () => {}],
  [
    "while it waits to ask again",
    (socket: Socket) => socket.write("HTTP/1.1 503 Busy\r\nRetry-After: 10\r\nContent-Length: 0\r\n\r\n"),
  ],
])("Ctrl-C ends it %s", async (_when, answer) => {
  let asked = () => {};
  const first = new Promise<void>((resolve) => {
    asked = resolve;
  });
  await using server = await hostile((socket) => {
    answer(socket);
    asked();
  });
  await inFolder({ "data.csv": data }, async (folder) => {
    const child = start(folder, ["predict", "data.csv", "--url", server.url, "-o", "out.csv"]);
    const done = finished(child, folder);
    await first;
    // So that the answer is there, and the wait has begun.
    await sleep(100);
    const before = performance.now();
    child.kill("SIGINT");
    const { code, left, stderr } = await done;
    expect([code, left, stderr]).toEqual([130, ["data.csv"], ""]);
    // Far from the 10 and 60 seconds that it would have waited.
    expect(performance.now() - before).toBeLessThan(5000);
  });
});
