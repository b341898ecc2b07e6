import { shorten } from "../display-width.js";
import type { Figure, Mark, Panel, Tone } from "./figure.js";
import { escapeMarkup } from "./markup.js";
import { type Scale, scaleOf } from "./scale.js";
import { standaloneStyle } from "./style.js";

/** The width of a panel's drawing, in its own units, of which its text has 12 for the size. */
const WIDTH = 420;
const HEIGHT = 300;
/** The height of a row of categories, and letters that names of them may have. */
const ROW = 20;
const NAME_LETTERS = 22;

/** The height of a panel: of categories by how many there are. */
function heightOf({ y, title, marks, legend }: Panel): number {
  const extra = (title === undefined ? 0 : 18) + (legend === undefined ? 0 : 18);
  if (marks.some(({ type }) => type === "matrix")) return WIDTH + extra;
  if (y.categories === undefined) return HEIGHT + extra;
  return y.categories.length * ROW + 62 + extra;
}

/** A panel as an SVG element; `label` names it for those who do not see it. */
export function panelSvg(panel: Panel, { id, label }: { id: string; label: string }): string {
  const height = heightOf(panel);
  return (
    `<svg class="plot" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="${id}">` +
    `<title id="${id}">${escapeMarkup(label)}</title>${drawPanel(panel, height)}</svg>`
  );
}

/** A figure as an SVG file of its own: its title, and its panels side by side, three in a row. */
export function figureSvg(figure: Figure, options: { dark: boolean }): string {
  const { panels, title, description } = figure;
  const across = panels.length === 1 ? 1 : panels.length <= 4 ? 2 : 3;
  const rows: Panel[][] = [];
  for (let i = 0; i < panels.length; i += across) rows.push(panels.slice(i, i + across));
  const width = across * WIDTH;
  let top = 34;
  const drawn: string[] = [];
  for (const row of rows) {
    const height = Math.max(...row.map(heightOf));
    row.forEach((panel, i) => {
      drawn.push(`<g transform="translate(${i * WIDTH} ${top})">${drawPanel(panel, heightOf(panel))}</g>`);
    });
    top += height;
  }
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" class="plot" width="${width}" height="${top}" viewBox="0 0 ${width} ${top}" ` +
    `role="img" aria-labelledby="t d"><title id="t">${escapeMarkup(title)}</title>` +
    `<desc id="d">${escapeMarkup(description)}</desc><style>${standaloneStyle(options.dark)}</style>` +
    `<rect class="ground" width="${width}" height="${top}"/>` +
    `<text class="head" x="12" y="22">${escapeMarkup(title)}</text>${drawn.join("")}</svg>\n`
  );
}

/** Where a panel's marks lie, in its units. */
interface Place {
  left: number;
  top: number;
  width: number;
  height: number;
  x: Scale;
  y: Scale;
}

function drawPanel(panel: Panel, height: number): string {
  const { marks } = panel;
  const matrix = marks.some(({ type }) => type === "matrix");
  const named = panel.y.categories !== undefined;
  const title = panel.title === undefined ? 0 : 18;
  const legend = panel.legend === undefined ? 0 : 18;
  const y = scaleOf(panel.y, marks, "y", 6);
  const longest = Math.max(...y.ticks.map(({ text }) => [...shorten(text, NAME_LETTERS)].length), 1);
  const left = Math.round(longest * 6.6) + (panel.y.label === "" ? 14 : 30);
  const top = 10 + title + legend;
  const bottom = matrix ? Math.max(40, Math.round(longest * 5)) : 42;
  const width = WIDTH - left - 14;
  const x = scaleOf(panel.x, marks, "x", 6);
  const place: Place = { left, top, width, height: height - top - bottom, x, y };
  return [
    panel.title === undefined
      ? ""
      : `<text class="name" x="${left}" y="16">${escapeMarkup(shorten(panel.title, 48))}</text>`,
    legend > 0 ? drawLegend(panel.legend!, left, title + 14) : "",
    drawAxes(panel, place, { named, matrix }),
    ...marks.map((mark) => drawMark(mark, place)),
  ].join("");
}

