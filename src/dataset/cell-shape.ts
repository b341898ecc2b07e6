/** What a text that is no number looks like, for the judgement of columns and for hints. */
export type CellShape =
  /**
   * A number in another writing: with separators, a decimal comma, signs; or `written` in plain digits, where it has
   * one that no option reads: digits of another script, a minus after it or one that keyboards do not have, brackets.
   */
  | {
      like: "number";
      decimal?: ",";
      thousands?: string;
      strip?: string[];
      ambiguous?: boolean;
      written?: string;
    }
  /** A number with a word or a sign of a measure, such as a unit, after it or before it. */
  | { like: "measure"; affix: string }
  /** What programs and people write for a missing value. */
  | { like: "missing" }
  /** A date, or a date and time, as ISO 8601 writes it; a time of day; a date in another order. */
  | { like: "date"; of: "date" | "time" | "other" }
  | { like: "text" };

const MARKERS =
  /^(?:[?.*]|-{1,3}|–|—|#n\/?a(?: n\/a)?|\\n|none|nil|null|\(null\)|n\/?a|n\.a\.?|<na>|[+-]?nan|-?nan\(ind\)|-?1\.#(?:ind|qnan)|#(?:div\/0|value|ref|name|num|null)[!?]?|[+-]?inf(?:inity)?|missing|unknown|undefined)$/i;
const ISO_DATE =
  /^\d{4}[-/](?:0?[1-9]|1[0-2])(?:[-/](?:0?[1-9]|[12]\d|3[01]))?(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?: ?(?:Z|UTC|[+-]\d{2}:?\d{2}))?)?$/;
const MONTH = /^\d{4}[-/]\d{1,2}$/;
const TIME = /^(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:[.,]\d+)?)?(?: ?[AaPp]\.?[Mm]\.?)?$/;
const OTHER_DATE = /^\d{1,2}(?:([-/])\d{1,2}\1|\.\d{1,2}\.)(?:\d{4}|\d{2})(?:[T ]\d{1,2}:\d{2}.*)?$/;
/** Months as English, German, French, Spanish, Portuguese, Italian, Dutch and Scandinavian write them, or shorten them. */
const MONTH_NAME =
  "(?:jan|ene|gen|f[eé][bv]|mar|mär|maa|a[pvb]r|ma[iygjr]|mei|ju[nilí]|giu|lug|ao[uû]|a[ug]g|ago|se[pt]|o[ckt]t|out|nov|d[eéi][czs])\\p{L}{0,6}\\.?";
/** A date with the name of its month, before or behind the day, with or without that of the weekday and the time. */
const NAMED_DATE = new RegExp(
  `^(?:\\p{L}{2,10}\\.?,? )?(?:\\d{1,2}(?:st|nd|rd|th|\\.)?[ \\-/]?(?:de |of )?${MONTH_NAME}[ \\-/,]{0,2}(?:de )?|${MONTH_NAME}[ \\-/]\\d{1,2}(?:st|nd|rd|th)?,? )(?:\\d{4}|\\d{2})(?:[T ,]+\\d{1,2}:\\d{2}.*)?$`,
  "iu",
);
/** ISO 8601 without signs between its parts, and its weeks. */
const BASIC_DATE =
  /^(?:19|20)\d{2}(?:(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])T\d{4,6}(?:Z|[+-]\d{2,4})?|-?W[0-5]\d(?:-?[1-7])?)$/;
const SIGNS =
  "%|‰|°|\\p{Sc}|R\\$|(?:US|A|C|NZ|HK)\\$|USD|EUR|GBP|CHF|JPY|CNY|INR|SEK|NOK|DKK|PLN|CZK|CAD|AUD";
