import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { hasGpu, ICD } from "../webgpu/software-gpu.js";

test("a network runs on a GPU, as on the CPU and twice alike", (context) => {
  if (!hasGpu) context.skip(`there is no ${ICD}, or no libvulkan.so.1`);
  const { status, stdout } = spawnSync(process.execPath, ["examples/gpu.js"], {
    encoding: "utf8",
    env: { ...process.env, VK_ICD_FILENAMES: ICD },
    timeout: 60_000,
  });
  expect(status).toBe(0);
  expect(stdout).toContain("4 ops on the GPU, 0 kinds of ops on the CPU");
  // Sums of 128 products of float32 that are less than 1, in another order.
  expect(Number(/CPU's by (\S+) at most/.exec(stdout)?.[1])).toBeLessThan(1e-6);
  expect(stdout).toContain("a second run gives the same bits");
});
