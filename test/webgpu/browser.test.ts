import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { resolve } from "node:path";
import * as esbuild from "esbuild";
import { expect, test } from "vitest";
import { hasChromium, openChromium } from "../chromium.js";

/** What the page does: sums on the GPU around a difference that is left to the CPU. */
const PAGE = `
  import { add, GoMachine, Graph, sub, TapeMachine } from ${JSON.stringify(resolve("dist/machine/index.js"))};
  import { findGpus, openGpu } from ${JSON.stringify(resolve("dist/webgpu/index.js"))};

  globalThis.check = async () => {
    const { source, gpus, missing } = await findGpus();
    if (missing !== undefined) return { source, missing };
    const graph = new Graph();
    const x = graph.input("x", [3], "float32");
    const twice = add(x, x);
    const y = add(twice, sub(twice, Float32Array.of(1, 1, 1)));
    const device = await openGpu();
    const { kernels } = device;
    const sums = Object.create(device, {
      kernels: { value: (op, ...types) => (op.name === "add" ? kernels(op, ...types) : undefined) },
    });
    const found = [];
    for (const Machine of [TapeMachine, GoMachine]) {
      const machine = new Machine(graph, { device: sums, placement: "gpu" });
      const got = [];
      for (const i of [1, 2, 3]) {
        machine.let(x, Float32Array.of(i, 10 * i, 100 * i));
        got.push((await machine.runAll()).value(y).toArray());
      }
      const { ops, others } = machine.placed;
      found.push({ got, ops, others: [...others.keys()] });
      await machine.close();
    }
    await device.close();
    return { source, software: gpus[0].software, found };
  };`;

/** Node's modules, of which a page calls nothing. */
const withoutNode: esbuild.Plugin = {
  name: "without Node",
  setup(own) {
    own.onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: "node" }));
    own.onLoad({ filter: /.*/, namespace: "node" }, () => ({
      contents: "module.exports = new Proxy({}, { get: () => undefined });",
    }));
  },
};

test("a page in Chromium runs a part of a graph by navigator.gpu", async (context) => {
  if (!hasChromium) context.skip("there is no Chromium here");
  const { outputFiles } = await esbuild.build({
    stdin: { contents: PAGE, resolveDir: "." },
    bundle: true,
    format: "esm",
    platform: "browser",
    write: false,
    plugins: [withoutNode],
    logLevel: "error",
  });
  const script = outputFiles[0]!.text;
  // What the package is called stands in no import that a bundler would look for.
  expect(script).not.toMatch(/import\(\s*"webgpu"/);
  const server = createServer(({ url }, response) => {
    // Shared memory is for pages that are isolated from others.
    response.setHeader("cross-origin-opener-policy", "same-origin");
    response.setHeader("cross-origin-embedder-policy", "require-corp");
    response.setHeader(
      "content-type",
      url === "/" ? "text/html; charset=utf-8" : "text/javascript; charset=utf-8",
    );
    response.end(url === "/" ? '<!doctype html><script type="module" src="/page.js"></script>' : script);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  // A GPU in software, which Chromium gives to nobody who does not ask for it.
  const { browser, close } = await openChromium([
    "--enable-unsafe-webgpu",
    "--use-webgpu-adapter=swiftshader",
  ]);
  try {
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on("pageerror", ({ message }) => problems.push(message));
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction("globalThis.check !== undefined");
    const found = {
      got: [1, 2, 3].map((i) => [4 * i - 1, 40 * i - 1, 400 * i - 1]),
      ops: 2,
      others: ["sub"],
    };
    expect(await page.evaluate("check()")).toEqual({
      source: "navigator.gpu",
      software: true,
      found: [found, found],
    });
    expect(problems).toEqual([]);
  } finally {
    await close();
    server.close();
  }
}, 120_000);
