import type { UnseenLevel } from "../../dataset/formula/design.js";
import { DataError, quoteCell } from "../../errors.js";
import { option, wording } from "../../wording.js";

/** What becomes of a row with a level that the training data did not have: an error, or NA for its prediction. */
export type UnseenPolicy = "fail" | "na";

/**
 * Throws DataError for the first level of a block that the training data did not have, where that is the policy.
 *
 * @param rowOf the number of a row of the block in the data
 * @param counts whether a row of the block counts at all; training did not meet what only rows without a target have
 */
export function checkUnseen(
  predictor: { readonly unseen: readonly UnseenLevel[] },
  rowOf: (row: number) => number,
  policy: UnseenPolicy,
  counts: (row: number) => boolean = () => true,
): void {
  const first = predictor.unseen.find(({ row }) => counts(row));
  if (first === undefined || policy === "na") return;
  const { factor, level, row, why } = first;
  const problem =
    why === undefined
      ? `the training data had no level ${quoteCell(level)}`
      : `there is no model for ${quoteCell(level)}: ${why}`;
  throw new DataError(problem, {
    place: { row: rowOf(row), column: factor, cell: level },
    hint: wording`correct the cell, or predict NA for such rows with ${option("unseen", "na")}`,
  });
}
