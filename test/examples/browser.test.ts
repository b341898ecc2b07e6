import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { add, Convolution, Graph, matmul, mean, relu, softmax, Tensor } from "../../src/machine/index.js";
import { loadOnnx, OnnxMachine, toOnnx } from "../../src/onnx/index.js";
import { hasChromium, openChromium } from "../chromium.js";
import { randomFrom } from "../machine/random.js";

/** A network for 28 × 28 pixels with weights from a seed: that it is right about digits is another test's. */
function network(): Uint8Array {
  const random = randomFrom(9);
  const graph = new Graph();
  const draw = (name: string, shape: readonly number[]) =>
    graph.parameter(
      name,
      new Tensor(
        Float32Array.from({ length: shape.reduce((n, length) => n * length, 1) }, () => random() - 0.5),
        shape,
      ),
    );
  const x = graph.input("images", [1, 1, 28, 28], "float32");
  const window = { strides: [2, 2], dilations: [1, 1], before: [1, 1], after: [1, 1], groups: 1 };
  const first = relu(graph.apply(new Convolution(window), [x, draw("a", [16, 1, 3, 3]), draw("b", [16])]));
  const second = relu(graph.apply(new Convolution(window), [first, draw("c", [32, 16, 3, 3])]));
  const logits = add(matmul(mean(second, [2, 3]), draw("d", [32, 10])), softmax(draw("e", [10])));
  return toOnnx(graph, { outputs: [logits] });
}

/** Starts the example's server and gives where its page is. */
async function served(model: string): Promise<{ url: string; stop(): void }> {
  const file = fileURLToPath(new URL("../../examples/browser/server.js", import.meta.url));
  const child = spawn(process.execPath, [file, model, "--port", "0"], { stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  const url = await new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      text += chunk;
      const [found] = /http:\/\/127\.0\.0\.1:[0-9]+\//.exec(text) ?? [];
      if (found !== undefined) resolve(found);
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.on("exit", () => reject(new Error(text)));
  });
  return { url, stop: () => child.kill() };
}

test("a page in Chromium runs a network, with the bits of the machine in Node, while it stays awake", async (context) => {
  if (!hasChromium) context.skip("there is no Chromium here");
  const folder = mkdtempSync(join(tmpdir(), "goml-page-"));
  const bytes = network();
  writeFileSync(join(folder, "model.onnx"), bytes);
  const server = await served(join(folder, "model.onnx"));
  const { browser, close } = await openChromium();
  try {
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on("pageerror", ({ message }) => problems.push(message));
    await page.goto(server.url);
    await page.waitForFunction("document.getElementById('note').textContent.startsWith('Write')");
    const machine = new OnnxMachine(loadOnnx(bytes), { machine: "tape" });
    const random = randomFrom(4);
    for (let i = 0; i < 3; i++) {
      const pixels = Float32Array.from({ length: 28 * 28 }, random);
      const { outputs } = await machine.run(new Map([["images", new Tensor(pixels, [1, 1, 28, 28])]]));
      const [want] = [...outputs.values()] as [Tensor];
      const asked = `read(new Float32Array([${pixels.join()}])).then(({ logits }) => Array.from(logits))`;
      expect(await page.evaluate(asked)).toEqual([...want.data]);
    }
    await machine.close();
    // Something written is read, and said.
    const { x, y } = (await page.locator("#paper").boundingBox())!;
    await page.mouse.move(x + 80, y + 60);
    await page.mouse.down();
    await page.mouse.move(x + 150, y + 220, { steps: 4 });
    await page.mouse.up();
    await page.waitForFunction("/^[0-9], in [0-9.]+ ms$/.test(document.getElementById('note').textContent)");
    expect(await page.locator("tr.best").count()).toBe(1);
    await page.click("#clear");
    expect(await page.locator("tr.best").count()).toBe(0);
    expect(problems).toEqual([]);
  } finally {
    await close();
    server.stop();
    rmSync(folder, { recursive: true });
  }
}, 60_000);
