import { readFileSync } from "node:fs";
import { Agent } from "node:http";
import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { LogBuffer } from "../../src/serve/log-buffer.js";
import { finished, inFolder, start } from "../cli/goml.js";
import { boston, infer, matrixRequest, send, X } from "./serving.js";

// Who reads the log may stall or go away: neither the server's memory nor its requests depend on it.

const model = { "boston.json": JSON.stringify(boston) };
const one = matrixRequest(X.subarray(0, 13));

/** `goml serve` as a process whose log is in our hands. */
async function running(folder: string, ...args: string[]) {
  const child = start(folder, ["serve", "boston.json", "--port", "0", ...args]);
  const done = finished(child, folder);
  const url = await new Promise<string>((resolve) => {
    let text = "";
    child.stdout!.on("data", (part: string) => {
      text += part;
      const found = /"urls":\["([^"]+)"/.exec(text)?.[1];
      if (found !== undefined) resolve(found);
    });
  });
  return { child, done, url };
}

const dropped = async (url: string) =>
  Number(/^goml_log_lines_dropped_total (\d+)$/m.exec((await send(`${url}/metrics`)).body.toString())![1]);

test("a reader that stalls: lines are dropped and counted, memory stays, SIGTERM is heard", async () => {
  await inFolder(model, async (folder) => {
    const { child, done, url } = await running(folder, "--log-buffer", "100KB");
    child.stdout!.pause();
    const agent = new Agent({ keepAlive: true, maxSockets: 4 });
    const path = `${url}/v2/models/none?${"x".repeat(2000)}`;
    let asked = 0;
    while ((await dropped(url)) < 1000) {
      await Promise.all(Array.from({ length: 50 }, () => send(path, undefined, {}, "GET", agent)));
      asked += 50;
    }
    expect(asked).toBeGreaterThan(1000);
    const rss = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))![1]);
    expect(rss).toBeLessThan(250_000);
    expect((await infer(url, one)).status).toBe(200);
    agent.destroy();
    child.kill("SIGTERM");
    const exited = await new Promise((resolve) => child.once("exit", resolve));
    expect(exited).toBe(0);
    child.stdout!.resume();
    expect((await done).stderr).toMatch(
      /^goml: \d+ lines of the log were lost: its reader does not keep up\n$/,
    );
  });
});

test("a reader that goes away: said once, requests are answered, and the end is not called a success", async () => {
  await inFolder(model, async (folder) => {
    const { child, done, url } = await running(folder);
    child.stdout!.destroy();
    for (let i = 0; i < 5; i++) {
      expect((await infer(url, one)).status).toBe(200);
      await new Promise((resolve) => setTimeout(resolve, 70));
    }
    expect(await dropped(url)).toBeGreaterThan(0);
    child.kill("SIGTERM");
    const { code, stderr } = await done;
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^goml: the log cannot be written any more \(EPIPE\); serving goes on without it\ngoml: \d+ lines of the log were lost: its reader went away\n$/,
    );
  });
});

test("one write is under way at a time; what was dropped is said when there is room again", async () => {
  const writes: { text: string; done: () => void }[] = [];
  const stream = new Writable({
    decodeStrings: false,
    write: (text: string, _encoding, done) => writes.push({ text, done }),
  });
  const log = new LogBuffer(stream, 100);
  for (let i = 0; i < 10; i++) log.write(`${"a".repeat(29)}\n`);
  expect(log.dropped).toBe(7);
  const ended = log.end(10_000);
  expect(writes.map(({ text }) => text.split("\n").length - 1)).toEqual([4]);
  expect(JSON.parse(writes[0]!.text.split("\n")[3]!)).toMatchObject({ level: 40, dropped: 7 });
  log.write("later\n");
  writes[0]!.done();
  await new Promise(setImmediate);
  expect(writes[1]!.text).toBe("later\n");
  writes[1]!.done();
  expect(await ended).toBe(true);
  expect(stream.listenerCount("error")).toBe(1);
});
