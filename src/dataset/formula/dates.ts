import { DataError, quoteCell } from "../../errors.js";
import type { DateFactor, DateNumber } from "./spec.js";

const DATE =
  /^(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[T ](\d{1,2}):\d{2}(?::\d{2}(?:[.,]\d+)?)?(?: ?(?:Z|UTC|[+-]\d{2}:?\d{2}))?)?$/;
const TIME = /^(\d{1,2}):\d{2}(?::\d{2}(?:[.,]\d+)?)?(?: ?([AaPp])\.?[Mm]\.?)?$/;
const DAY_MS = 86_400_000;
/** 1970-01-01 was a Thursday. */
const WEEKDAYS = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];
const MONTHS = "January,February,March,April,May,June,July,August,September,October,November,December".split(
  ",",
);

/** A date in days since 1970-01-01 and an hour, as they are written; undefined for what a text does not have. */
function readDate(text: string): { days: number | undefined; hour: number | undefined } {
  const date = DATE.exec(text);
  if (date === null) {
    const time = TIME.exec(text);
    if (time === null) return { days: undefined, hour: undefined };
    const [, hours, half] = time;
    const twelve = Number(hours) % 12;
    const hour = half === undefined ? Number(hours) : /p/i.test(half) ? twelve + 12 : twelve;
    return { days: undefined, hour: hour < 24 ? hour : undefined };
  }
  const [, year, month, day, hour] = date;
  // Not Date.UTC, which takes the year 24 for 1924.
  const at = new Date(0);
  at.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  // 31 April would be 1 May.
  const real = at.getUTCDate() === Number(day) && Number(month) >= 1 && Number(month) <= 12;
  if (!real) return { days: undefined, hour: undefined };
  return {
    days: at.getTime() / DAY_MS,
    hour: hour !== undefined && Number(hour) < 24 ? Number(hour) : undefined,
  };
}

/** What a function of formulas makes of a text, which R's function of that name makes of its date. */
export function dateNumber(call: DateNumber, text: string): number | undefined {
  const { days, hour } = readDate(text);
  if (call === "hour") return hour;
  return call === "as.Date" || days === undefined ? days : new Date(days * DAY_MS).getUTCFullYear();
}

/** The name of the day of a date, or of its month. */
export function dateName(by: DateFactor, text: string): string | undefined {
  const { days } = readDate(text);
  if (days === undefined) return undefined;
  return by === "weekdays" ? WEEKDAYS[((days % 7) + 7) % 7] : MONTHS[new Date(days * DAY_MS).getUTCMonth()];
}

/** The error for a text in which a function of dates finds none. */
export function noDateError(
  call: DateNumber | DateFactor,
  column: string,
  cell: string,
  row: number,
): DataError {
  const wanted = call === "hour" ? "a time (hours:minutes)" : "a date (year-month-day)";
  return new DataError(`expected ${wanted} for ${call}(), found ${quoteCell(cell)}`, {
    place: { row, column, cell },
    hint: "correct the cell, or leave it empty if the value is missing",
  });
}
