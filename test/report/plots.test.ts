import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { LinearModel } from "../../src/linear/model/model.js";
import { inOneGo } from "../../src/parallel/steps.js";
import { pageHtml } from "../../src/report/page.js";
import {
  cooksContour,
  panelSmooth,
  quantilePlot,
  smoothOfPoints,
  smooths,
} from "../../src/report/plot-data.js";
import { readRows } from "../../src/report/read-rows.js";
import { figuresSteps, pageSteps } from "../../src/report/report.js";
import { figureSvg } from "../../src/report/svg.js";
import { cellsOf } from "../../src/stats/dyadic-grid.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import { inFolder } from "../cli/goml.js";
import { normal } from "../normal.js";

type List = (number | null)[];
interface Golden {
  file: string;
  call: string;
  formula: string;
  weights: string | null;
  fitted: List;
  residual: List;
  leverage: List;
  rstandard: List;
  cooks: List;
  residuals: { x: List; y: List };
  scale: { x: List; y: List };
  influence: { x: List; y: List };
  qq: { x: List; y: List };
  contour: { leverage: number[]; rstandard: number[] };
  terms: Record<string, List>;
}
const { r, fits } = JSON.parse(readFileSync(new URL("../golden/plots.json", import.meta.url), "utf8")) as {
  r: string;
  fits: Golden[];
};

/** R's QR and the moments agree to ten digits of the largest value, as elsewhere in these tests. */
function expectClose(found: ArrayLike<number>, wanted: List): void {
  expect(found.length).toBe(wanted.length);
  const size = wanted.reduce<number>((top, v) => Math.max(top, Math.abs(v ?? 0)), 1e-300);
  wanted.forEach((value, i) => {
    if (value === null) expect(found[i]).toBeNaN();
    else expect(Math.abs(found[i]! - value)).toBeLessThan(1e-9 * size);
  });
}

describe(`what ${r} draws by plot.lm and termplot`, () => {
  test.each(fits)("$call", async (golden) => {
    const { model } = await fitCsv(golden.file, {
      formula: golden.formula,
      weights: golden.weights ?? undefined,
      folds: 1,
    });
    const rows = await readRows(model, golden.file, {});
    if (rows.kind !== "diagnosed") throw new Error(rows.kind);
    const { sums, terms } = rows.found.plots!;
    const exact = sums.exact!;
    for (const name of ["fitted", "residual", "leverage", "rstandard"] as const)
      expectClose(exact[name], golden[name]);
    const smooth = smooths(sums);
    // R's order among leverages that are equal in exact arithmetic is that of their rounding: such smooths are left out.
    const tied = new Set(golden.leverage.map((h) => h!.toPrecision(9))).size < golden.leverage.length;
    expectClose(smooth.residuals.x, golden.residuals.x);
    if (!tied) {
      expectClose(smooth.residuals.y, golden.residuals.y);
      expectClose(smooth.scale.y, golden.scale.y);
      expectClose(smooth.leverage.x, golden.influence.x);
      expectClose(smooth.leverage.y, golden.influence.y);
    }
    const { points } = quantilePlot(sums);
    expectClose(points.x, golden.qq.x);
    expectClose(points.y, golden.qq.y);
    const most = Math.max(...golden.cooks.map((d) => d ?? 0));
    expect(sums.influential[0]!.cooks / most).toBeCloseTo(1, 8);
    for (const [i, { label }] of terms.entries()) {
      const own = golden.terms[label]!;
      const found = sums.panels[i]!.points!.y;
      // Terms of a weighted fit are about weighted means here, about plain ones in R: a constant apart.
      const shift = golden.weights === null ? 0 : found[0]! - own[0]!;
      expectClose(
        found.map((value) => value - shift),
        own,
      );
    }
  });

  test("Cook’s contours", () => {
    for (const { contour, leverage, call, terms } of fits.slice(0, 2)) {
      // The rank: an intercept and a column for each term.
      const rank = 1 + Object.keys(terms).length;
      const { x, y } = cooksContour(0.5, rank, Math.max(...contour.leverage, ...(leverage as number[])));
      x.forEach((h, i) => {
        expect(y[i]! ** 2 * (h / (1 - h)), call).toBeCloseTo(0.5 * rank, 10);
      });
      contour.leverage.forEach((h, i) => {
        expect(contour.rstandard[i]! ** 2 * (h / (1 - h))).toBeCloseTo(0.5 * rank, 10);
      });
    }
  });
});

