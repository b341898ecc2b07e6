import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import axe from "axe-core";
import type { BrowserContext } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasChromium, openChromium } from "../chromium.js";
import { goml, inFolder } from "../cli/goml.js";
import { normal } from "../normal.js";

const noise = normal(11);
const wide = (rows: number, columns: number) => {
  const names = Array.from({ length: columns }, (_, j) => `x${j}`);
  const lines = Array.from({ length: rows }, () =>
    names
      .map(() => noise().toFixed(3))
      .concat(noise().toFixed(3))
      .join(","),
  );
  return `${[...names, "y"].join(",")}\n${lines.join("\n")}\n`;
};
const small = (line: (i: number) => string, rows = 40) =>
  Array.from({ length: rows }, (_, i) => line(i)).join("\n");

/** Files, how they are fitted, and what is odd about them. */
const MODELS: [string, string, string[]][] = [
  ["boston", readFileSync("data/boston.csv", "utf8"), []],
  ["an intercept alone", `y\n${small((i) => String((i * 7) % 11))}\n`, ["--formula", "y ~ 1"]],
  ["one row left for residuals", "y,a,b\n1,2,3\n2,5,1\n3,1,1\n7,2,8\n", []],
  ["no residuals left", "y,a,b\n1,2,3\n2,5,1\n3,1,1\n", []],
  ["a perfect fit", `y,x\n${small((i) => `${2 * i + 1},${i}`)}\n`, []],
  ["300 features", wide(400, 300), []],
  ["2,000 rows", wide(2000, 12), []],
  [
    "odd names",
    `"y <b>&amp; ""q""","x<script>alert(1)</script>","é 👩‍🔬",g\n${small((i) => `${(i * i) % 17},${i % 5},${(i * 3) % 7},"<i>&${i % 3}"`)}\n`,
    ["-t", 'y <b>&amp; "q"'],
  ],
  [
    "weights",
    `y,x,w\n${small((i) => `${(i * i) % 17},${i},${1 + (i % 4)}`)}\n`,
    ["-t", "y", "--weights", "w"],
  ],
  ["a penalty", readFileSync("data/boston.csv", "utf8"), ["--lambda", "path", "--alpha", "1"]],
  [
    "a logarithm",
    readFileSync("data/cps-wages.csv", "utf8"),
    ["--formula", "log(wage) ~ education + poly(experience, 2, raw = TRUE) + gender"],
  ],
  [
    "groups",
    readFileSync("data/cps-wages.csv", "utf8"),
    ["-t", "wage", "-f", "education,experience", "--group-by", "sector"],
  ],
  [
    "absorbed effects",
    readFileSync("data/cps-wages.csv", "utf8"),
    ["-t", "wage", "-f", "education,experience", "--absorb", "occupation,sector"],
  ],
];

