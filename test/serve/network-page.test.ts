import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { CHROMIUM, hasChromium, openChromium } from "../chromium.js";
import { modelProto, nodeProto, TYPE, tensorProto, valueProto } from "../onnx/protos.js";
import { serving } from "./serving.js";

const folder = mkdtempSync(join(tmpdir(), "goml-network-page-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("the page's form of an ONNX model infers in Chromium, and shows what is refused", async (context) => {
  if (!hasChromium) context.skip(`${CHROMIUM} is not installed`);
  const path = join(folder, "affine.onnx");
  writeFileSync(
    path,
    modelProto({
      inputs: [valueProto("x<i>", ["batch", 2]), valueProto("on", [1], TYPE.bool)],
      outputs: [valueProto("y", ["batch", 3])],
      initializers: [tensorProto("W", [2, 3], TYPE.float, Float32Array.of(0.5, -2, 3, 4, 0.25, 6))],
      nodes: [
        nodeProto("MatMul", ["x<i>", "W"], ["p"]),
        nodeProto("Neg", ["p"], ["n"]),
        nodeProto("Where", ["on", "p", "n"], ["y"]),
      ],
    }),
  );
  await using server = await serving({}, { affine: path });
  const { browser, close } = await openChromium();
  try {
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on("pageerror", ({ message }) => complaints.push(message));
    await page.goto(server.url);
    const section = page.locator("section");
    await section.waitFor();
    expect(await section.locator("h2").textContent()).toBe("affine");
    expect(await section.locator("p.about").textContent()).toMatch(
      /^ONNX, operator set 17 · 3 nodes, 6 parameters/,
    );
    // Names are text, whatever they look like.
    expect(await section.locator("p").nth(1).textContent()).toBe(
      "x<i>: FP32 [?, 2], on: BOOL [1] → y: FP32 [?, 3]",
    );
    // The request that stands there is one that the server answers: zeros of the least shape.
    const form = section.getByLabel(/The request to POST to .*\/v2\/models\/affine\/infer/);
    const infer = section.getByRole("button", { name: "Infer" });
    await infer.click();
    await expect.poll(() => section.locator("output").textContent()).toMatch(/^y \[1, 3\] = -?0, -?0, -?0$/);
    const request = JSON.parse(await form.inputValue());
    expect(request.inputs.map(({ shape }: { shape: number[] }) => shape)).toEqual([[1, 2], [1]]);
    // One's own values, a batch of two.
    Object.assign(request.inputs[0], { shape: [2, 2], data: [1, 2, -1, 0.5] });
    request.inputs[1].data = [true];
    await form.fill(JSON.stringify(request));
    await infer.click();
    await expect
      .poll(() => section.locator("output").textContent())
      .toBe("y [2, 3] = 8.5, -1.5, 15, 1.5, 2.125, 0");
    // The server's own words, of a request that it refuses and of text that is no request.
    request.inputs[0].shape = [3, 2];
    await form.fill(JSON.stringify(request));
    await infer.click();
    await expect.poll(() => section.locator("output.error").textContent()).toContain("x<i>");
    await form.fill("{");
    await infer.click();
    await expect.poll(() => section.locator("output.error").textContent()).toContain("JSON");
    expect(complaints).toEqual([]);
  } finally {
    await close();
  }
});
