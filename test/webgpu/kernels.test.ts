import { existsSync } from "node:fs";
import { expect, it } from "vitest";
import { create } from "webgpu";
import { add, Graph } from "../../src/machine/index.js";
import { kernels } from "../../src/webgpu/kernels/index.js";

// A Vulkan driver in software, which comes with Debian's Chromium.
const ICD = "/usr/lib/chromium/vk_swiftshader_icd.json";

it.skipIf(!existsSync(ICD))("a shader of a kernel compiles", async () => {
  process.env.VK_ICD_FILENAMES ??= ICD;
  const graph = new Graph();
  const node = add(graph.input("x", [5], "float32"), graph.input("y", [5], "float32"));
  if (typeof node.op === "string") throw new Error("no op");
  const kernel = kernels(node.op, node.inputs, [node])!;
  const adapter = await create([]).requestAdapter();
  const device = await adapter!.requestDevice();
  const module = device.createShaderModule({ code: kernel.passes[0]!.code });
  expect((await module.getCompilationInfo()).messages).toEqual([]);
  device.destroy();
});
