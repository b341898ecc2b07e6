import { createHash } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PATIENCE, type Patience } from "../../../src/sources/remote/exchange.js";
import { RemoteFile } from "../../../src/sources/remote/remote-file.js";
import { fileAnswers, type HttpServer, startHttp } from "./http-server.js";

let server: HttpServer;
beforeAll(async () => {
  server = await startHttp();
});
afterAll(() => server.stop());

/** As long as tests can wait. */
const SHORT: Patience = { ...PATIENCE, answerMs: 300, idleMs: 300, pauseMs: 1, longestPauseMs: 1500 };
const open = (path = "/file.csv", signal?: AbortSignal) =>
  RemoteFile.open({ url: new URL(path, server.url), name: "there", path }, signal, SHORT);
const all = async (bytes: AsyncIterable<Uint8Array>): Promise<Buffer> => {
  const pieces: Uint8Array[] = [];
  for await (const piece of bytes) pieces.push(piece);
  return Buffer.concat(pieces);
};
const read = async (path?: string): Promise<Buffer> => {
  const file = await open(path);
  try {
    return await all(file.whole());
  } finally {
    file.close();
  }
};
/** Bytes that repeat nowhere. */
const content = Buffer.concat(
  Array.from({ length: 12_500 }, (_, i) => createHash("sha256").update(String(i)).digest()),
);

