import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { inFolder } from "../cli/goml.js";
import { runScript, scriptModel } from "./connection-scripts.js";
import { serve } from "./process.js";
import {
  binaryMatrix,
  binaryPredictions,
  expected,
  infer,
  manyRows,
  matrixRequest,
  send,
  X,
} from "./serving.js";

// Random clients against a real server process over real sockets: pipelining, half-open connections, resets, slow and
// oversize bodies, aborts at any moment. Whatever they did, once they have gone nothing is left of them: no request
// in the house, no byte, no descriptor, memory as it was; and the next request is answered. A failure names the seed.

const LONG = process.env.GOML_LONG === "1";
const SCRIPTS = LONG ? 10_000 : 240;
/** Scripts at a time, and how many there are between two looks at what is left of them. */
const AT_A_TIME = 12;
const ROUND = LONG ? 500 : 80;
const MIB = 2 ** 20;

const first = LONG ? Number(process.env.GOML_SEED ?? Date.now() % 1e9) : 20_261_126;

test(`${SCRIPTS} scripts of clients, from seed ${first} on`, {
  timeout: LONG ? 3_600_000 : 60_000,
}, async () => {
  await inFolder(scriptModel, async (folder) => {
    const options = [
      "--threads",
      "1",
      "--body-limit",
      "4MiB",
      "--linger",
      "0.2",
      "--queue",
      "64",
      "--trust-proxy",
    ];
    const { child, url, done } = await serve(folder, "boston.json", ...options);
    const port = Number(new URL(url).port);
    const proc = `/proc/${child.pid}`;
    const rss = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`${proc}/status`, "utf8"))![1]) * 1024;
    const descriptors = () => readdirSync(`${proc}/fd`).length;
    const gauges = async () => {
      const text = (await send(`${url}/metrics`)).body.toString();
      return ["goml_queue_requests", "goml_queue_bytes", "goml_pool_pending"].map((name) =>
        Number(new RegExp(`^${name} (.+)$`, "m").exec(text)![1]),
      );
    };
    const works = async () => {
      const one = await infer(url, matrixRequest(X.subarray(0, 13)));
      expect(one.json.outputs[0].data).toEqual([expected[0]]);
      const { body, headers } = binaryMatrix(manyRows(6000).X);
      const many = await send(`${url}/v2/models/boston/infer`, body, headers);
      expect(binaryPredictions(many)[505]).toBe(expected[505]);
    };
    /** Waits for what must come; the test's own timeout ends it where it never does. */
    const until = async (hope: () => Promise<boolean> | boolean) => {
      while (!(await hope())) await new Promise((resolve) => setTimeout(resolve, 20));
    };
    await works();
    let answered = 0;
    const before = { rss: rss(), descriptors: descriptors() };
    for (let done = 0; done < SCRIPTS; done += ROUND) {
      const seeds = Array.from(
        { length: Math.min(ROUND, SCRIPTS - done) },
        (_, i) => first + done + i,
      ).values();
      const wrong: string[] = [];
      const client = async () => {
        for (const seed of seeds) {
          const script = await runScript(port, seed);
          wrong.push(...script.wrong);
          answered += script.answered;
        }
      };
      await Promise.all(Array.from({ length: AT_A_TIME }, client));
      expect(wrong).toEqual([]);
      await until(async () => (await gauges()).every((value) => value === 0));
      await works();
    }
    // Clients were served meanwhile, those of the same scripts among them.
    expect(answered).toBeGreaterThan(SCRIPTS / 2);
    await until(() => descriptors() <= before.descriptors + 5);
    await until(() => rss() < before.rss + 100 * MIB);
    await works();
    child.kill("SIGTERM");
    const { code, stderr } = await done;
    expect([code, stderr]).toEqual([0, ""]);
  });
});
