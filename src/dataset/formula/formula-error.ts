import { UsageError } from "../../errors.js";
import type { Wording } from "../../wording.js";

const CONTEXT = 24;

/** A one-line error that shows where in the formula it is: `formula, character 9: … in "y ~ x + ▸* z"`. */
export function formulaError(text: string, at: number, message: string, hint?: Wording): UsageError {
  const before = text.slice(Math.max(0, at - CONTEXT), at);
  const after = text.slice(at, at + CONTEXT);
  const shown = `${at > CONTEXT ? "…" : ""}${before}▸${after}${at + CONTEXT < text.length ? "…" : ""}`;
  return new UsageError(`formula, character ${at + 1}: ${message}, in "${shown}"`, { hint });
}