describe("RemoteFile", () => {
  it("gives all bytes, and any range of them, wherever connections are cut", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 250_000 }), { maxLength: 5 }),
        fc.integer({ min: 0, max: content.length }),
        fc.integer({ min: 0, max: content.length }),
        async (cuts, a, b) => {
          server.answer(fileAnswers(content, { cut: (number) => cuts[number - 1] }));
          const file = await open();
          expect(file.size).toBe(content.length);
          expect(Buffer.compare(await all(file.whole()), content)).toBe(0);
          const [from, to] = [Math.min(a, b), Math.max(a, b)];
          expect(Buffer.compare(await all(file.ranged!.bytes(from, to)), content.subarray(from, to))).toBe(0);
          file.close();
        },
      ),
      { numRuns: 25 },
    );
  });

  it("asks on from where it was cut, if the file is the same", async () => {
    server.answer(fileAnswers(content, { cut: (number) => (number === 1 ? 100_000 : undefined) }));
    await read();
    expect(server.requests).toHaveLength(2);
    expect(server.requests[0]!.headers).toMatchObject({ range: "bytes=0-", "accept-encoding": "identity" });
    const { range, "if-range": state } = server.requests[1]!.headers;
    expect(state).toBe('"1"');
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range!)!;
    expect(Number(from)).toBeGreaterThan(0);
    expect(Number(from)).toBeLessThanOrEqual(100_000);
    expect(Number(to)).toBe(content.length - 1);
    // A weak tag does not tell states apart byte by byte; the time of change does for If-Range.
    const modified = "Thu, 26 Nov 2026 10:00:00 GMT";
    const cut = (number: number) => (number === 1 ? 100_000 : undefined);
    server.answer(fileAnswers(content, { etag: 'W/"1"', modified, cut }));
    expect(Buffer.compare(await read(), content)).toBe(0);
    expect(server.requests[1]!.headers["if-range"]).toBe(modified);
  });

  it.each([
    ["another ETag", { etag: '"2"' }, content],
    ["a weak one, and another size", { etag: 'W/"1"' }, content.subarray(0, 300_000)],
    ["another time of change", { etag: undefined, modified: "Thu, 26 Nov 2026 10:00:01 GMT" }, content],
    ["fewer bytes than were read", { etag: undefined }, content.subarray(0, 10)],
  ])("refuses a file that changes meanwhile: %s", async (_, then, bytes) => {
    const at = { modified: "Thu, 26 Nov 2026 10:00:00 GMT", ...then };
    const before = { ...at, etag: then.etag === undefined ? undefined : then.etag.replace("2", "1") };
    const first = fileAnswers(content, {
      ...before,
      modified: "Thu, 26 Nov 2026 10:00:00 GMT",
      cut: () => 100_000,
    });
    server.answer((request, response, number) =>
      (number === 1 ? first : fileAnswers(bytes, at))(request, response, number),
    );
    await expect(read()).rejects.toMatchObject({
      kind: "data",
      message: "there: the file changed while it was being read",
    });
  });

  it("streams from a server without ranges, and does not go on after a cut", async () => {
    server.answer(fileAnswers(content, { ranges: false }));
    const file = await open();
    expect([file.size, file.ranged]).toEqual([content.length, undefined]);
    expect(Buffer.compare(await all(file.whole()), content)).toBe(0);
    file.close();
    server.answer(fileAnswers(content, { ranges: false, cut: () => 50_000 }));
    await expect(read()).rejects.toThrow(
      /^there: the connection was cut after \d+ of 400000 bytes, and the server cannot go on/,
    );
    // Nothing tells whether it is the same file.
    server.answer(fileAnswers(content, { etag: undefined, cut: () => 50_000 }));
    await expect(read()).rejects.toThrow("cannot go on from there");
    // Of a chunked answer the end is announced, so that a cut is seen.
    server.answer((_, response) => {
      response.writeHead(200, { "transfer-encoding": "chunked" });
      response.write(content, () => response.socket!.destroySoon());
    });
    await expect(read()).rejects.toThrow(/cut after \d+ bytes/);
  });

  it("goes on where a server sends less than it was asked for", async () => {
    server.answer((request, response, number) => {
      const [, from] = /^bytes=(\d+)-/.exec(request.headers.range!)!;
      const to = Math.min(content.length, Number(from) + 90_000) - 1;
      request.headers.range = `bytes=${from}-${to}`;
      fileAnswers(content)(request, response, number);
    });
    expect(Buffer.compare(await read(), content)).toBe(0);
    expect(server.requests).toHaveLength(5);
  });

  it.each([
    ["a length that is too large", { "content-length": "500000" }, /other bytes/],
    ["a range that is another", { "content-range": "bytes 5-399999/400000" }, /other bytes/],
    ["a range that is none", { "content-range": "bytes of mine" }, /does not say which bytes/],
    ["compressed by Brotli", { "content-encoding": "br" }, /compresses it by br, though it was asked not to/],
  ])("refuses what a server lies about: %s", async (_, headers, message) => {
    server.answer((request, response, number) => {
      response.strictContentLength = false;
      const lying = (...args: unknown[]) => {
        Object.assign(args[1] as object, headers);
        return (head as (...all: unknown[]) => ServerResponse)(...args);
      };
      type ServerResponse = typeof response;
      const head = response.writeHead.bind(response);
      response.writeHead = lying as typeof response.writeHead;
      fileAnswers(content)(request, response, number);
    });
    await expect(read()).rejects.toMatchObject({ kind: "data", message: expect.stringMatching(message) });
  });

  it.each([
    [401, "the server answers 401 (Unauthorized)", /user and password/],
    [403, "the server answers 403 (Forbidden)", /access/],
    [404, "the server answers 404 (Not Found)", /check the address/],
    [418, "the server answers 418", undefined],
  ])("says what a server refuses with: %i", async (status, message, hint) => {
    server.answer((_, response) => response.writeHead(status).end("<h1>no</h1>"));
    const error = (await open().catch((caught: unknown) => caught)) as { message: string; hint?: string };
    expect(error.message).toBe(`there: ${message}`);
    if (hint !== undefined) expect(error.hint).toMatch(hint);
    expect(server.requests).toHaveLength(1);
  });

  it("asks again after 429 and 503, as late as the server says, and not for ever", async () => {
    let began = 0;
    server.answer((request, response, number) => {
      if (number === 1) {
        began = Date.now();
        response.writeHead(429, { "retry-after": "1" }).end();
      } else if (number === 2) response.writeHead(503).end();
      else {
        // It may be late, never early.
        expect(Date.now() - began).toBeGreaterThanOrEqual(995);
        fileAnswers(content)(request, response, number);
      }
    });
    expect(Buffer.compare(await read(), content)).toBe(0);
    expect(server.requests).toHaveLength(3);
    server.answer((_, response) => response.writeHead(503).end());
    await expect(open()).rejects.toThrow("there: the server answers 503 (Service Unavailable)");
    expect(server.requests).toHaveLength(SHORT.attempts);
    server.answer((_, response) => response.writeHead(429, { "retry-after": "3600" }).end());
    await expect(open()).rejects.toThrow("429");
    expect(server.requests).toHaveLength(1);
  });

  it("takes 416 for an empty file, or for a server that has no ranges", async () => {
    server.answer(fileAnswers(new Uint8Array(0)));
    expect((await read()).length).toBe(0);
    server.answer((request, response) =>
      request.headers.range === undefined ? response.end(content) : response.writeHead(416).end(),
    );
    expect(Buffer.compare(await read(), content)).toBe(0);
  });

  it("follows redirects, not for ever, not to files, and sends credentials to nobody else", async () => {
    const other = await startHttp();
    try {
      other.answer(fileAnswers(content));
      server.answer((_, response) => response.writeHead(302, { location: `${other.url}/x` }).end());
      const file = await RemoteFile.open(
        {
          url: new URL(server.url),
          name: "there",
          path: "/",
          headers: async (_url, headers) => ({ ...headers, authorization: "Basic c2VjcmV0" }),
        },
        undefined,
        SHORT,
      );
      expect(Buffer.compare(await all(file.whole()), content)).toBe(0);
      file.close();
      expect(server.requests[0]!.headers.authorization).toBe("Basic c2VjcmV0");
      expect(other.requests[0]!.headers.authorization).toBeUndefined();
    } finally {
      other.stop();
    }
    server.answer((_, response) => response.writeHead(301, { location: "/again" }).end());
    await expect(open()).rejects.toThrow("there: more than 10 redirects");
    server.answer((_, response) => response.writeHead(301, { location: "file:///etc/passwd" }).end());
    await expect(open()).rejects.toThrow("it redirects to what is no http or https");
  });

  it("does not wait for a server that is silent, before its answer or within", async () => {
    server.answer(() => {});
    await expect(open()).rejects.toMatchObject({ message: "there: the server is silent" });
    expect(server.requests).toHaveLength(SHORT.attempts);
    server.answer((_, response) => {
      response.writeHead(200, { "content-length": "400000" });
      response.write(content.subarray(0, 1000));
    });
    await expect(read()).rejects.toThrow("the connection was cut after 1000 of 400000 bytes");
    // A reader that takes its time is none.
    server.answer(fileAnswers(content));
    const file = await open();
    const pieces: Uint8Array[] = [];
    for await (const piece of file.whole()) {
      if (pieces.push(piece) === 2) await new Promise((resolve) => setTimeout(resolve, 500));
    }
    expect(Buffer.compare(Buffer.concat(pieces), content)).toBe(0);
    file.close();
  });

  it("is ended by its signal, also while it waits to ask again", async () => {
    const stop = new AbortController();
    server.answer((_, response) => {
      response.writeHead(503, { "retry-after": "1" }).end();
      setTimeout(() => stop.abort(), 50);
    });
    await expect(open("/x", stop.signal)).rejects.toMatchObject({ name: "InterruptedError" });
    await expect(
      RemoteFile.open({ url: new URL("http://127.0.0.1:1"), name: "there", path: "/" }, undefined, SHORT),
    ).rejects.toMatchObject({ message: "there: the server takes no connections" });
    await expect(
      RemoteFile.open({ url: new URL(server.url.replace("http", "https")), name: "there", path: "/" }),
    ).rejects.toMatchObject({ kind: "data", message: "there: the answer is no HTTP" });
  });
});
