import { openSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { serve } from "../serve/process.js";
import { uniform } from "../uniform.js";
import { goml, inFolder } from "./goml.js";

const COLUMNS = 1700;
/** V8's strings end there. */
const LONGEST_STRING = 2 ** 29 - 24;

// 750 MB of a model file, a minute and 3 GB of memory: GOML_LONG=1.
test.runIf(process.env.GOML_LONG)(
  "a model file that no string can hold is inspected, predicts and is served",
  () =>
    inFolder({}, async (folder) => {
      const next = uniform(5);
      const header = `${Array.from({ length: COLUMNS }, (_, j) => `x${j}`).join()},y\n`;
      const X: number[][] = [];
      const data = openSync(join(folder, "d.csv"), "w");
      const few = openSync(join(folder, "few.csv"), "w");
      writeSync(data, header);
      writeSync(few, header);
      for (let i = 0; i < 2500; i++) {
        const row = Array.from({ length: COLUMNS }, () => Math.round(next() * 1e4) / 1e4);
        const line = `${row.join()},${next() + row.reduce((sum, x, j) => (j % 7 === 0 ? sum + x : sum), 0)}\n`;
        writeSync(data, line);
        if (i < 5) writeSync(few, line);
        if (i < 5) X.push(row);
      }
      const run = async (...args: string[]) => {
        const done = await goml(folder, args);
        expect(done.stderr).not.toContain("hint:");
        expect(done.code).toBe(0);
        return done.stdout;
      };
      await run("train", "d.csv", "-t", "y", "--folds", "25", "-m", "m.json", "-q");
      expect(statSync(join(folder, "m.json")).size).toBeGreaterThan(LONGEST_STRING);
      const { coefficients } = JSON.parse(await run("inspect", "m.json", "--json"));
      const theta = (coefficients as { estimate: number }[]).map(({ estimate }) => estimate);
      expect(theta).toHaveLength(COLUMNS + 1);
      const lines = (await run("predict", "few.csv", "-m", "m.json", "-o", "-")).trim().split("\n");
      const predicted = lines.slice(1).map(Number);
      // 1,700 roundings of terms of at most 1.
      for (const [i, row] of X.entries())
        expect(
          Math.abs(row.reduce((sum, x, j) => sum + x * theta[j + 1]!, theta[0]!) - predicted[i]!),
        ).toBeLessThan(1e-10);
      const { child, url, done } = await serve(folder, "m.json", "--model-limit", "1GiB");
      try {
        const body = { inputs: [{ name: "input", shape: [5, COLUMNS], datatype: "FP64", data: X.flat() }] };
        const answer = await fetch(`${url}/v2/models/m/infer`, {
          method: "POST",
          body: JSON.stringify(body),
          headers: { "content-type": "application/json" },
        });
        const { outputs } = (await answer.json()) as { outputs: { data: number[] }[] };
        expect(outputs[0]!.data).toEqual(predicted);
      } finally {
        child.kill();
        await done;
      }
    }),
  240_000,
);
