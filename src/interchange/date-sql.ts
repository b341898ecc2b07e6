import type { DateFactor, DateNumber } from "../dataset/formula/spec.js";
import { sqlName } from "./quote.js";

const WEEKDAYS = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];
const MONTHS = "January,February,March,April,May,June,July,August,September,October,November,December".split(
  ",",
);

/**
 * What a function of dates makes of a column of texts, or of dates and timestamps, whose text in DuckDB and PostgreSQL
 * has this form: year-month-day, with a time behind it or not; NULL where it is no date. These databases have no function
 * of dates in common, so texts are cut and days computed by hand, in a subquery that names the parts: they would else be
 * spelled out wherever they are used, thousands of characters.
 */
export function dateSql(call: DateNumber | DateFactor, column: string): string {
  return `(SELECT ${valueFor(call)}\n    FROM ${partsOf(`CAST(${sqlName(column)} AS VARCHAR)`)})`;
}

const [TEXT, YEAR, MONTH, DAY, REST] = ["text", "year", "month", "day", "rest"].map((part) =>
  sqlName(`goml ${part}`),
) as [string, string, string, string, string];

/** Months and days have one digit or two, so that where a part begins depends on the one before. */
function partsOf(text: string): string {
  const levels = [
    `(SELECT ${text} AS ${TEXT}) AS a`,
    `SELECT ${TEXT}, substr(${TEXT}, 1, 4) AS ${YEAR}, rtrim(substr(${TEXT}, 6, 2), '-/') AS ${MONTH}`,
    `SELECT ${TEXT}, ${YEAR}, ${MONTH}, rtrim(substr(${TEXT}, 7 + length(${MONTH}), 2), ' T') AS ${DAY}`,
    `SELECT ${TEXT}, ${YEAR}, ${MONTH}, ${DAY}, substr(${TEXT}, 7 + length(${MONTH}) + length(${DAY})) AS ${REST}`,
  ];
  return levels.reduce((from, select, i) => `(${select} FROM ${from}) AS ${"abcd"[i]}`);
}

function valueFor(call: DateNumber | DateFactor): string {
  switch (call) {
    case "as.Date":
      return `CASE WHEN ${VALID} THEN ${DAYS} END`;
    case "year":
      return `CASE WHEN ${VALID} THEN ${number(YEAR)} END`;
    case "hour":
      return HOUR;
    case "weekdays": {
      const names = WEEKDAYS.map((name, i) => `WHEN ${i}e0 THEN '${name}'`).join(" ");
      return `CASE WHEN ${VALID} THEN CASE (${DAYS}) - 7e0 * floor((${DAYS}) / 7e0) ${names} END END`;
    }
    case "months": {
      const names = MONTHS.map((name, i) => `WHEN ${i + 1}e0 THEN '${name}'`).join(" ");
      return `CASE WHEN ${VALID} THEN CASE ${number(MONTH)} ${names} END END`;
    }
  }
}

/** Whether the parts are those of a date that there is; casts stand behind the condition that they cannot fail. */
const VALID = (() => {
  const leap = `(${multiple(YEAR, 4)} AND (NOT ${multiple(YEAR, 100)} OR ${multiple(YEAR, 400)}))`;
  const short = [4, 6, 9, 11].map((month) => `WHEN ${month}e0 THEN 30e0`).join(" ");
  const last = `CASE ${number(MONTH)} WHEN 2e0 THEN CASE WHEN ${leap} THEN 29e0 ELSE 28e0 END ${short} ELSE 31e0 END`;
  const time = `((${REST} LIKE ' _%:__%' OR ${REST} LIKE 'T_%:__%') AND ${digits(`rtrim(substr(${REST}, 2, 2), ':')`)})`;
  const shaped = [
    `length(${YEAR}) = 4`,
    ...[YEAR, MONTH, DAY].map(digits),
    `substr(${TEXT}, 5, 1) IN ('-', '/')`,
    `substr(${TEXT}, 6 + length(${MONTH}), 1) IN ('-', '/')`,
    `(${REST} = '' OR ${time})`,
  ].join(" AND ");
  const real = `${number(MONTH)} BETWEEN 1e0 AND 12e0 AND ${number(DAY)} BETWEEN 1e0 AND ${last}`;
  return `CASE WHEN ${shaped} THEN ${real} ELSE 1 = 0 END`;
})();

/** Days since 1970-01-01 in the Gregorian calendar, of which a year ends with February (Richards 2013). */
const DAYS = (() => {
  const early = `CASE WHEN ${number(MONTH)} <= 2e0 THEN 1e0 ELSE 0e0 END`;
  const y = `(${number(YEAR)} - ${early})`;
  const m = `(${number(MONTH)} - 3e0 + 12e0 * ${early})`;
  return (
    `365e0 * ${y} + floor(${y} / 4e0) - floor(${y} / 100e0) + floor(${y} / 400e0) ` +
    `+ floor((153e0 * ${m} + 2e0) / 5e0) + ${number(DAY)} - 719469e0`
  );
})();

/** The hour of a time, which stands behind a date or alone, there with AM or PM as well. */
const HOUR = (() => {
  const behind = `rtrim(substr(${REST}, 2, 2), ':')`;
  const alone = `rtrim(substr(${TEXT}, 1, 2), ':')`;
  const hour = number(alone);
  const twelve = `(${hour} - 12e0 * floor(${hour} / 12e0))`;
  const half = `upper(${TEXT})`;
  const minute = `substr(${TEXT}, 2 + length(${alone}), 2)`;
  const shaped = `${digits(alone)} AND substr(${TEXT}, 1 + length(${alone}), 1) = ':' AND ${digits(minute)} AND length(${minute}) = 2`;
  return (
    `CASE WHEN ${VALID} THEN CASE WHEN ${digits(behind)} AND ${number(behind)} < 24e0 THEN ${number(behind)} END ` +
    `WHEN ${shaped} THEN CASE WHEN ${half} LIKE '%P%M%' THEN ${twelve} + 12e0 WHEN ${half} LIKE '%A%M%' THEN ${twelve} ` +
    `WHEN ${hour} < 24e0 THEN ${hour} END END`
  );
})();

function digits(text: string): string {
  return `${text} <> '' AND trim(${text}, '0123456789') = ''`;
}

function number(text: string): string {
  return `CAST(${text} AS DOUBLE PRECISION)`;
}

function multiple(text: string, of: number): string {
  return `floor(${number(text)} / ${of}e0) * ${of}e0 = ${number(text)}`;
}