function drawLegend(entries: NonNullable<Panel["legend"]>, left: number, y: number): string {
  let x = left;
  return entries
    .map(({ tone, text }) => {
      const entry =
        `<path class="${tone} stroke" d="M${x} ${y - 4}h16"/>` +
        `<text x="${x + 20}" y="${y}">${escapeMarkup(text)}</text>`;
      x += 34 + 6.6 * text.length;
      return entry;
    })
    .join("");
}

function drawAxes(
  { x, y }: Panel,
  place: Place,
  { named, matrix }: { named: boolean; matrix: boolean },
): string {
  const { left, top, width, height } = place;
  const [right, bottom] = [left + width, top + height];
  const parts: string[] = [];
  const lines: string[] = [];
  const tilted = x.categories !== undefined && x.categories.join("  ").length * 7 > width;
  const skip = tilted && !matrix ? Math.ceil(place.x.ticks.length / 24) : 1;
  place.x.ticks.forEach(({ at, text }, i) => {
    const px = number(xOf(at, place));
    if (!matrix && x.categories === undefined) lines.push(`M${px} ${top}V${bottom}`);
    if (i % skip !== 0) return;
    const anchor = tilted
      ? `text-anchor="end" transform="rotate(-40 ${px} ${bottom + 12})"`
      : 'text-anchor="middle"';
    parts.push(
      `<text x="${px}" y="${bottom + (tilted ? 12 : 16)}" ${anchor}>${escapeMarkup(shorten(text, tilted ? 12 : 16))}</text>`,
    );
  });
  place.y.ticks.forEach(({ at, text }) => {
    const py = number(yOf(at, place));
    if (!matrix) lines.push(`M${left} ${py}H${right}`);
    parts.push(
      `<text x="${left - 6}" y="${number(py + 4)}" text-anchor="end">${escapeMarkup(shorten(text, NAME_LETTERS))}</text>`,
    );
  });
  const frame = matrix ? "" : `<path class="grid" d="${lines.join("")}"/>`;
  const xLabel =
    x.label === ""
      ? ""
      : `<text class="label" x="${number(left + width / 2)}" y="${bottom + 35}" text-anchor="middle">${escapeMarkup(shorten(x.label, 50))}</text>`;
  const middle = number(top + height / 2);
  const yLabel =
    y.label === "" || (named && y.label === "")
      ? ""
      : `<text class="label" x="14" y="${middle}" text-anchor="middle" transform="rotate(-90 14 ${middle})">${escapeMarkup(shorten(y.label, 36))}</text>`;
  return frame + parts.join("") + xLabel + yLabel;
}

/** One decimal. */
function number(value: number): number {
  return Math.round(value * 10) / 10;
}

function xOf(value: number, { left, width, x }: Place): number {
  return left + width * x.place(value);
}

function yOf(value: number, { top, height, y }: Place): number {
  return top + height * (1 - y.place(value));
}

function drawMark(mark: Mark, place: Place): string {
  switch (mark.type) {
    case "points":
      return drawPoints(mark.x, mark.y, place, `${mark.tone ?? "data"} ${mark.large ? "large" : "dots"}`);
    case "cells":
      return drawCells(mark, place);
    case "line":
      return drawLine(mark.x, mark.y, place, mark.tone ?? "data", mark.dashed === true);
    case "band":
      return drawBand(mark, place);
    case "rule":
      return drawRule(mark, place);
    case "intervals":
      return drawIntervals(mark, place);
    case "bars":
      return drawBars(mark, place);
    case "matrix":
      return drawMatrix(mark, place);
    case "labels":
      return drawLabels(mark, place);
  }
}

