import { describe, expect, it } from "vitest";
import type { Device } from "../../src/machine/index.js";
import * as onnx from "../../src/onnx/index.js";
import { hasGpu, softwareGpu } from "./software-gpu.js";

interface Case {
  readonly name: string;
}

/** The same as is run by hand. */
const script: {
  cases(): Case[];
  infeasible(own: Case): string | undefined;
  runCase(lib: typeof onnx, own: Case, options: onnx.OnnxMachineOptions): Promise<string | undefined>;
  watched(device: Device): { device: Device; had: Map<string, number>; left: Map<string, number> };
} = await import(String(new URL("../../scripts/onnx-conformance.js", import.meta.url)));

const gpu = softwareGpu();
const all = script.cases().filter((own) => script.infeasible(own) === undefined);
/** Every op has shaders of its own to compile: all of them are for the long run. */
const every = process.env.GOML_LONG === undefined ? 20 : 1;

describe.skipIf(!hasGpu || all.length === 0)("ONNX's conformance cases on a GPU", () => {
  it("pass, with what there are no kernels for on the CPU", { timeout: 3_600_000 }, async () => {
    const { device, had, left } = script.watched(gpu.device);
    const failures: string[] = [];
    for (const own of all.filter((_, i) => i % every === 0)) {
      const why = await script.runCase(onnx, own, { device, placement: "gpu" });
      if (why !== undefined) failures.push(`${own.name}: ${why}`);
    }
    if (process.env.GOML_LONG) console.log([...left].sort(), had);
    expect(failures).toEqual([]);
    expect(had.size).toBeGreaterThan(10);
  });
});
