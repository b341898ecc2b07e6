import { isMissing, MISSING_TEXTS, parseNumber } from "../kernels/number.js";

/** How a table writes numbers and missing values, as its user says; plain data, so that it can go to a worker. */
export interface NumberFormat {
  /** The character before the fraction. */
  readonly decimal: "." | ",";
  /** The character between groups of digits; a space stands for all blanks that are used so. */
  readonly thousands?: string | undefined;
  /** Texts that may stand before or after a number and say nothing: `%`, `$`, `EUR`. */
  readonly strip?: readonly string[] | undefined;
  /** Texts that mean a missing value in any column, beside those that always do. */
  readonly missing?: readonly string[] | undefined;
  /** The same, in one column: an empty text says that there only the empty cell does, and NA is a value. */
  readonly missingIn?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** Numbers with a decimal point, and no other missing values than an empty cell, NA, N/A, NaN, nan, null, NULL. */
export const PLAIN_FORMAT: NumberFormat = { decimal: "." };

/** What reads the cells of each column, by its name; columns that are read alike, as all are as a rule, share one. */
export function cellReaders(format: NumberFormat): (column: string) => CellReader {
  const { missingIn = {} } = format;
  const common = new CellReader({ ...format, missingIn: {} }, "");
  // A look-up by name makes the engine keep the name, and of a million that takes its time.
  if (Object.keys(missingIn).length === 0) return () => common;
  return (column) => (Object.hasOwn(missingIn, column) ? new CellReader(format, column) : common);
}

/** Reads the cells of one column. */
export class CellReader {
  /** Whether numbers are as the kernels read them. */
  readonly plain: boolean;
  /** Whether NA and the like are values. */
  readonly literal: boolean;
  /** The numbers that mean a missing value. */
  readonly missingNumbers: readonly number[];
  readonly #strip: readonly string[];
  readonly #missing: ReadonlySet<string>;
  readonly #pattern: RegExp;

  constructor(format: NumberFormat, column: string) {
    const { decimal, thousands, strip = [], missing = [], missingIn = {} } = format;
    const own = Object.hasOwn(missingIn, column) ? missingIn[column]! : [];
    const texts = [...missing, ...own].map((text) => text.trim()).filter((text) => text !== "");
    this.literal = own.includes("");
    this.#strip = strip;
    this.#missing = new Set(texts);
    this.#pattern = numberPattern(decimal, thousands);
    this.plain = decimal === "." && thousands === undefined && strip.length === 0 && texts.length === 0;
    const numbers = texts.map((text) => this.#number(text)).filter((value) => value !== undefined);
    this.missingNumbers = [...new Set(numbers)];
  }

  /** The texts that mean a missing value, an empty one first. */
  get missingTexts(): readonly string[] {
    return [...new Set(["", ...(this.literal ? [] : MISSING_TEXTS), ...this.#missing])];
  }

  /** Whether a text means a missing value. */
  isMissing(text: string): boolean {
    const cell = text.trim();
    return this.#missing.has(cell) || (this.literal ? cell === "" : isMissing(cell));
  }

  /** Whether a cell is a number, even one that is too large for a double, or that means a missing value. */
  isNumber(text: string): boolean {
    return this.#decimal(text.trim()) !== undefined;
  }

  /** The number in a cell: NaN where it is missing; undefined where there is none, or none that is finite. */
  number(text: string): number | undefined {
    if (this.plain) return parseNumber(text);
    const cell = text.trim();
    if (this.#missing.has(cell) || isMissing(cell)) return Number.NaN;
    const value = this.#number(cell);
    return value !== undefined && this.missingNumbers.includes(value) ? Number.NaN : value;
  }

  #number(cell: string): number | undefined {
    const decimal = this.#decimal(cell);
    const value = decimal === undefined ? Number.NaN : Number(decimal);
    return Number.isFinite(value) ? value : undefined;
  }

  /** A number as JavaScript writes it. */
  #decimal(cell: string): string | undefined {
    const match = this.#pattern.exec(this.#strip.length === 0 ? cell : stripped(cell, this.#strip));
    if (match === null) return undefined;
    const [, sign, whole, fraction = "", exponent = ""] = match;
    const digits = `${whole!.replace(/\D/g, "")}.${fraction.slice(1)}`;
    return digits === "." ? undefined : `${sign}${digits}${exponent}`;
  }
}

/** [sign] digits, in groups or not, [point digits] [exponent]. The last group has three digits, others two or three. */
function numberPattern(decimal: "." | ",", thousands: string | undefined): RegExp {
  const point = decimal === "." ? "\\." : ",";
  const grouped =
    thousands === undefined
      ? ""
      : `\\d{1,3}(?:${separator(thousands)}\\d{2,3})*${separator(thousands)}\\d{3}|`;
  return new RegExp(`^([+-]?)(${grouped}\\d*)(${point}\\d*)?([eE][+-]?\\d+)?$`);
}

/** What may stand for a separator: any blank for a space, either apostrophe for one. */
function separator(character: string): string {
  if (/^\s$/.test(character)) return "[ \\u00a0\\u2007\\u2009\\u202f]";
  if (/^['’]$/.test(character)) return "['’]";
  return `[${character.replace(/[\\\]^-]/g, "\\$&")}]`;
}

/** A cell without the texts that say nothing, before and after its number. */
function stripped(cell: string, strip: readonly string[]): string {
  let [, sign = "", rest = ""] = /^([+-]?)(.*)$/s.exec(cell)!;
  for (let before = ""; before !== rest; ) {
    before = rest;
    for (const text of strip) {
      if (rest.startsWith(text)) rest = rest.slice(text.length).trimStart();
      if (rest.endsWith(text)) rest = rest.slice(0, rest.length - text.length).trimEnd();
    }
    if (sign === "" && /^[+-]/.test(rest)) {
      sign = rest[0]!;
      rest = rest.slice(1).trimStart();
    }
  }
  return sign + rest;
}