/** Points as one path of strokes without length, in half units, each from the one before: some 7 bytes a point. */
function drawPoints(x: readonly number[], y: readonly number[], place: Place, tone: string): string {
  const seen = new Set<string>();
  const at: [number, number][] = [];
  x.forEach((value, i) => {
    const px = Math.round(2 * xOf(value, place));
    const py = Math.round(2 * yOf(y[i]!, place));
    if (!(isWithin(px, py, place) && !seen.has(`${px},${py}`))) return;
    seen.add(`${px},${py}`);
    at.push([px, py]);
  });
  if (at.length === 0) return "";
  at.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  let [lastX, lastY] = [0, 0];
  const path = at.map(([px, py], i) => {
    const [dx, dy] = [px - lastX, py - lastY];
    [lastX, lastY] = [px, py];
    return `${i === 0 ? "M" : "m"}${dx}${dy < 0 ? "" : " "}${dy}h0`;
  });
  return `<path class="${tone}" transform="scale(.5)" d="${path.join("")}"/>`;
}

function isWithin(px: number, py: number, { left, top, width, height }: Place): boolean {
  return (
    px >= 2 * left - 2 && px <= 2 * (left + width) + 2 && py >= 2 * top - 2 && py <= 2 * (top + height) + 2
  );
}

/** Shades of bins, by the logarithm of their counts. */
const SHADES = 5;

function drawCells({ cells, width, height }: Extract<Mark, { type: "cells" }>, place: Place): string {
  const most = cells.reduce((top, { count }) => Math.max(top, count), 1);
  const paths = Array.from({ length: SHADES }, () => [] as string[]);
  for (const { x, y, count } of cells) {
    const [x1, x2] = [xOf(x, place), xOf(x + width, place)].map((v) => Math.round(2 * v)) as [number, number];
    const [y1, y2] = [yOf(y + height, place), yOf(y, place)].map((v) => Math.round(2 * v)) as [
      number,
      number,
    ];
    const shade = Math.min(SHADES - 1, Math.floor((SHADES * Math.log(count)) / Math.log(most + 1)));
    // One row alone has to be seen.
    paths[shade]!.push(
      `M${x1} ${y1}h${Math.max(1, x2 - x1)}v${Math.max(1, y2 - y1)}h${-Math.max(1, x2 - x1)}`,
    );
  }
  return paths
    .map((path, i) =>
      path.length === 0 ? "" : `<path class="cell c${i + 1}" transform="scale(.5)" d="${path.join("")}"/>`,
    )
    .join("");
}

function drawLine(
  x: readonly number[],
  y: readonly number[],
  place: Place,
  tone: Tone,
  dashed: boolean,
): string {
  const path = pathOf(x, y, place);
  return path === "" ? "" : `<path class="${tone} stroke${dashed ? " dashed" : ""}" d="${path}"/>`;
}

/** A line through points, cut off where it leaves the panel. */
function pathOf(x: readonly number[], y: readonly number[], place: Place): string {
  const [low, high] = [place.top, place.top + place.height];
  let path = "";
  let before: [number, number] | undefined;
  let last = "";
  x.forEach((value, i) => {
    const point: [number, number] = [xOf(value, place), yOf(y[i]!, place)];
    if (point[0] * 0 + point[1] * 0 !== 0) {
      before = undefined;
      return;
    }
    if (before !== undefined) {
      const piece = clipped(before, point, low, high);
      if (piece !== undefined) {
        const [from, to] = piece.map(([a, b]) => `${number(a)} ${number(b)}`) as [string, string];
        path += last === from ? (to === from ? "" : `L${to}`) : `M${from}L${to}`;
        last = to;
      }
    }
    before = point;
  });
  return path;
}

/** The part of a straight line whose y lies between two values. */
function clipped(
  [x1, y1]: [number, number],
  [x2, y2]: [number, number],
  low: number,
  high: number,
): [[number, number], [number, number]] | undefined {
  if ((y1 < low && y2 < low) || (y1 > high && y2 > high)) return undefined;
  const at = (y: number): [number, number] => [x1 + ((x2 - x1) * (y - y1)) / (y2 - y1), y];
  const cut = (x: number, y: number): [number, number] => (y < low ? at(low) : y > high ? at(high) : [x, y]);
  return [cut(x1, y1), cut(x2, y2)];
}

