import { colour, screen } from "./colour.js";
import { count } from "./numbers.js";

/** A list of up to so many lines is whole. */
export const WHOLE = 60;

/** Of a longer one these come first. */
export const FIRST = 30;

/** The items of a list that are shown: all where they are few or `--all` is given, else the first ones. */
export function shownOf<T>(items: readonly T[], whole = WHOLE, first = FIRST): readonly T[] {
  return screen.all || items.length <= whole ? items : items.slice(0, first);
}

/** The line that says how many are not shown, `… 246 more groups, --all`; none where all are. */
export function moreLines(more: number, what = ""): string[] {
  return more <= 0 ? [] : [colour.dim(`… ${count(more)} more${what === "" ? "" : ` ${what}`}, --all`)];
}

/** Up to so many names stand in a sentence. */
const NAMES = 12;

/** Names for a sentence, of many the first ones: `a, b, c … 246 more, --all`. */
export function firstOf(names: readonly string[], whole = NAMES): string {
  const shown = shownOf(names, whole, Math.max(1, whole - 2));
  const more = names.length - shown.length;
  return `${shown.join(", ")}${more > 0 ? ` … ${count(more)} more, --all` : ""}`;
}
