import { describe, expect, test } from "vitest";
import * as onnx from "../../src/onnx/index.js";

interface Case {
  readonly name: string;
}

/** The same as is run by hand, and prints what passes by op. */
const script: {
  readonly DATA: string;
  cases(): Case[];
  infeasible(own: Case): string | undefined;
  runCase(lib: typeof onnx, own: Case, options: onnx.OnnxMachineOptions): Promise<string | undefined>;
} = await import(String(new URL("../../scripts/onnx-conformance.js", import.meta.url)));
const { cases, DATA, infeasible, runCase } = script;

const all = cases();
if (all.length === 0) console.warn(`no ONNX conformance cases in ${DATA}: apt-get install libonnx-testdata`);

describe.skipIf(all.length === 0)("ONNX's conformance cases", () => {
  const feasible = all.filter((own) => infeasible(own) === undefined);

  test.each(["tape", "go"] as const)("pass on the %s machine", async (machine) => {
    const failures: string[] = [];
    for (const own of feasible) {
      const why = await runCase(onnx, own, { machine });
      if (why !== undefined) failures.push(`${own.name}: ${why}`);
    }
    expect(failures).toEqual([]);
  });

  // All of them are run so by `node scripts/onnx-conformance.js --workers 1 --threshold 0`; each starts a thread.
  test("pass where every task goes to a worker, one in twenty", async () => {
    const failures: string[] = [];
    for (const own of feasible.filter((_, i) => i % 20 === 0)) {
      const why = await runCase(onnx, own, { workers: 1, threshold: 0, callerWorks: false });
      if (why !== undefined) failures.push(`${own.name}: ${why}`);
    }
    expect(failures).toEqual([]);
  });

  test("are nearly all, but those that no answer can be told of", () => {
    expect(feasible.length).toBeGreaterThanOrEqual(all.length - 20);
  });
});
