import { execFile, spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import Fastify from "fastify";
import { describe, expect, test } from "vitest";
import { createServer, plugin } from "../../src/serve/index.js";
import { inFolder } from "../cli/goml.js";
import { serve } from "./process.js";
import { boston, expected, infer, matrixRequest, names, rows, send, serving, X } from "./serving.js";

const one = matrixRequest(X.subarray(0, 13));
const body = JSON.stringify(one);
const path = "/v2/models/boston/infer";
const run = promisify(execFile);

async function until(hope: () => Promise<boolean>): Promise<void> {
  while (!(await hope())) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe("host names", () => {
  test("on a loopback address only the machine's own, and addresses: another name is a rebinding", async () => {
    await inFolder({ "boston.json": JSON.stringify(boston) }, async (folder) => {
      const { child, url, done } = await serve(folder, "boston.json");
      const status = async (host: string, at = "/v2") => (await send(url + at, undefined, { host })).status;
      for (const host of [
        "localhost",
        "LOCALHOST:80",
        "a.localhost",
        "127.0.0.1:8080",
        "[::1]:9",
        "192.0.2.1",
      ])
        expect([host, await status(host)]).toEqual([host, 200]);
      for (const host of [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "x",
        "[::1].evil.example",
      ])
        for (const at of ["/v2", "/", "/v2/health/live", "/metrics", "/nothing"])
          expect([host, at, await status(host, at)]).toEqual([host, at, 403]);
      const got = await send(url + path, body, { host: "evil.example" });
      expect([got.status, got.json.error]).toEqual([
        403,
        expect.stringContaining('not called "evil.example"'),
      ]);
      child.kill("SIGTERM");
      await done;
    });
  });

  test("a request has one host", async () => {
    await using server = await serving();
    for (const lines of [
      ["localhost", "evil.example"],
      ["localhost", "localhost"],
    ]) {
      const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
      const head = ["GET /v2 HTTP/1.1", `Host: ${lines[0]}`, "Connection: close", `hOST: ${lines[1]}`];
      socket.end(`${head.join("\r\n")}\r\n\r\n`);
      expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 .*more than one Host/s);
    }
  });

  test("others by option; everywhere else, all", async () => {
    await inFolder({ "boston.json": JSON.stringify(boston) }, async (folder) => {
      for (const [args, allowed, refused] of [
        [
          ["--allowed-hosts", "goml.example,b.example"],
          ["GOML.example:443", "b.example.", "localhost"],
          ["c.example"],
        ],
        [["--allowed-hosts", "*"], ["evil.example"], []],
        [["--host", "0.0.0.0", "--log-level", "info"], ["evil.example"], []],
        [["--host", "0.0.0.0", "--allowed-hosts", "goml.example"], ["goml.example"], ["evil.example"]],
      ] as const) {
        const { child, url, done } = await serve(folder, "boston.json", ...args);
        const at = url.replace("0.0.0.0", "127.0.0.1");
        for (const host of allowed) expect((await send(`${at}/v2`, undefined, { host })).status).toBe(200);
        for (const host of refused) expect((await send(`${at}/v2`, undefined, { host })).status).toBe(403);
        child.kill("SIGTERM");
        await done;
      }
    });
  });

  test("in an app of one's own, only where they are given", async () => {
    for (const [allowedHosts, status] of [
      [undefined, 200],
      [["b.example"], 403],
    ] as const) {
      const app = Fastify();
      await app.register(plugin, { models: { boston }, prefix: "/ml", threads: 1, allowedHosts });
      await app.listen({ port: 0 });
      const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
      expect((await send(`${url}/ml/v2`, undefined, { host: "a.example" })).status).toBe(status);
      await app.close();
    }
  });
});

describe("pages of other sites", () => {
  const types = [
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/json",
  ];

  test("may not send anything, whatever they say that it is; programs and its own page may", async () => {
    await using server = await serving();
    const post = async (headers: Record<string, string>) =>
      (await send(server.url + path, body, headers)).status;
    for (const type of [...types, ""])
      for (const origin of ["http://evil.example", "https://127.0.0.1:1", "null", "http://localhost:1"])
        expect([type, origin, await post({ origin, "content-type": type })]).toEqual([type, origin, 403]);
    expect(await post({ "sec-fetch-site": "cross-site" })).toBe(403);
    for (const headers of [
      {},
      { origin: server.url },
      { "sec-fetch-site": "same-origin", origin: server.url },
    ])
      expect(await post(headers as Record<string, string>)).toBe(200);
    const invoked = await send(`${server.url}/invocations`, JSON.stringify({ inputs: rows }), {
      origin: "http://evil.example",
      "content-type": "text/plain",
    });
    expect(invoked.status).toBe(403);
    // Reading needs no leave, and gives none.
    const got = await send(`${server.url}/v2`, undefined, { origin: "http://evil.example" });
    expect([got.status, got.headers["access-control-allow-origin"]]).toEqual([200, undefined]);
    const ask = { origin: "http://evil.example", "access-control-request-method": "POST" };
    const asked = await send(server.url + path, undefined, ask, "OPTIONS");
    expect([asked.status, asked.headers["access-control-allow-origin"]]).toEqual([403, undefined]);
  });

  test("may where their origin is allowed: asked before, with a token too, and told what they may read", async () => {
    await using server = await serving({ allowedOrigins: ["https://shop.example"], token: "geheim" });
    const origin = "https://shop.example";
    const ask = {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization",
    };
    const asked = await send(server.url + path, undefined, ask, "OPTIONS");
    expect(asked.status).toBe(204);
    expect(asked.headers).toMatchObject({
      "access-control-allow-origin": origin,
      "access-control-allow-methods": "GET, HEAD, POST",
      "access-control-allow-headers": expect.stringContaining("authorization"),
      vary: "Origin",
    });
    const got = await infer(server.url, one, { origin, authorization: "Bearer geheim" });
    expect([got.status, got.headers["access-control-allow-origin"]]).toEqual([200, origin]);
    expect(got.headers["access-control-expose-headers"]).toContain("inference-header-content-length");
    // An error is no less readable.
    const refused = await infer(server.url, one, { origin });
    expect([refused.status, refused.headers["access-control-allow-origin"]]).toEqual([401, origin]);
    expect((await infer(server.url, one, { origin: "https://other.example" })).status).toBe(403);
    expect((await send(server.url + path, undefined, {}, "OPTIONS")).status).toBe(401);
  });

  test("all of them, where that is what is wanted", async () => {
    await using server = await serving({ allowedOrigins: "*" });
    const got = await infer(server.url, one, { origin: "http://any.example" });
    expect([got.status, got.headers["access-control-allow-origin"]]).toEqual([200, "*"]);
  });

  test("origins and hosts that are none are refused before anything starts", () => {
    for (const origin of ["shop.example", "https://shop.example/path", "file:///x"])
      expect(() => createServer({ boston }, { allowedOrigins: [origin] })).toThrow("is not an origin");
    for (const host of ["https://a.example", "a.example:80", "a b"])
      expect(() => createServer({ boston }, { allowedHosts: [host] })).toThrow("is not a host name");
  });
});

describe("tokens", () => {
  const status = async (url: string, token: string) => {
    // As the bytes of UTF-8, which is how a client sends them.
    const authorization = Buffer.from(`Bearer ${token}`).toString("latin1");
    return (await send(`${url}/v2/models`, undefined, { authorization })).status;
  };

  test("any of several will do; they are compared as bytes", async () => {
    await using server = await serving({ token: "first", tokens: ["gehéim", "two words"] });
    for (const token of ["first", "gehéim", "two words"])
      expect([token, await status(server.url, token)]).toEqual([token, 200]);
    for (const token of ["firs", "first ", "first2", "geheim", "gehe", "FIRST", ""].filter(
      (t) => t !== "first ",
    ))
      expect([token, await status(server.url, token)]).toEqual([token, 401]);
  });

  test("a token is one line", () => {
    expect(() => createServer({ boston }, { token: "a\nb" })).toThrow("more than one line");
    expect(() => createServer({ boston }, { tokens: ["a", " "] })).toThrow("the token is empty");
  });

  test("a file has one in each line, and is read again when it changes; a bad one changes nothing", async () => {
    await inFolder({ "boston.json": JSON.stringify(boston), tokens: "one\r\n\n two \n" }, async (folder) => {
      const file = join(folder, "tokens");
      const { child, url, log, done } = await serve(
        folder,
        "boston.json",
        "--token-file",
        "tokens",
        "--reload",
        "0.02",
      );
      expect([await status(url, "one"), await status(url, "two"), await status(url, "one two")]).toEqual([
        200, 200, 401,
      ]);
      writeFileSync(file, "three\n");
      await until(async () => (await status(url, "three")) === 200);
      expect(await status(url, "one")).toBe(401);
      writeFileSync(file, "\n\n");
      await until(async () => log.some(({ problem }) => String(problem).includes("has no token")));
      expect(await status(url, "three")).toBe(200);
      rmSync(file);
      await until(async () => log.some(({ problem }) => String(problem).includes("ENOENT")));
      expect(await status(url, "three")).toBe(200);
      writeFileSync(file, "four");
      await until(async () => (await status(url, "four")) === 200);
      expect(await status(url, "three")).toBe(401);
      expect(JSON.stringify(log)).not.toMatch(/three|four/);
      child.kill("SIGTERM");
      await done;
    });
  });
});

test("paths that are no route have one label, and a line of log of a readable length", async () => {
  const lines: Record<string, unknown>[] = [];
  const logger = { level: "info", stream: { write: (text: string) => lines.push(JSON.parse(text)) } };
  await using server = await serving({ logger });
  for (let i = 0; i < 50; i++)
    expect((await send(`${server.url}/${i}/${"x".repeat(3000)}`)).status).toBe(404);
  expect((await send(`${server.url}/%zz`)).status).toBe(400);
  await until(async () => lines.filter(({ msg }) => msg === "request").length >= 51);
  const text = (await send(`${server.url}/metrics`)).body.toString();
  const series = text.split("\n").filter((row) => row.startsWith("goml_requests_total"));
  expect(series).toContain('goml_requests_total{endpoint="unknown",model="",status="404"} 50');
  expect(series).toContain('goml_requests_total{endpoint="unknown",model="",status="400"} 1');
  expect(series.length).toBeLessThan(5);
  for (const line of lines) expect(JSON.stringify(line).length).toBeLessThan(1000);
});

// The command as it stands there, with the port of a server that was started for it.
test.skipIf(spawnSync("curl", ["--version"]).error !== undefined)(
  "curl as the guide and help write it is answered",
  async () => {
    const guide = readFileSync(new URL("../../docs/guide/serve.md", import.meta.url), "utf8");
    const [command] = /^curl -d[\s\S]*?\/invocations$/m.exec(guide)!;
    await using server = await serving();
    const { stdout } = await run("sh", ["-c", `${command.replace("http://127.0.0.1:8080", server.url)} -s`]);
    expect(JSON.parse(stdout).predictions).toEqual([expect.any(Number)]);
    const records = [Object.fromEntries(names.map((name, j) => [name, rows[0]![j]]))];
    const data = JSON.stringify({ dataframe_records: records });
    const help = await run("curl", ["-s", "-d", data, `${server.url}/invocations`]);
    expect(JSON.parse(help.stdout)).toEqual({ predictions: [expected[0]] });
  },
);
