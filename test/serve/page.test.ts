import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import axe from "axe-core";
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fit, fitCsv } from "../../src/index.js";
import { CHROMIUM, hasChromium, openChromium } from "../chromium.js";
import { inFolder } from "../cli/goml.js";
import { boston, expected, names, rows, serving, X } from "./serving.js";

const run = promisify(execFile);

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

/** Cars of three fuels, whose price is of the logarithm of one column, as CSV. */
const CARS = [
  "fuel,power,weight,price",
  ...Array.from({ length: 60 }, (_, i) => {
    const [power, weight] = [50 + ((i * 37) % 101), 900 + ((i * 53) % 997)];
    return `${["diesel", "electric", "it's petrol"][i % 3]},${power},${weight},${9000 + 70 * power + ((i * 29) % 13) * 100}`;
  }),
].join("\n");

describe("the page in Chromium", () => {
  test("has means and levels in its fields, and code in three languages that gives what it shows", async (context) => {
    if (!hasChromium) context.skip(`${CHROMIUM} is not installed`);
    const { model: cars } = await inFolder({ "cars.csv": CARS }, (folder) =>
      fitCsv(join(folder, "cars.csv"), { formula: "price ~ fuel + power + log(weight)", threads: 1 }),
    );
    await using server = await serving({ token: "ge'heim" }, { boston, cars });
    const { page, complaints } = await open(server.url);
    await page.getByLabel("Bearer token").fill("ge'heim");
    await page.getByRole("button", { name: "Sign in" }).click();
    const section = page.locator("section", {
      has: page.getByRole("heading", { name: "cars", exact: true }),
    });
    await section.waitFor();
    expect(await section.getByLabel("fuel").locator("option").allTextContents()).toEqual([
      "diesel",
      "electric",
      "it's petrol",
    ]);
    const power = cars.moments.mean[cars.moments.index("power")]!;
    expect(Number(await section.getByLabel("power").inputValue())).toBe(Number(power.toPrecision(4)));
    // Of a column that stands within a logarithm alone no mean is known.
    expect(await section.getByLabel("weight").inputValue()).toBe("");
    await section.getByLabel("weight").fill("1200");
    await section.getByLabel("fuel").selectOption("it's petrol");
    await section.getByRole("button", { name: "Predict" }).click();
    await expect.poll(() => section.locator("output").textContent()).toMatch(/^price = \d+\.?\d* \[/);
    for (const summary of await section.locator("summary").all()) await summary.click();
    const text = (title: string) =>
      section
        .locator("details", { has: page.getByText(title, { exact: true }) })
        .locator("pre")
        .textContent();
    const wanted = JSON.parse((await text("The answer"))!).outputs;
    expect(wanted.map(({ name }: { name: string }) => name)).toEqual(["prediction", "lower", "upper"]);
    const env = { ...process.env, GOML_TOKEN: "ge'heim" };
    const byCurl = await run("sh", ["-c", (await text("curl"))!], { env });
    expect(JSON.parse(byCurl.stdout).outputs).toEqual(wanted);
    const printed = wanted.map(({ name, data }: { name: string; data: number[] }) => [
      name,
      data[0]!.toFixed(6),
    ]);
    const numbers = (stdout: string) =>
      stdout
        .trim()
        .split("\n")
        .map((line) => /^(\w+) \[ ?([-0-9.]+) ?\]$/.exec(line)!.slice(1))
        .map(([name, value]) => [name, Number(value).toFixed(6)]);
    const byPython = await run("python3", ["-c", (await text("Python"))!], { env });
    expect(numbers(byPython.stdout)).toEqual(printed);
    const byNode = await run(process.execPath, ["--input-type=module", "-e", (await text("JavaScript"))!], {
      env,
    });
    expect(numbers(byNode.stdout)).toEqual(printed);
    // By keyboard and screen reader, narrow and wide, light and dark.
    for (const [width, colorScheme] of [
      [400, "light"],
      [400, "dark"],
      [1280, "light"],
      [1280, "dark"],
    ] as const) {
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme });
      await page.evaluate(axe.source);
      const found = (await page.evaluate(
        "axe.run(document, { resultTypes: ['violations'] })",
      )) as axe.AxeResults;
      expect(found.violations.map(({ id, nodes }) => [id, nodes[0]?.html])).toEqual([]);
      expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBeLessThanOrEqual(0);
      const folder = process.env.GOML_SCREENSHOTS;
      if (folder !== undefined)
        await page.screenshot({ path: `${folder}/serve-${width}-${colorScheme}.png`, fullPage: true });
    }
    // The one complaint is that the models were not to be had without the token.
    expect(complaints.filter((text) => !text.includes("401"))).toEqual([]);
    await page.close();
  });

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
    // σ is 4.745: what is shown has two decimals, the answer all digits.
    const bounds = boston.predictInterval(X, { interval: "prediction", level: 0.95 });
    const [lower, upper] = [bounds.lower[0]!, bounds.upper[0]!].map((bound) => bound.toFixed(2));
    await expect
      .poll(() => section.locator("output").textContent())
      .toBe(`medv = ${expected[0]!.toFixed(2)} [${lower}, ${upper}]`);
    const opened = async (title: string) => {
      const block = section.locator("details", { has: page.getByText(title, { exact: true }) });
      if ((await block.getAttribute("open")) === null) await block.locator("summary").click();
      return (await block.locator("pre").textContent())!;
    };
    expect(JSON.parse(await opened("The answer")).outputs[0].data).toEqual([expected[0]]);
    await section.getByLabel("Interval").selectOption("none");
    await section.getByRole("button", { name: "Predict" }).click();
    await expect
      .poll(() => section.locator("output").textContent())
      .toBe(`medv = ${expected[0]!.toFixed(2)}`);
    // The request that is shown is one that the server answers.
    const shown = await opened("The request");
    expect(JSON.parse(shown.slice(shown.indexOf("{"))).inputs).toHaveLength(13);

    // Names are text, whatever they look like.
    const strange = page.locator("section").first();
    expect(await strange.locator("h2").textContent()).toBe("a/b <i>");
    expect(await strange.locator("img, b, i").count()).toBe(0);
    expect(await strange.locator("input").inputValue()).toBe("1.5");
    await strange.locator("input").fill("1");
    await strange.getByRole("button").click();
    await expect
      .poll(() => strange.locator("output").textContent())
      .toMatch(/^<img src=x onerror=alert\(1\)> = [0-9.]+ \[[-0-9.]+, [0-9.]+\]$/);
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
    await expect
      .poll(() => section.locator("output").textContent())
      .toMatch(/^medv = [-0-9.]+ \[[-0-9.]+, [-0-9.]+\]$/);
    await page.close();
  });
});
