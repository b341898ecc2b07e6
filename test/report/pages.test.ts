import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import axe from "axe-core";
import type { BrowserContext } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { benchPage } from "../../src/report/bench-page.js";
import { pageHtml } from "../../src/report/page.js";
import { hasChromium, openChromium } from "../chromium.js";
import { goml, inFolder } from "../cli/goml.js";

let browser: BrowserContext;
let close: () => Promise<void>;
beforeAll(async () => {
  if (hasChromium) ({ browser, close } = await openChromium());
});
afterAll(() => close?.());

/** What axe finds on a page, narrow and light, wide and dark, and whether it juts out. */
async function faults(file: string): Promise<unknown[]> {
  const page = await browser.newPage();
  const found: unknown[] = [];
  await page.goto(pathToFileURL(file).href);
  for (const [width, colorScheme] of [
    [400, "light"],
    [1280, "dark"],
  ] as const) {
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme });
    await page.evaluate(axe.source);
    const { violations } = (await page.evaluate(
      "axe.run(document, { resultTypes: ['violations'] })",
    )) as axe.AxeResults;
    found.push(...violations.map(({ id, nodes }) => [width, id, nodes[0]?.html]));
    if (Number(await page.evaluate("document.documentElement.scrollWidth")) > width)
      found.push([width, "juts out"]);
  }
  await page.close();
  return found;
}

const timed = (
  name: string,
  against: string | null,
  ms: number,
  ratio: number,
  threads: number | null = null,
) => ({
  name,
  against,
  threads,
  medianMs: ms,
  p75Ms: ms,
  p99Ms: 2 * ms,
  opsPerSecond: 1000 / ms,
  ratio,
});
const batch = (suite: string, rows: number, ratios: readonly number[]) => ({
  suite,
  name: `${suite} ${rows} rows`,
  rows,
  cases: [
    timed("plain loop", null, rows / 50, 1),
    timed("serial", "plain loop", rows / 100, 0.5),
    ...ratios.map((ratio, i) => timed(`${i + 1} threads`, "serial", (rows / 100) * ratio, ratio, i + 1)),
  ],
});

const page = benchPage({
  results: [batch("predict", 1, [40, 80]), batch("predict", 1000, [1.1, 0.8]), batch("csv", 1000, [1, 0.5])],
  data: { path: "<b>.csv", rows: 506, features: 13 },
  crossover: { predict: "In memory, threads pay from about 500 rows on." },
  remarks: [{ text: "Slower than before: csv." }],
  made: [["Node", "24"]],
});

describe("the page of a bench", () => {
  test("has serial beside each number of threads, as shares of the serial time, and the times by size", () => {
    const [predict, csv, times] = page.sections;
    const [bars, sizes] = predict!.figures!;
    const [mark] = bars!.panels[0]!.marks;
    expect(mark).toMatchObject({
      type: "bars",
      value: [1, 40, 80, 1, 1.1, 0.8],
      tones: ["data", "smooth", "smooth", "data", "smooth", "smooth"],
    });
    // Bars of 80 times beside 1: on a logarithmic axis; of one half not.
    expect(bars!.panels[0]!.x.log).toBe(true);
    expect(csv!.figures![0]!.panels[0]!.x.log).toBe(false);
    expect(sizes!.panels[0]!.marks[0]).toMatchObject({ type: "line", x: [1, 1000], y: [0.01, 10] });
    expect(sizes!.panels[0]!.marks[2]).toMatchObject({ type: "line", x: [1, 1000], y: [0.8, 8] });
    // One size alone has no line.
    expect(csv!.figures).toHaveLength(1);
    expect(times!.tables!.map(({ rows }) => rows.length)).toEqual([8, 4]);
    expect(page.tiles).toEqual([
      ["predict 1000 rows, 2 threads", "1.25 ×"],
      ["csv 1000 rows, 2 threads", "2 ×"],
    ]);
  });

  test("passes axe, loads nothing, and takes names for text", async (context) => {
    if (!hasChromium) context.skip();
    await inFolder({}, async (folder) => {
      const file = join(folder, "bench.html");
      const html = pageHtml(page);
      expect(html).not.toContain("<b>.csv");
      writeFileSync(file, html);
      expect(await faults(file)).toEqual([]);
    });
  });
});

describe("goml cv --report", () => {
  const boston = readFileSync("data/boston.csv", "utf8");

  test("writes the folds' errors and coefficients as they are in --json", {
    timeout: 60_000,
  }, async (context) => {
    if (!hasChromium) context.skip();
    await inFolder({ "boston.csv": boston }, async (folder) => {
      const run = await goml(folder, ["cv", "boston.csv", "--report", "cv.html", "--json"]);
      expect(run).toMatchObject({
        code: 0,
        stderr: expect.stringMatching(/^report written to cv\.html, \d+ kB\n$/),
      });
      const { cv, folds } = JSON.parse(run.stdout);
      const html = readFileSync(join(folder, "cv.html"), "utf8");
      expect(html.length).toBeLessThan(100_000);
      expect(html).toContain(`<dd>${cv.rmse.toPrecision(5)}</dd>`);
      for (const { rmse } of folds) expect(html).toContain(`<td>${Number(rmse.toPrecision(5))}</td>`);
      const rm = folds.map(({ coefficients }: { coefficients: Record<string, number> }) => coefficients.rm!);
      expect(html).toContain(
        `<th scope="row">rm</th><td>3.8099</td><td>${Number(Math.min(...rm).toPrecision(5))}</td><td>${Number(Math.max(...rm).toPrecision(5))}</td>`,
      );
      expect(await faults(join(folder, "cv.html"))).toEqual([]);
    });
  });

  test("of models by group has a bar for each, and overwrites no data", {
    timeout: 60_000,
  }, async (context) => {
    if (!hasChromium) context.skip();
    await inFolder({ "boston.csv": boston }, async (folder) => {
      const args = ["cv", "boston.csv", "--group-by", "rad", "-f", "rm,lstat"];
      const refused = await goml(folder, [...args, "--report", "boston.csv"]);
      expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining("would be overwritten") });
      const run = await goml(folder, [...args, "--report", "groups.html", "--json"]);
      expect(run.code, run.stderr).toBe(0);
      const html = readFileSync(join(folder, "groups.html"), "utf8");
      for (const { group, rmse } of JSON.parse(run.stdout).groups)
        expect(html).toMatch(
          new RegExp(
            `<th scope="row">${group}</th>(<td>[^<]*</td>){2}<td>${Number(rmse.toPrecision(5))}</td>`,
          ),
        );
      expect(await faults(join(folder, "groups.html"))).toEqual([]);
    });
  });
});