function drawBand({ x, lower, upper }: Extract<Mark, { type: "band" }>, place: Place): string {
  const up = x.map((value, i) => `${number(xOf(value, place))} ${number(yOf(upper[i]!, place))}`);
  const down = x.map((value, i) => `${number(xOf(value, place))} ${number(yOf(lower[i]!, place))}`).reverse();
  if ([...up, ...down].some((text) => /NaN|Inf/.test(text)) || x.length < 2) return "";
  return `<path class="band" d="M${up.join("L")}L${down.join("L")}z"/>`;
}

function drawRule({ axis, at, dashed }: Extract<Mark, { type: "rule" }>, place: Place): string {
  const { left, top, width, height } = place;
  const d =
    axis === "y"
      ? `M${left} ${number(yOf(at, place))}h${width}`
      : `M${number(xOf(at, place))} ${top}v${height}`;
  return /NaN/.test(d) ? "" : `<path class="rule${dashed ? " dashed" : ""}" d="${d}"/>`;
}

function drawIntervals(
  { at, value, lower, upper }: Extract<Mark, { type: "intervals" }>,
  place: Place,
): string {
  const lines: string[] = [];
  at.forEach((row, i) => {
    const [from, to] = [lower?.[i] ?? Number.NaN, upper?.[i] ?? Number.NaN];
    if (from * 0 + to * 0 !== 0) return;
    lines.push(`M${number(xOf(from, place))} ${number(yOf(row, place))}H${number(xOf(to, place))}`);
  });
  const line = lines.length === 0 ? "" : `<path class="data stroke" d="${lines.join("")}"/>`;
  return line + drawPoints(value, at, place, "data large");
}

function drawBars({ at, value, tones }: Extract<Mark, { type: "bars" }>, place: Place): string {
  return [...new Set(tones)]
    .map((tone) => {
      const lines = at.flatMap((row, i) =>
        tones[i] !== tone || value[i]! * 0 !== 0
          ? []
          : [`M${number(place.left)} ${number(yOf(row, place))}H${number(xOf(value[i]!, place))}`],
      );
      return lines.length === 0 ? "" : `<path class="${tone} bar" d="${lines.join("")}"/>`;
    })
    .join("");
}

function drawMatrix({ size, values }: Extract<Mark, { type: "matrix" }>, place: Place): string {
  const { left, top, width, height } = place;
  const side = Math.min(width, height) / size;
  return values
    .map((value, i) => {
      if (Number.isNaN(value)) return "";
      const [row, column] = [Math.floor(i / size), i % size];
      const shade = Math.min(5, Math.ceil(Math.abs(value) * 5));
      const tone = shade === 0 ? "none" : `${value < 0 ? "minus" : "plus"} s${shade}`;
      const [x, y] = [left + (column * width) / size, top + (row * height) / size];
      const text =
        side < 20
          ? ""
          : `<text class="cell-text" x="${number(x + width / size / 2)}" y="${number(y + height / size / 2 + 4)}" text-anchor="middle">${value
              .toFixed(side < 30 ? 1 : 2)
              .replace(/^(-?)0\./, "$1.")
              .replace("-", "−")}</text>`;
      return (
        `<rect class="${tone}" x="${number(x)}" y="${number(y)}" width="${number(width / size - 1)}" ` +
        `height="${number(height / size - 1)}"/>${text}`
      );
    })
    .join("");
}

function drawLabels({ x, y, text }: Extract<Mark, { type: "labels" }>, place: Place): string {
  const taken: [number, number][] = [];
  return text
    .map((name, i) => {
      const px = xOf(x[i]!, place);
      let py = yOf(y[i]!, place);
      if (px * 0 + py * 0 !== 0) return "";
      // Below those that are there already.
      while (taken.some(([a, b]) => Math.abs(a - px) < 70 && Math.abs(b - py) < 12)) py += 3;
      taken.push([px, py]);
      const right = px > place.left + place.width * 0.8;
      const shown = shorten(name, 16);
      return `<text class="mark" x="${number(px + (right ? -6 : 6))}" y="${number(py + 4)}"${right ? ' text-anchor="end"' : ""}>${escapeMarkup(shown)}</text>`;
    })
    .join("");
}
