import autocannon from "autocannon";
import { expect, test } from "vitest";
import { inFolder } from "../cli/goml.js";
import { serve } from "./process.js";
import { boston, manyRows, matrixRequest, send } from "./serving.js";

const SECONDS = process.env.GOML_LONG === "1" ? 20 : 3;
const MIB = 2 ** 20;

test("with the queue full every answer is 200 or 503, none is wrong, none is lost, and memory goes back", async () => {
  await inFolder({ "boston.json": JSON.stringify(boston) }, async (folder) => {
    const { child, url, done } = await serve(folder, "boston.json", "--queue", "4");
    try {
      // Large enough for a worker thread, of which one takes longer to answer than 32 clients take to ask.
      const many = manyRows(4000);
      const body = JSON.stringify(matrixRequest(many.X));
      const right = JSON.stringify([...many.expected]);
      const load = async (seconds: number) => {
        const seen = { right: 0, busy: 0, wrong: [] as string[] };
        const run = autocannon({
          url: `${url}/v2/models/boston/infer`,
          method: "POST",
          body,
          connections: 32,
          duration: seconds,
          verifyBody: (text) => {
            const answer = String(text);
            if (answer.includes(right)) seen.right++;
            else if (answer.startsWith('{"error":"the server is busy with ')) seen.busy++;
            else seen.wrong.push(answer.slice(0, 200));
            return true;
          },
        });
        const result = await run;
        return { seen, result };
      };
      const settled = async (bound: number) => {
        for (;;) {
          const text = (await send(`${url}/metrics`)).body.toString();
          const rss = Number(/^process_resident_memory_bytes (.+)$/m.exec(text)![1]);
          const inside = Number(/^goml_queue_requests (.+)$/m.exec(text)![1]);
          if (inside === 0 && rss < bound) return rss;
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      };
      // The first load fills the heaps to the size that they work at; the second must not add to it.
      await load(1);
      const before = await settled(Number.POSITIVE_INFINITY);
      const { seen, result } = await load(SECONDS);
      expect(seen.wrong).toEqual([]);
      expect(seen.right).toBeGreaterThan(0);
      expect(seen.busy).toBeGreaterThan(0);
      expect([result.errors, result.timeouts, result.mismatches]).toEqual([0, 0, 0]);
      expect(Object.keys(result.statusCodeStats ?? {}).sort()).toEqual(["200", "503"]);
      expect(await settled(before + 64 * MIB)).toBeLessThan(before + 64 * MIB);
    } finally {
      child.kill("SIGTERM");
    }
    expect((await done).code).toBe(0);
  });
});
