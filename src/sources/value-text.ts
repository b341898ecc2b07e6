import type { TruthWords } from "../dataset/record-cells.js";
import type { ValueType } from "./value-type.js";

const DAY_MS = 86_400_000;

/**
 * A value as the text of a level: integers with all their digits, dates and times as ISO 8601 writes them with a space
 * between, fractions of a second without trailing zeros, true and false in the words given.
 */
export function textOfValue(
  value: number | bigint | boolean | string,
  type: ValueType,
  words: TruthWords,
): string {
  if (typeof value === "string") return value;
  switch (type.of) {
    case "boolean":
      return words[value ? 1 : 0];
    case "decimal":
      return decimalText(BigInt(value), type.scale);
    case "date":
      return dateText(Number(value) * DAY_MS);
    case "timestamp": {
      const [seconds, fraction] = divided(BigInt(value), BigInt(type.perSecond));
      const ms = Number(seconds) * 1000;
      const time = clockText(((ms % DAY_MS) + DAY_MS) % DAY_MS) + fractionText(fraction, type.perSecond);
      return `${dateText(ms)} ${time}${type.utc ? "Z" : ""}`;
    }
    case "time": {
      const [seconds, fraction] = divided(BigInt(value), BigInt(type.perSecond));
      return clockText(Number(seconds) * 1000) + fractionText(fraction, type.perSecond);
    }
    default:
      return String(value);
  }
}

/** An integer over 10^scale, in full. */
function decimalText(unscaled: bigint, scale: number): string {
  if (scale <= 0) return String(unscaled * 10n ** BigInt(-scale));
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, "0");
  return `${unscaled < 0n ? "-" : ""}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

function dateText(ms: number): string {
  const date = new Date(ms);
  // Beyond the years that a Date has there is no date to write.
  if (Number.isNaN(date.getTime())) return String(ms);
  return date.toISOString().replace(/T.*$/, "");
}

function clockText(ms: number): string {
  return new Date(ms).toISOString().slice(11, 19);
}

function fractionText(fraction: bigint, perSecond: number): string {
  if (fraction === 0n) return "";
  const digits = String(fraction).padStart(String(perSecond).length - 1, "0");
  return `.${digits.replace(/0+$/, "")}`;
}

/** The quotient rounded down, and what is left, which is not negative. */
function divided(value: bigint, by: bigint): [bigint, bigint] {
  const left = ((value % by) + by) % by;
  return [(value - left) / by, left];
}
