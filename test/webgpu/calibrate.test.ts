import { expect, it } from "vitest";
import { add, GoMachine, Graph, matmul, type Node, tanh } from "../../src/machine/index.js";
import { calibrate } from "../../src/webgpu/calibrate.js";
import { hasGpu, softwareGpu } from "./software-gpu.js";

const gpu = softwareGpu();

it.skipIf(!hasGpu)("measures a device, by which machines place ops or leave them", async () => {
  expect(gpu.device.speed).toBeUndefined();
  const speed = await calibrate(gpu.device, 16);
  for (const value of Object.values(speed)) expect(value).toBeGreaterThan(0);
  for (const value of Object.values(speed)) expect(value).toBeLessThan(Number.POSITIVE_INFINITY);
  const graph = new Graph();
  const x = graph.input("x", [64, 64], "float32");
  let y: Node = x;
  for (let i = 0; i < 4; i++) y = tanh(add(matmul(y, x), x));
  const placedBy = async (changes: object) => {
    const device = Object.create(gpu.device, {
      speed: { value: { ...speed, ...changes } },
      software: { value: false },
    });
    const machine = new GoMachine(graph, { device });
    machine.let(x, new Float32Array(64 * 64).fill(0.01));
    const value = (await machine.runAll()).value(y).data[0] as number;
    const { ops } = machine.placed!;
    await machine.close();
    return { ops, value };
  };
  const none = await placedBy({ work: 1e9 });
  const all = await placedBy({ work: 1e-9, latency: 1, upload: 1e3, download: 1e3 });
  expect([none.ops, all.ops]).toEqual([0, 12]);
  // tanh(0.0164) and so on: floats of some roundings.
  expect(Math.abs(all.value - none.value)).toBeLessThan(1e-6 * Math.abs(none.value) + 1e-9);
});