/** Rows of y = 1 + 2x + noise that grows with x, with a weight and a group. */
function csv(rows: number): string {
  const noise = normal(5);
  const lines = ["y,x,z,group"];
  for (let i = 0; i < rows; i++) {
    const x = ((i * 7919) % 9973) / 1000;
    lines.push(`${(1 + 2 * x + (0.2 + 0.1 * x) * noise()).toFixed(5)},${x},${noise().toFixed(4)},g${i % 3}`);
  }
  return `${lines.join("\n")}\n`;
}

describe("plots of many rows", () => {
  test("are the same, and as small, for any number of threads", () =>
    // 5 MB: past the 4 MiB below which no worker is started.
    inFolder({ "data.csv": csv(240_000) }, async (folder) => {
      const data = join(folder, "data.csv");
      const { model } = await fitCsv(data, { formula: "y ~ x + z + group" });
      const page = async (threads: number) => {
        const rows = await readRows(model, data, { threads });
        return {
          rows,
          html: pageHtml(inOneGo(pageSteps({ model, path: "model.json", rows, data: "data.csv" }))),
        };
      };
      const [one, two] = [await page(1), await page(2)];
      expect(two.html).toBe(one.html);
      expect(one.html.length).toBeLessThan(400_000);
      if (one.rows.kind !== "diagnosed") throw new Error(one.rows.kind);
      const { sums } = one.rows.found.plots!;
      expect(sums.exact).toBeUndefined();
      // Every row is in a bin, and the quantiles are those of all residuals: rstandard is e/σ but for leverages of 1e-5.
      const total = cellsOf(sums.residuals!).cells.reduce((sum, { count }) => sum + count, 0);
      expect(total).toBe(240_000);
      const { quantiles } = one.rows.found;
      const { points } = quantilePlot(sums);
      const median = points.y[points.x.findIndex((z) => z >= 0)]!;
      expect(Math.abs(median - quantiles.median / model.sigma)).toBeLessThan(0.02);
      expect(points.y.at(-1)! / (quantiles.max / model.sigma)).toBeCloseTo(1, 3);
      // The smooth follows the trend of the spread, which is √(0.2 + 0.1 x) but for constants.
      const { scale } = smooths(sums);
      expect(scale.y.at(-1)! / scale.y[0]!).toBeGreaterThan(1.8);
    }));

  test("smooths by bins lie near those of all rows", () =>
    inFolder({ "data.csv": csv(9000) }, async (folder) => {
      const data = join(folder, "data.csv");
      const { model } = await fitCsv(data, { formula: "y ~ x" });
      const rows = await readRows(model, data, {});
      const { sums } = rows.found.plots!;
      if (sums.exact === undefined) throw new Error("binned");
      const exact = smooths(sums).residuals;
      const binned = smooths({ ...sums, exact: undefined }).residuals;
      // A tenth of σ: robust rounds leave rows out in one, bins in the other.
      binned.x.forEach((x, i) => {
        const near = exact.x.findIndex((value) => value >= x);
        expect(Math.abs(binned.y[i]! - exact.y[Math.max(0, near)]!)).toBeLessThan(0.1 * model.sigma);
      });
      const panel = sums.panels[0]!;
      expect(panel.points).toBeUndefined();
      expect(panelSmooth(panel).y.length).toBeGreaterThan(30);
    }));
});

describe("figures of a model alone", () => {
  test("correlations are R's cor, in order, and drawing twice gives the same bytes", async () => {
    const { model } = await fitCsv("data/boston.csv");
    expect(model).toBeInstanceOf(LinearModel);
    const draw = () => inOneGo(figuresSteps({ model, path: "model.json" }));
    const figures = draw();
    expect(figures.map(({ kind }) => kind)).toEqual(["coef", "vif", "correlation"]);
    // R: cor(read.csv("data/boston.csv"))["rm", "medv"], and ["lstat", "medv"]
    const { table } = figures[2]!;
    const row = (name: string) => table!.rows.find(([own]) => own === name)!.at(-1);
    expect([row("rm"), row("lstat")]).toEqual(["0.695", "-0.738"]);
    expect(draw().map((figure) => figureSvg(figure, { dark: true }))).toEqual(
      figures.map((figure) => figureSvg(figure, { dark: true })),
    );
  });

  test("a smooth needs no more than one point", () => {
    expect(smoothOfPoints([1], [2])).toEqual({ x: [1], y: [2] });
    expect(smoothOfPoints([Number.NaN], [2])).toEqual({ x: [], y: [] });
  });
});
