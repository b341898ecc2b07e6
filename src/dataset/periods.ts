import { dateNumber } from "./formula/dates.js";

/** How a time is written, by what it counts: a number, a day (2024-01-31), its hour, a month (2024-01), a quarter (2024-Q1). */
export type TimeKind = "number" | "hour" | "day" | "month" | "quarter";

/** What counts as 1 between times that are dates. */
export type TimeStep = "hour" | "day" | "week" | "month" | "quarter" | "year";

/** A time as a whole number: of hours or days since 1970-01-01, months or quarters since the year 0. */
export interface WrittenTime {
  kind: TimeKind;
  value: number;
}

const CLOCK = /[T ](\d{1,2}):00(?::00(?:[.,]0+)?)?(Z| ?UTC)?$/;
const MONTH = /^(\d{4})[-/](\d{1,2})$/;
const QUARTER = /^(\d{4})[- ]?[Qq]([1-4])$/;
const DAY_MS = 86_400_000;

/** Reads a time; undefined for a text that is none, and for one within an hour. */
export function writtenTime(text: string): WrittenTime | undefined {
  const number = Number(text);
  if (text !== "" && !Number.isNaN(number))
    return Number.isSafeInteger(number) ? { kind: "number", value: number } : undefined;
  const quarter = QUARTER.exec(text);
  if (quarter !== null) return { kind: "quarter", value: 4 * Number(quarter[1]) + Number(quarter[2]) - 1 };
  const month = MONTH.exec(text);
  if (month !== null) {
    const m = Number(month[2]);
    return m >= 1 && m <= 12 ? { kind: "month", value: 12 * Number(month[1]) + m - 1 } : undefined;
  }
  const days = dateNumber("as.Date", text);
  if (days === undefined) return undefined;
  if (!text.includes(":")) return { kind: "day", value: days };
  const hour = CLOCK.test(text) ? dateNumber("hour", text) : undefined;
  return hour === undefined ? undefined : { kind: "hour", value: 24 * days + hour };
}

/**
 * The largest step that all of some times have in common: that of days which are all of one weekday is a week, of days that are
 * all the 15th of a month, or the last, a month, a quarter or a year. Undefined for numbers, whose step is 1.
 */
export function commonStep(kind: TimeKind, times: Iterable<number>): TimeStep | undefined {
  if (kind === "number") return undefined;
  const different = [...new Set(times)];
  if (different.length < 2) return kind;
  const all = (of: (time: number) => number) => new Set(different.map(of)).size === 1;
  const ofMonths = (month: (time: number) => number): TimeStep => {
    if (all((time) => modulo(month(time), 12))) return "year";
    return all((time) => modulo(month(time), 3)) ? "quarter" : "month";
  };
  if (kind === "quarter") return all((time) => modulo(time, 4)) ? "year" : "quarter";
  if (kind === "month") return ofMonths((time) => time);
  if (kind === "hour" && !all((time) => modulo(time, 24))) return "hour";
  const days = (time: number) => (kind === "hour" ? Math.floor(time / 24) : time);
  const day = (time: number) => new Date(days(time) * DAY_MS).getUTCDate();
  if (all(day) || different.every((time) => day(time) > 27 && isLastOfMonth(days(time))))
    return ofMonths((time) => monthOf(days(time)));
  return all((time) => modulo(days(time), 7)) ? "week" : "day";
}

/** Which steps a time of each kind can be counted by. */
const STEPS: Record<TimeKind, readonly (TimeStep | undefined)[]> = {
  number: [undefined],
  hour: ["hour", "day", "week", "month", "quarter", "year"],
  day: ["day", "week", "month", "quarter", "year"],
  month: ["month", "quarter", "year"],
  quarter: ["quarter", "year"],
};

/** The number of a time's period of a step, weeks from Monday on; undefined where a time of that kind has none. */
export function periodOf(kind: TimeKind, time: number, step: TimeStep | undefined): number | undefined {
  if (!STEPS[kind].includes(step)) return undefined;
  if (step === undefined || step === kind) return time;
  if (kind === "quarter") return Math.floor(time / 4);
  const days = kind === "hour" ? Math.floor(time / 24) : time;
  if (step === "day") return days;
  if (step === "week") return Math.floor((days + 3) / 7);
  const month = kind === "month" ? time : monthOf(days);
  return Math.floor(month / (step === "year" ? 12 : step === "quarter" ? 3 : 1));
}

/**
 * What numbers look like that are dates, whose steps are not 1 from the end of one month, or year, to the next: 20240131 or
 * 202401, in more than one of them. Undefined where they look like other numbers.
 */
export function datesAsNumbers(times: Iterable<number>): "yyyymmdd" | "yyyymm" | undefined {
  let [days, months] = [true, true];
  const different = new Set<number>();
  for (const time of times) {
    const month = (time % 100) as number;
    days &&= time > 1_800_01_01 && time < 2_201_00_00 && isDay(time);
    months &&= time > 1_800_00 && time < 2_201_00 && month >= 1 && month <= 12;
    if (!days && !months) return undefined;
    different.add(Math.floor(time / 100));
  }
  if (different.size < 2) return undefined;
  return days ? "yyyymmdd" : "yyyymm";
}

function isDay(time: number): boolean {
  const text = String(time);
  return dateNumber("as.Date", `${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6)}`) !== undefined;
}

function monthOf(days: number): number {
  const date = new Date(days * DAY_MS);
  return 12 * date.getUTCFullYear() + date.getUTCMonth();
}

function isLastOfMonth(days: number): boolean {
  return new Date((days + 1) * DAY_MS).getUTCDate() === 1;
}

function modulo(a: number, b: number): number {
  return ((a % b) + b) % b;
}