const MARKED = new RegExp(
  `^([+-]?)((?:${SIGNS})?)\\s?([+-]?[\\d.,' ’\\u00a0\\u2007\\u2009\\u202f]*\\d[.,]?(?:e[+-]?\\d+)?)\\s?((?:${SIGNS})?)$`,
  "iu",
);
const BLANK = "[ \\u00a0\\u2007\\u2009\\u202f]";
const GROUPED: [RegExp, { thousands: string; decimal?: "," }][] = [
  [/^\d{1,3}(?:,\d{2,3})*,\d{3}(?:\.\d*)?$/, { thousands: "," }],
  [/^\d{1,3}(?:\.\d{3})+,\d*$|^\d{1,3}(?:\.\d{3}){2,}$/, { thousands: ".", decimal: "," }],
  [new RegExp(`^\\d{1,3}(?:${BLANK}\\d{3})+(?:\\.\\d*)?$`), { thousands: " " }],
  [new RegExp(`^\\d{1,3}(?:${BLANK}\\d{3})+,\\d*$`), { thousands: " ", decimal: "," }],
  [/^\d{1,3}(?:['’]\d{3})+(?:\.\d*)?$/, { thousands: "'" }],
  [/^\d{1,3}(?:['’]\d{3})+,\d*$/, { thousands: "'", decimal: "," }],
];

const MEASURED =
  /^[+-]?(?:\d[\d.,]*|[.,]\d+)\s?(\p{L}[\p{L}\p{M}²³°/·*^.]{0,11}|["'″′]|°\p{L})$|^([~≈≃±<>≤≥]|ca?\.|approx\.?)\s?[+-]?(?:\d[\d.,]*|[.,]\d+)$|^(=)"[+-]?[\d.,]+"$/iu;

/** A number in a writing that no option reads, in plain digits; undefined if it is none. */
function oddNumber(cell: string): string | undefined {
  const ascii = cell
    .normalize("NFKC")
    .replace(/^[\u2010-\u2015\u2212](?=\s?[\d.,])/, "-")
    .replace(/\p{Nd}/gu, digit);
  const bracketed = /^\(([^()+-]+)\)$/.exec(ascii)?.[1] ?? /^([^+-]+?)\s?-$/.exec(ascii)?.[1];
  const plain =
    bracketed === undefined ? ascii.replace(/^([+-]?\d*\.\d*)d(?=[+-]?\d{1,3}$)/i, "$1e") : `-${bracketed}`;
  if (plain === cell || !/\d/.test(plain) || /[^\d\s.,'’+\-e\p{Sc}%]/iu.test(plain)) return undefined;
  if (PLAIN.test(plain)) return plain;
  const shape = numberShape(plain);
  if (shape?.like !== "number") return undefined;
  const digits = plain.replace(/[^\d.,e+-]/giu, "");
  return shape.decimal === "," ? digits.replaceAll(".", "").replace(",", ".") : digits.replaceAll(",", "");
}

const PLAIN = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** A decimal digit of any script, of which Unicode has them in order, as one of 0 to 9. */
function digit(character: string): string {
  let zero = character.codePointAt(0)!;
  const value = zero;
  while (value - zero < 9 && /\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero--;
  return String(value - zero);
}

/** What a cell that is neither a plain number nor missing looks like. */
export function cellShape(text: string): CellShape {
  const cell = text.trim();
  if (MARKERS.test(cell)) return { like: "missing" };
  if (ISO_DATE.test(cell)) return { like: "date", of: MONTH.test(cell) ? "other" : "date" };
  if (TIME.test(cell)) return { like: "date", of: "time" };
  if (OTHER_DATE.test(cell) || NAMED_DATE.test(cell) || BASIC_DATE.test(cell))
    return { like: "date", of: "other" };
  const number = numberShape(cell);
  if (number !== undefined) return number;
  if (!/\p{Nd}/u.test(cell)) return { like: "text" };
  const written = oddNumber(cell);
  if (written !== undefined) return { like: "number", written };
  const measured = MEASURED.exec(cell);
  return measured === null
    ? { like: "text" }
    : { like: "measure", affix: (measured[1] ?? measured[2] ?? measured[3])! };
}

/** A number with separators, a decimal comma, or signs that say nothing about its value. */
function numberShape(cell: string): CellShape | undefined {
  const match = MARKED.exec(cell);
  if (match === null) return undefined;
  const [, , before, body, after] = match;
  const signs = [before!, after!].filter((sign) => sign !== "");
  const strip = signs.length > 0 ? { strip: signs } : {};
  const digits = body!.replace(/^[+-]/, "");
  for (const [pattern, writing] of GROUPED)
    if (pattern.test(digits))
      return { like: "number", ...writing, ...strip, ambiguous: /^\d{1,3},\d{3}$/.test(digits) };
  if (/^\d*,\d+$|^\d+,$/.test(digits)) return { like: "number", decimal: ",", ...strip };
  if (/^(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(digits) && signs.length > 0)
    return { like: "number", ...strip };
  return undefined;
}
