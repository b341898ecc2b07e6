import type { NumberFormat } from "../dataset/number-format.js";
import { UsageError } from "../errors.js";
import { option, wording } from "../wording.js";
import type { ReadingOptions } from "./reading-options.js";

/**
 * How the options say that numbers and missing values are written. Points between thousands imply a decimal comma.
 *
 * @throws UsageError for separators that are no one character, or the same
 */
export function numberFormat(options: ReadingOptions): NumberFormat {
  const { thousands, strip, naValues, naValuesIn } = options;
  const decimal = options.decimal ?? (thousands === "." ? "," : ".");
  if (decimal !== "." && decimal !== ",")
    throw new UsageError(
      wording`${option("decimal")} is ${JSON.stringify(decimal)}, expected a point or a comma`,
    );
  if (thousands !== undefined && ([...thousands].length !== 1 || /[0-9A-Za-z+"-]/.test(thousands)))
    throw new UsageError(
      wording`${option("thousands")} is ${JSON.stringify(thousands)}, expected one character`,
      {
        hint: "as a rule one of , . ' or a space",
      },
    );
  if (thousands === decimal)
    throw new UsageError(wording`${option("thousands")} and ${option("decimal")} are the same character`, {
      hint: wording`numbers such as 1,500.25 are read with ${option("thousands", ",")}, 1.500,25 with ${option("decimal", ",")} too`,
    });
  const sign = strip?.find((text) => /[\d+\-\u2212()]/.test(text));
  if (sign !== undefined)
    throw new UsageError(
      wording`${option("strip", [sign])} would take off what says how large a number is, or on which side of 0`,
      { hint: "write the numbers as 12.5 or -12.5" },
    );
  return { decimal, thousands, strip, missing: naValues, missingIn: naValuesIn };
}
