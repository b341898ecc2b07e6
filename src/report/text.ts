import { displayWidth, shorten } from "../display-width.js";
import type { Figure, Mark, Panel, Tone } from "./figure.js";
import { type Scale, scaleOf } from "./scale.js";

/** Colours a text by what it is drawn for. */
export type Paint = (tone: Tone | "soft" | "strong", text: string) => string;

/** Rows of characters that a panel's plot has, and the widest it becomes. */
const [ROWS, WIDEST] = [20, 110];

/** A figure in characters, as wide as the terminal: points in Braille, lines in box drawing. */
export function figureText(figure: Figure, { columns, paint }: { columns: number; paint: Paint }): string {
  const width = Math.max(30, Math.min(columns, WIDEST));
  const parts = figure.panels.map((panel) => panelText(panel, width, paint));
  return `${paint("strong", figure.title)}\n\n${parts.join("\n\n")}\n\n${wrapped(figure.description, width)
    .map((line) => paint("soft", line))
    .join("\n")}\n`;
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    if (line !== "" && displayWidth(line) + 1 + displayWidth(word) > width) {
      lines.push(line);
      line = "";
    }
    line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

function panelText(panel: Panel, width: number, paint: Paint): string {
  const title = panel.title === undefined ? [] : [shorten(panel.title, width)];
  if (panel.marks.some(({ type }) => type === "matrix"))
    return [...title, ...matrixText(panel, width)].join("\n");
  const rows = panel.y.categories?.length ?? ROWS;
  const canvas = new Canvas(panel, width, rows, paint);
  for (const mark of panel.marks) canvas.draw(mark);
  return [...title, ...canvas.lines()].join("\n");
}

/** A place on which marks are drawn: Braille dots, 2 × 4 in a character, and characters that cover them. */
class Canvas {
  readonly #panel: Panel;
  readonly #paint: Paint;
  readonly #x: Scale;
  readonly #y: Scale;
  readonly #left: number;
  readonly #columns: number;
  readonly #rows: number;
  readonly #dots: Uint8Array;
  readonly #tones: (Tone | "soft" | undefined)[];
  readonly #over: (string | undefined)[];

  constructor(panel: Panel, width: number, rows: number, paint: Paint) {
    this.#panel = panel;
    this.#paint = paint;
    this.#rows = rows;
    this.#y = scaleOf(panel.y, panel.marks, "y", 5);
    const most = Math.max(8, Math.floor(width / 3));
    this.#left = Math.max(...this.#y.ticks.map(({ text }) => displayWidth(shorten(text, most))), 1) + 1;
    this.#columns = Math.max(10, width - this.#left - 1);
    this.#x = scaleOf(panel.x, panel.marks, "x", Math.max(2, Math.floor(this.#columns / 14)));
    this.#dots = new Uint8Array(this.#columns * rows);
    this.#tones = new Array(this.#dots.length);
    this.#over = new Array(this.#dots.length);
  }

  draw(mark: Mark): void {
    switch (mark.type) {
      case "points":
        mark.x.forEach((x, i) => {
          if (mark.large && mark.tone !== undefined) this.#put(x, mark.y[i]!, "●", mark.tone);
          else if (mark.large) this.#put(x, mark.y[i]!, "●", "data");
          else this.#dot(x, mark.y[i]!, mark.tone ?? "data");
        });
        break;
      case "cells":
        this.#cells(mark);
        break;
      case "line":
        this.#line(mark.x, mark.y, mark.tone ?? "data", mark.dashed === true);
        break;
      case "band":
        this.#line(mark.x, mark.lower, "guide", true);
        this.#line(mark.x, mark.upper, "guide", true);
        break;
      case "rule":
        this.#rule(mark);
        break;
      case "intervals":
        this.#intervals(mark);
        break;
      case "bars":
        this.#bars(mark);
        break;
      case "labels":
        mark.text.forEach((text, i) => {
          this.#label(mark.x[i]!, mark.y[i]!, shorten(text, 12));
        });
    }
  }

  /** Where a value lies, in quarters of a row and halves of a column; undefined outside. */
  #at(x: number, y: number): { column: number; row: number; fineX: number; fineY: number } | undefined {
    const fineX = Math.floor(this.#x.place(x) * this.#columns * 2);
    const fineY = Math.floor((1 - this.#y.place(y)) * this.#rows * 4);
    if (!(fineX >= 0 && fineX <= this.#columns * 2 && fineY >= 0 && fineY <= this.#rows * 4))
      return undefined;
    const column = Math.min(this.#columns - 1, fineX >> 1);
    const row = Math.min(this.#rows - 1, fineY >> 2);
    return { column, row, fineX: Math.min(1, fineX - 2 * column), fineY: Math.min(3, fineY - 4 * row) };
  }

  #dot(x: number, y: number, tone: Tone): void {
    const at = this.#at(x, y);
    if (at === undefined) return;
    const place = at.row * this.#columns + at.column;
    this.#dots[place]! |= DOTS[at.fineX]![at.fineY]!;
    this.#tones[place] ??= tone;
  }

  #put(x: number, y: number, sign: string, tone: Tone | "soft"): void {
    const at = this.#at(x, y);
    if (at !== undefined) this.#set(at.row, at.column, sign, tone);
  }

  #set(row: number, column: number, sign: string, tone: Tone | "soft"): void {
    if (column < 0 || column >= this.#columns) return;
    const place = row * this.#columns + column;
    this.#over[place] = sign;
    this.#tones[place] = tone;
  }

  #cells({ cells, width, height }: Extract<Mark, { type: "cells" }>): void {
    const counts = new Float64Array(this.#dots.length);
    for (const { x, y, count } of cells) {
      const from = this.#at(x + width * 0.01, y + height * 0.01);
      const to = this.#at(x + width * 0.99, y + height * 0.99);
      if (from === undefined || to === undefined) continue;
      const size = (to.column - from.column + 1) * (from.row - to.row + 1);
      for (let row = to.row; row <= from.row; row++)
        for (let column = from.column; column <= to.column; column++)
          counts[row * this.#columns + column]! += count / size;
    }
    const most = counts.reduce((top, count) => Math.max(top, count), 1);
    counts.forEach((count, place) => {
      if (count === 0) return;
      const shade = Math.floor((3.999 * Math.log1p(count)) / Math.log1p(most));
      this.#over[place] = "░▒▓█"[shade]!;
      this.#tones[place] = "data";
    });
  }

  #line(x: readonly number[], y: readonly number[], tone: Tone, dashed: boolean): void {
    let before: { x: number; y: number } | undefined;
    x.forEach((value, i) => {
      const point = { x: this.#x.place(value) * this.#columns, y: (1 - this.#y.place(y[i]!)) * this.#rows };
      if (point.x * 0 + point.y * 0 !== 0) return;
      if (before !== undefined) this.#segment(before, point, tone, dashed);
      before = point;
    });
  }

  #segment(a: { x: number; y: number }, b: { x: number; y: number }, tone: Tone, dashed: boolean): void {
    const from = Math.ceil(Math.max(0, Math.min(a.x, b.x)) - 0.5);
    const to = Math.floor(Math.min(this.#columns, Math.max(a.x, b.x)) - 0.5);
    const slope = (b.y - a.y) / (b.x - a.x);
    for (let column = Math.max(0, from); column <= to; column++) {
      const row = Math.floor(a.y + slope * (column + 0.5 - a.x));
      if (row < 0 || row >= this.#rows || (dashed && column % 2 === 1)) continue;
      const place = row * this.#columns + column;
      if (dashed && (this.#dots[place] !== 0 || this.#over[place] !== undefined)) continue;
      this.#set(row, column, dashed ? "┄" : Math.abs(slope) < 0.3 ? "━" : slope < 0 ? "╱" : "╲", tone);
    }
  }

  #rule({ axis, at, dashed }: Extract<Mark, { type: "rule" }>): void {
    if (axis === "y") {
      const row = Math.floor((1 - this.#y.place(at)) * this.#rows);
      if (row < 0 || row >= this.#rows) return;
      for (let column = 0; column < this.#columns; column++)
        this.#set(row, column, dashed ? "┄" : "─", "soft");
    } else {
      const column = Math.floor(this.#x.place(at) * this.#columns);
      for (let row = 0; row < this.#rows; row++) this.#set(row, column, dashed ? "┊" : "│", "soft");
    }
  }

  #intervals({ at, value, lower, upper }: Extract<Mark, { type: "intervals" }>): void {
    at.forEach((index, i) => {
      const row = Math.min(this.#rows - 1, Math.floor((1 - this.#y.place(index)) * this.#rows));
      const column = (v: number) => Math.min(this.#columns - 1, Math.floor(this.#x.place(v) * this.#columns));
      const [from, to] = [lower?.[i] ?? Number.NaN, upper?.[i] ?? Number.NaN];
      if (from * 0 + to * 0 === 0) {
        for (let c = column(from); c <= column(to); c++) this.#set(row, c, "─", "data");
        this.#set(row, column(from), "├", "data");
        this.#set(row, column(to), "┤", "data");
      }
      if (value[i]! * 0 === 0) this.#set(row, column(value[i]!), "●", "data");
    });
  }

  #bars({ at, value, tones }: Extract<Mark, { type: "bars" }>): void {
    at.forEach((index, i) => {
      if (value[i]! * 0 !== 0) return;
      const row = Math.min(this.#rows - 1, Math.floor((1 - this.#y.place(index)) * this.#rows));
      const end = Math.min(this.#columns - 1, Math.floor(this.#x.place(value[i]!) * this.#columns));
      for (let column = 0; column <= end; column++) this.#set(row, column, "█", tones[i]!);
    });
  }

  #label(x: number, y: number, text: string): void {
    const at = this.#at(x, y);
    // One character a letter: a wide one would push the line.
    if (at === undefined || displayWidth(text) !== [...text].length) return;
    const letters = [...text];
    const start =
      at.column + 1 + letters.length >= this.#columns ? at.column - letters.length - 1 : at.column + 1;
    letters.forEach((letter, i) => {
      this.#set(at.row, start + i, letter, "other");
    });
  }

  /** The lines of the plot, with its axes. */
  lines(): string[] {
    const named = this.#panel.y.categories !== undefined;
    const names = new Array<string>(this.#rows).fill("");
    for (const { at, text } of this.#y.ticks)
      names[Math.min(this.#rows - 1, Math.floor((1 - this.#y.place(at)) * this.#rows))] = text;
    const most = this.#left - 1;
    const out = this.#panel.y.label === "" ? [] : [this.#paint("soft", this.#panel.y.label)];
    for (let row = 0; row < this.#rows; row++) {
      const name = names[row] === "" ? "" : shorten(names[row]!, most);
      const pad = " ".repeat(Math.max(0, most - displayWidth(name)));
      const edge = names[row] === "" || named ? "│" : "┤";
      out.push(`${pad}${this.#paint("soft", name + edge)}${this.#row(row)}`.trimEnd());
    }
    out.push(`${" ".repeat(most)}${this.#paint("soft", `└${"─".repeat(this.#columns)}`)}`);
    out.push(this.#paint("soft", this.#ticks(most + 1)));
    if (this.#panel.x.label !== "") {
      const label = shorten(this.#panel.x.label, this.#columns);
      const before = most + 1 + Math.max(0, Math.floor((this.#columns - displayWidth(label)) / 2));
      out.push(this.#paint("soft", `${" ".repeat(before)}${label}`));
    }
    return out;
  }

  #row(row: number): string {
    let line = "";
    let run = "";
    let tone: Tone | "soft" | undefined;
    const end = () => {
      line += tone === undefined ? run : this.#paint(tone, run);
      run = "";
    };
    for (let column = 0; column < this.#columns; column++) {
      const place = row * this.#columns + column;
      const dots = this.#dots[place]!;
      const sign = this.#over[place] ?? (dots === 0 ? " " : String.fromCharCode(0x2800 + dots));
      const own = sign === " " ? undefined : this.#tones[place];
      if (own !== tone) {
        end();
        tone = own;
      }
      run += sign;
    }
    end();
    return line;
  }

  #ticks(left: number): string {
    let line = "";
    for (const { at, text } of this.#x.ticks) {
      const shown = shorten(text, 12);
      const start =
        left + Math.floor(this.#x.place(at) * this.#columns) - Math.floor(displayWidth(shown) / 2);
      const width = displayWidth(line);
      if (start < width + (width === 0 ? 0 : 1) || start + displayWidth(shown) > left + this.#columns + 1)
        continue;
      line += " ".repeat(start - width) + shown;
    }
    return line;
  }
}

/** The bits of Braille's dots, by column and row. */
const DOTS = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
] as const;

function matrixText({ y, marks }: Panel, width: number): string[] {
  const names = [...(y.categories ?? [])].reverse();
  const matrix = marks.find((mark) => mark.type === "matrix");
  if (matrix?.type !== "matrix") return [];
  const most = Math.max(8, Math.min(20, width - 8 * names.length));
  const left = Math.max(...names.map((name) => displayWidth(shorten(name, most))));
  const room = Math.max(1, Math.floor((width - left) / 6));
  return names.map((name, i) => {
    const shown = shorten(name, most);
    const cells = names
      .slice(0, Math.min(i + 1, room))
      .map((_, j) => matrix.values[i * matrix.size + j]!.toFixed(2).padStart(6));
    return `${shown}${" ".repeat(left - displayWidth(shown))}${cells.join("")}`;
  });
}
