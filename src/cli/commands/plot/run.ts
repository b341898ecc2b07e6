import { writeFileAtomic } from "../../../csv/write.js";
import { UsageError } from "../../../errors.js";
import { optionalPackage } from "../../../files/optional-package.js";
import { refuseOverwriting } from "../../../files/same-file.js";
import { withPauses } from "../../../parallel/with-pauses.js";
import type { Figure, FigureKind } from "../../../report/figure.js";
import { figuresSteps, OF_ROWS } from "../../../report/report.js";
import { figureSvg } from "../../../report/svg.js";
import { figureText, type Paint } from "../../../report/text.js";
import { expandPaths } from "../../../sources/paths.js";
import { gather, type ReportFlags, refuseOnnx } from "../../program/report-input.js";
import { colour } from "../../render/colour.js";
import { print } from "../../render/print.js";

/** The options of `goml plot`, as commander gives them. */
export interface PlotOptions extends ReportFlags {
  kind?: FigureKind;
  output?: string;
}

/** Columns of a plot in characters where standard output has no width of its own. */
const COLUMNS = 80;

/** `goml plot`: one plot, in characters, as SVG or as PNG. */
export async function plot(
  paths: readonly string[],
  options: PlotOptions,
  signal: AbortSignal,
): Promise<number> {
  const { output } = options;
  const format = formatOf(output);
  const path = options.model;
  refuseOnnx(path, "plot");
  const data = expandPaths(paths);
  const kind = options.kind ?? (data.length > 0 ? "residuals" : "coef");
  if (OF_ROWS.includes(kind) && data.length === 0)
    throw new UsageError(`--kind ${kind} is drawn of rows, and no data are named`, {
      hint: `goml plot ${path} data.csv --kind ${kind}`,
    });
  refuseOverwriting(
    [{ path: output, what: "the plot" }],
    [...data.map((one) => ({ path: one, what: "the data" })), { path, what: "the model" }],
  );
  // What needs no rows reads none.
  const reported = await gather(path, OF_ROWS.includes(kind) ? data : [], options, signal);
  const figures = await withPauses(figuresSteps(reported, [kind]), { signal });
  const figure = figures.find((one) => one.kind === kind) ?? figures[0];
  if (figure === undefined)
    throw new UsageError(`${path} has nothing to draw for --kind ${kind}`, {
      hint: WHY[kind] ?? "choose another kind",
    });
  if (format === "txt") {
    const env = Number(process.env.COLUMNS);
    const columns = process.stdout.columns ?? (env > 0 ? env : COLUMNS);
    const toFile = output !== undefined && output !== "-";
    const text = figureText(figure, { columns, paint: toFile ? plainPaint : paint });
    if (toFile) await writeFileAtomic(output, text);
    else print(text);
  } else if (format === "svg") await writeFileAtomic(output!, figureSvg(figure, { dark: true }));
  else await writeFileAtomic(output!, await png(figure, output!));
  return 0;
}

const WHY: Partial<Record<FigureKind, string>> = {
  leverage: "penalised fits, fits without residuals and models by group have no leverages of one kind",
  cv: "train with --folds 10",
  path: "a path is drawn of up to 300 columns without absorbed effects",
  vif: "variance inflation is that of two terms and more, without a penalty",
  correlation: "correlations are those of two columns and more, without absorbed effects",
  effects: "train with --absorb",
  groups: "train with --group-by",
  terms: "terms are drawn of one column of numbers or one factor each",
};

function formatOf(output: string | undefined): "txt" | "svg" | "png" {
  if (output === undefined || output === "-") return "txt";
  const ending = /\.(txt|svg|png)$/i.exec(output)?.[1]?.toLowerCase();
  if (ending !== undefined) return ending as "txt" | "svg" | "png";
  throw new UsageError(`${output} does not say what to draw: it ends in none of .svg, .png and .txt`);
}

const plainPaint: Paint = (_, text) => text;

const paint: Paint = (tone, text) => {
  if (tone === "soft" || tone === "guide") return colour.dim(text);
  if (tone === "strong") return colour.bold(text);
  return tone === "data" ? colour.blue(text) : tone === "smooth" ? colour.red(text) : colour.yellow(text);
};

/** The figure as a PNG of twice the size of its SVG, on white. */
async function png(figure: Figure, file: string): Promise<Uint8Array> {
  const { Resvg } = await optionalPackage(() => import("@resvg/resvg-js"), {
    file,
    kind: "a PNG",
    packages: ["@resvg/resvg-js"],
  });
  const svg = figureSvg(figure, { dark: false });
  return new Resvg(svg, { fitTo: { mode: "zoom", value: 2 }, background: "#fff" }).render().asPng();
}
