import { describe, expect, it } from "vitest";
import { GoMachine, Graph, OpError, TapeMachine } from "../../src/machine/index.js";
import { Gather } from "../../src/machine/ops/gathering.js";
import { Tensor } from "../../src/machine/tensor.js";
import { hasGpu, softwareGpu } from "./software-gpu.js";

const gpu = softwareGpu();

describe.skipIf(!hasGpu)("an index out of range on a GPU", () => {
  it.each(["tape", "go"])("is an error of that run of the %s machine alone", async (kind) => {
    const graph = new Graph();
    const x = graph.input("x", [3, 2], "float32");
    const at = graph.input("at", [2], "int64");
    const rows = graph.apply(new Gather({ axis: 0 }), [x, at]);
    const options = { device: gpu.device, placement: "gpu" as const, trace: true, outputs: [rows] };
    const machine = kind === "tape" ? new TapeMachine(graph, options) : new GoMachine(graph, options);
    machine.let(x, new Tensor(Float32Array.of(1, 2, 3, 4, 5, 6), [3, 2]));
    for (const index of [2n, 3n, -3n, -4n]) {
      machine.let(at, new Tensor(BigInt64Array.of(1n, index), [2]));
      const running = machine.runAll();
      if (index === 3n || index === -4n) {
        await expect(running).rejects.toThrow(OpError);
        await expect(running).rejects.toThrow(`index ${index} is not one of 3`);
        continue;
      }
      const run = await running;
      const row = index === 2n ? [5, 6] : [1, 2];
      expect(run.value(rows).toArray()).toEqual([[3, 4], row]);
      // Still on the device.
      expect(run.trace!.spans.some(({ op }) => op === "gather")).toBe(false);
    }
    await machine.close();
  });
});
