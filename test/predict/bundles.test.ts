import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createContext, Script } from "node:vm";
import { gzipSync } from "node:zlib";
import { build as esbuild } from "esbuild";
import { build as vite } from "vite";
import { beforeAll, describe, expect, it } from "vitest";
import type { LinearModel } from "../../src/linear/model/model.js";
import { predictorOf } from "../../src/predict.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import { CHROMIUM, hasChromium, openChromium } from "../chromium.js";

const RECORDS = [
  { education: 12, experience: 10, gender: "female", occupation: "service" },
  { education: 16, experience: 3.5, gender: "male", occupation: "management" },
];
/** What a page does: it has the model's JSON and records. */
const PAGE = `
  import { predictorOf } from "goml/predict";
  const { model, records } = globalThis.given;
  const predictor = predictorOf(model);
  const { lower, upper } = predictor.predictInterval(records, { interval: "confidence", level: 0.9 });
  globalThis.found = JSON.stringify({ y: [...predictor.predict(records)], lower: [...lower], upper: [...upper] });
`;
const ENTRY = resolve("dist/predict.js");

let model: LinearModel;
let expected: string;
beforeAll(async () => {
  ({ model } = await fitCsv("data/cps-wages.csv", {
    formula: "log(wage) ~ education * gender + poly(experience, 2, raw = TRUE) + occupation",
    vcov: "hc1",
  }));
  const predictor = predictorOf(JSON.parse(JSON.stringify(model)));
  const { lower, upper } = predictor.predictInterval(RECORDS, { interval: "confidence", level: 0.9 });
  expected = JSON.stringify({ y: [...model.predict(RECORDS)], lower: [...lower], upper: [...upper] });
});

/** Bundled for a browser: what asks for a module of Node fails. */
async function bundle(): Promise<string> {
  const { outputFiles } = await esbuild({
    stdin: { contents: PAGE, resolveDir: "." },
    alias: { "goml/predict": ENTRY },
    bundle: true,
    minify: true,
    format: "iife",
    platform: "browser",
    target: "es2022",
    write: false,
  });
  return outputFiles[0]!.text;
}

describe("goml/predict", () => {
  it("is less than 60 kB of code, compressed", async () => {
    const bytes = gzipSync(await bundle(), { level: 9 }).length;
    // It was 36 kB when this was written, and is 55 with groups, shards, penalties, contrasts, bases and instruments.
    expect(bytes).toBeLessThan(60_000);
  });

  it("runs where there is nothing but the language", async () => {
    const context = createContext({ given: { model: JSON.parse(JSON.stringify(model)), records: RECORDS } });
    new Script(await bundle()).runInContext(context);
    expect(context.found).toBe(expected);
    expect(new Script("typeof process + typeof Buffer + typeof fetch").runInContext(context)).toBe(
      "undefinedundefinedundefined",
    );
  });

  it("is bundled by Vite, and runs in Chromium", async (test) => {
    const folder = mkdtempSync(join(tmpdir(), "goml-vite-"));
    try {
      const built = await vite({
        root: folder,
        logLevel: "silent",
        configFile: false,
        resolve: { alias: { "goml/predict": ENTRY } },
        plugins: [
          {
            name: "page",
            resolveId: (id) => (id === "page" ? id : null),
            load: (id) => (id === "page" ? PAGE : null),
          },
        ],
        build: { write: false, rollupOptions: { input: "page" }, modulePreload: false },
      });
      const chunks = [built].flat().flatMap((one) => ("output" in one ? one.output : []));
      expect(chunks).toHaveLength(1);
      const code = (chunks[0] as { code: string }).code;
      expect(gzipSync(code, { level: 9 }).length).toBeLessThan(60_000);
      if (!hasChromium) test.skip(`${CHROMIUM} is not installed`);
      const given = JSON.stringify({ model, records: RECORDS }).replaceAll("<", "\\u003c");
      const html = `<!doctype html><script>globalThis.given = ${given};</script><script type="module">${code}</script>`;
      const server = createServer((_, response) =>
        response.setHeader("content-type", "text/html; charset=utf-8").end(html),
      );
      await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
      const { browser, close } = await openChromium();
      try {
        const page = await browser.newPage();
        await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
        await expect.poll(() => page.evaluate("globalThis.found"), { timeout: 10_000 }).toBe(expected);
      } finally {
        await close();
        server.close();
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
