import { UsageError } from "../errors.js";

/** Times in order: by size where all are numbers, else by code points, as dates like 2024-05-31 are in order. */
export function timesInOrder(times: Iterable<string>): string[] {
  const list = [...times];
  return areNumbers(list)
    ? list.sort((a, b) => Number(a) - Number(b))
    : list.sort((a, b) => (a < b ? -1 : 1));
}

/** Dates that begin with the day or the month, and names of months: their characters say nothing of their order. */
const OUT_OF_ORDER =
  /^\s*\d{1,2}([/.-])\d{1,2}\1\d{2,4}(?!\d)|(?<![a-z])(jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sept?(ember)?|oct(ober)?|nov(ember)?|dec(ember)?)(?![a-z])/i;

/**
 * The same of what is said to be times.
 *
 * @param column the column of them, for messages
 * @throws UsageError for texts that are not in order by their characters: 5/31/2024, May 2024, week 9 and week 10
 */
export function checkedTimesInOrder(times: Iterable<string>, column: string): string[] {
  const ordered = timesInOrder(times);
  if (areNumbers(ordered)) return ordered;
  const wrong = ordered.findIndex(
    (time, i) => OUT_OF_ORDER.test(time) || (i > 0 && countsBackwards(ordered[i - 1]!, time)),
  );
  if (wrong < 0) return ordered;
  const [before, after] = wrong === 0 ? ordered : [ordered[wrong - 1]!, ordered[wrong]!];
  throw new UsageError(
    after === undefined
      ? `${column}: times of text are ordered by their characters, and "${before}" is not written so`
      : `${column}: times of text are ordered by their characters, which puts "${before}" before "${after}"`,
    { hint: "write them as 2024-01-31 or as numbers, or leave the column out where rows are in order" },
  );
}

function areNumbers(list: readonly string[]): boolean {
  return list.every((time) => time !== "" && !Number.isNaN(Number(time)));
}

/** Whether the first whole numbers in which two texts differ fall from a to b; decimals are in order as they are. */
function countsBackwards(a: string, b: string): boolean {
  const [own, next] = [a, b].map((text) => text.match(/(?<=\d)[.,]\d+|\d+|[^\d.,]+|[.,]/g) ?? []);
  const at = own!.findIndex((part, i) => part !== next![i]);
  const [p, q] = [own![at] ?? "", next![at] ?? ""];
  return /^\d+$/.test(p) && /^\d+$/.test(q) && Number(p) > Number(q);
}
