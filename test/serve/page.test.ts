import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fit } from "../../src/index.js";
import { CHROMIUM, hasChromium, openChromium } from "../chromium.js";
import { boston, expected, names, rows, serving } from "./serving.js";

let browser: BrowserContext;
let close: () => Promise<void>;
beforeAll(async () => {
  if (hasChromium) ({ browser, close } = await openChromium());
});
afterAll(() => close?.());

/** Opens the page and keeps what the browser complains about: scripts that fail, rules that are broken. */
async function open(url: string): Promise<{ page: Page; complaints: string[] }> {
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  await page.goto(url);
  return { page, complaints };
}

describe("the page in Chromium", () => {
  test("shows the models and predicts with what is typed in", async (context) => {
    if (!hasChromium) context.skip(`${CHROMIUM} is not installed`);
    const odd = fit(Float64Array.of(0, 1, 2, 3), [1, 2.5, 5, 7.25], {
      terms: ["<b>x</b>"],
      target: "<img src=x onerror=alert(1)>",
    });
    await using server = await serving({}, { boston, "a/b <i>": odd });
    const { page, complaints } = await open(server.url);
    const section = page.locator("section", {
      has: page.getByRole("heading", { name: "boston", exact: true }),
    });
    await section.waitFor();
    expect(await section.locator("p.about").textContent()).toContain("fitted on 506 rows");
    for (const [j, name] of names.entries())
      await section.getByLabel(name, { exact: true }).fill(String(rows[0]![j]));
    await section.getByRole("button", { name: "Predict" }).click();
    await expect.poll(() => section.locator("output").textContent()).toBe(`medv = ${expected[0]}`);
    // The request that is shown is one that the server answers.
    await section.locator("summary").click();
    const shown = await section.locator("pre").textContent();
    expect(JSON.parse(shown!.slice(shown!.indexOf("{"))).inputs).toHaveLength(13);

    // Names are text, whatever they look like.
    const strange = page.locator("section").first();
    expect(await strange.locator("h2").textContent()).toBe("a/b <i>");
    expect(await strange.locator("img, b, i").count()).toBe(0);
    await strange.locator("input").fill("1");
    await strange.getByRole("button").click();
    await expect
      .poll(() => strange.locator("output").textContent())
      .toMatch(/^<img src=x onerror=alert\(1\)> = [0-9.]+$/);
    if (process.env.GOML_SCREENSHOT !== undefined)
      await page.screenshot({ path: process.env.GOML_SCREENSHOT, fullPage: true });
    expect(complaints).toEqual([]);
    await page.close();
  });

  test("what the server refuses is shown; with a token it asks for it", async (context) => {
    if (!hasChromium) context.skip(`${CHROMIUM} is not installed`);
    await using server = await serving({ token: "geheim", queueLimit: 1 });
    const { page } = await open(server.url);
    await expect.poll(() => page.locator("main .error").textContent()).toContain("a bearer token is needed");
    await page.getByLabel("Bearer token").fill("geheim");
    await page.getByRole("button", { name: "Sign in" }).click();
    const section = page.locator("section");
    await section.waitFor();
    // Beyond the doubles: the server's own words.
    await section.getByLabel("nox", { exact: true }).fill("1e308");
    await section.getByRole("button", { name: "Predict" }).click();
    await expect
      .poll(() => section.locator("output.error").textContent())
      .toContain("which JSON cannot carry");
    await section.getByLabel("nox", { exact: true }).fill("0.5");
    await section.getByRole("button", { name: "Predict" }).click();
    await expect.poll(() => section.locator("output").textContent()).toMatch(/^medv = [-0-9.]+$/);
    await page.close();
  });
});
