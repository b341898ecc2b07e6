import type { DateFactor, DateNumber } from "../dataset/formula/spec.js";

/** What reads a date from a text, or from a `Date`: the days since 1970-01-01 and the hour, as they are written. */
const READING = `interface Day {
  days: number;
  hour: number;
}

const DATE =
  /^(\\d{4})[-/](\\d{1,2})[-/](\\d{1,2})(?:[T ](\\d{1,2}):\\d{2}(?::\\d{2}(?:[.,]\\d+)?)?(?: ?(?:Z|UTC|[+-]\\d{2}:?\\d{2}))?)?$/;
const TIME = /^(\\d{1,2}):\\d{2}(?::\\d{2}(?:[.,]\\d+)?)?(?: ?([AaPp])\\.?[Mm]\\.?)?$/;

/** NaN for what a text does not have. */
function dateOf(value: unknown): Day {
  if (value instanceof Date) return { days: Math.floor(value.getTime() / 86400000), hour: value.getUTCHours() };
  const text = typeof value === "string" ? value.trim() : "";
  const date = DATE.exec(text);
  if (date === null) {
    const time = TIME.exec(text);
    if (time === null) return { days: NaN, hour: NaN };
    const half = time[2];
    const hour = half === undefined ? Number(time[1]) : (Number(time[1]) % 12) + (/p/i.test(half) ? 12 : 0);
    return { days: NaN, hour: hour < 24 ? hour : NaN };
  }
  const [year, month, day, hour] = date.slice(1).map(Number) as [number, number, number, number];
  const at = new Date(0);
  at.setUTCFullYear(year, month - 1, day);
  const real = month >= 1 && month <= 12 && at.getUTCDate() === day;
  if (!real) return { days: NaN, hour: NaN };
  return { days: at.getTime() / 86400000, hour: hour < 24 ? hour : NaN };
}`;

const WEEKDAYS = '["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"]';
const MONTHS = `["January", "February", "March", "April", "May", "June",
  "July", "August", "September", "October", "November", "December"]`;

/** What functions of dates are called in TypeScript. */
export const DATE_FUNCTIONS = {
  "as.Date": "asDate",
  year: "year",
  hour: "hour",
  weekdays: "weekdays",
  months: "months",
} as const;

const SOURCES: Record<DateNumber | DateFactor, string> = {
  "as.Date": "const asDate = ({ days }: Day): number => days;",
  year: "const year = ({ days }: Day): number => new Date(days * 86400000).getUTCFullYear();",
  hour: "const hour = (day: Day): number => day.hour;",
  weekdays: `const WEEKDAYS = ${WEEKDAYS};
const weekdays = ({ days }: Day): string => WEEKDAYS[((days % 7) + 7) % 7] ?? "";`,
  months: `const MONTHS = ${MONTHS};
const months = ({ days }: Day): string => MONTHS[new Date(days * 86400000).getUTCMonth()] ?? "";`,
};

/** The source of these functions of dates, as formulas have them, and of what they read dates by. */
export function dateScript(calls: Iterable<DateNumber | DateFactor>): string {
  return [READING, "", ...Array.from(calls, (call) => SOURCES[call])].join("\n");
}