describe.skipIf(!hasChromium)("goml report in a browser", () => {
  let browser: BrowserContext;
  let close: () => Promise<void>;
  beforeAll(async () => {
    ({ browser, close } = await openChromium());
  });
  afterAll(() => close());

  test.each(MODELS)("of %s: axe finds nothing, nothing is loaded, nothing juts out", (_, csv, options) =>
    inFolder({ "data.csv": csv }, async (folder) => {
      const run = (...args: string[]) => goml(folder, args);
      const trained = await run("train", "data.csv", "-q", ...options);
      expect(trained.code, trained.stderr).toBe(0);
      const made = await run("report", "model.json", "data.csv", "-o", "report.html");
      expect(made.code, made.stderr).toBe(0);
      const file = join(folder, "report.html");
      expect(readFileSync(file).length).toBeLessThan(400_000);
      const page = await browser.newPage();
      const asked: string[] = [];
      const said: string[] = [];
      page.on("request", (request) => asked.push(request.url()));
      page.on("console", (message) => said.push(message.text()));
      page.on("dialog", () => said.push("a dialog"));
      await page.setViewportSize({ width: 400, height: 800 });
      const url = pathToFileURL(file).href;
      await page.goto(url);
      expect(asked).toEqual([url]);
      expect(said).toEqual([]);
      for (const [width, colorScheme] of [
        [400, "light"],
        [1280, "dark"],
      ] as const) {
        await page.setViewportSize({ width, height: 800 });
        await page.emulateMedia({ colorScheme });
        expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
        // The page runs no script, its policy forbids it: what is evaluated here comes in by the debugger.
        await page.evaluate(axe.source);
        const found = (await page.evaluate(
          "axe.run(document, { resultTypes: ['violations'] })",
        )) as axe.AxeResults;
        expect(found.violations.map(({ id, nodes }) => [id, nodes[0]?.html])).toEqual([]);
      }
      const text = await page.evaluate("document.body.innerText");
      expect(text).not.toMatch(/undefined|\[object|Infinity/);
      await page.close();
    }),
  );
});

describe("goml report and plot", () => {
  test("take a model by itself, rows of standard input, and one group", () =>
    inFolder({ "data.csv": readFileSync("data/cps-wages.csv", "utf8") }, async (folder) => {
      const run = (...args: string[]) => goml(folder, args);
      await run(
        "train",
        "data.csv",
        "-q",
        "-t",
        "wage",
        "-f",
        "education,experience",
        "--group-by",
        "gender",
        "-m",
        "g.json",
      );
      expect((await run("report", "g.json")).stderr).toMatch(/^report written to report\.html, \d+ kB\n$/);
      expect(
        (await run("report", "-m", "g.json", "data.csv", "--group", "male", "-q", "-o", "-")).stdout,
      ).toMatch(/^<!doctype html>/);
      expect((await run("plot", "g.json", "--kind", "groups")).stdout).toContain("Coefficients by gender");
      await run("train", "data.csv", "-q", "-t", "wage", "--report", "made.html");
      expect(readFileSync(join(folder, "made.html"), "utf8")).toContain("Residuals against fitted values");
      for (const kind of ["residuals", "qq", "scale", "leverage", "observed", "terms"]) {
        const { code, stdout } = await run("plot", "model.json", "data.csv", "--kind", kind);
        expect([kind, code]).toEqual([kind, 0]);
        for (const line of stdout.split("\n")) expect([...line].length).toBeLessThanOrEqual(80);
      }
    }));

  test("say in one line what they do not take", () =>
    inFolder({ "data.csv": "y,x\n1,2\n2,3\n4,4\n3,6\n", "m.onnx": "" }, async (folder) => {
      const run = (...args: string[]) => goml(folder, args);
      await run("train", "data.csv", "-q", "-t", "y", "--folds", "1");
      const refused: [string[], RegExp][] = [
        [
          ["report", "m.onnx"],
          /^goml: goml report takes models of goml, and m\.onnx is an ONNX model\nhint: .*\n$/,
        ],
        [
          ["plot", "model.json", "--kind", "qq"],
          /^goml: --kind qq is drawn of rows, and no data are named\nhint: goml plot model\.json data\.csv --kind qq\n$/,
        ],
        [
          ["plot", "model.json", "--kind", "cv"],
          /^goml: model\.json has nothing to draw for --kind cv\nhint: train with --folds 10\n$/,
        ],
        [["plot", "model.json", "-o", "x.jpg"], /^goml: x\.jpg does not say what to draw: .*\n$/],
        [["plot", "model.json", "--kind", "pie"], /^goml: .*pie.*expected one of residuals.*\n/],
      ];
      for (const [args, message] of refused) {
        const { code, stderr } = await run(...args);
        expect([args.join(" "), code]).toEqual([args.join(" "), 2]);
        expect(stderr).toMatch(message);
      }
      expect((await run("report", "model.json", "data.csv", "-o", "data.csv")).code).toBe(2);
    }));

  test("draw PNG by an optional package", () =>
    inFolder({ "data.csv": "y,x\n1,2\n2,3\n4,4\n3,6\n" }, async (folder) => {
      await goml(folder, ["train", "data.csv", "-q", "-t", "y"]);
      const { code, stderr } = await goml(folder, ["plot", "-o", "coef.png"]);
      expect([code, stderr]).toEqual([0, ""]);
      const bytes = readFileSync(join(folder, "coef.png"));
      expect([...bytes.subarray(0, 4)]).toEqual([0x89, 0x50, 0x4e, 0x47]);
      expect(bytes.readUInt32BE(16)).toBe(840);
    }));
});
