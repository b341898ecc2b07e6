import { Writable } from "node:stream";
import Fastify from "fastify";
import { expect, test } from "vitest";
import { LogBuffer } from "../../src/serve/log-buffer.js";
import { logRequest, logRequestTo, type RequestRecord } from "../../src/serve/request-log.js";

/** A stream, and what was written to it. */
function gathering(): { stream: Writable; text: () => string } {
  let text = "";
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += chunk;
      done();
    },
  });
  return { stream, text: () => text };
}

const records: RequestRecord[] = [
  { reqId: "req-1", method: "POST", url: "/v2/models/m/infer", status: 200, ms: 0.429, model: "m", rows: 1 },
  { reqId: 'r"\\', method: "GET", url: '/é/"\u0001\u2028…', status: 404, ms: 1e-7, model: "ü\n", rows: 0 },
];

test.each(["info", "error", "debug"] as const)("the line of a request is pino's own: %s", async (level) => {
  const theirs = gathering();
  const ours = gathering();
  const { log } = Fastify({ logger: { level: "info", stream: theirs.stream } });
  const buffer = new LogBuffer(ours.stream, 1 << 20);
  const direct = logRequestTo(buffer);
  for (const record of records) {
    logRequest(log, level, record);
    direct(log, level, record);
  }
  await buffer.end(1000);
  const timeless = (text: string) => text.replace(/"time":\d{13},/g, '"time":0,');
  expect(timeless(ours.text())).toBe(timeless(theirs.text()));
  expect(ours.text().split("\n").length).toBe(level === "debug" ? 1 : 3);
});
