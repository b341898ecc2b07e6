import type { UnseenLevel } from "../../dataset/formula/design.js";
import { DataError, quoteCell } from "../../errors.js";
import { option, wording } from "../../wording.js";

/** What becomes of a row with a level that the training data did not have: an error, or NA for its prediction. */
export type UnseenPolicy = "fail" | "na";

/** Throws DataError for the first level of a block that the training data did not have, where that is the policy. */
export function checkUnseen(
  predictor: { readonly unseen: readonly UnseenLevel[] },
  firstRow: number,
  policy: UnseenPolicy,
): void {
  const [first] = predictor.unseen;
  if (first === undefined || policy === "na") return;
  const { factor, level, row, why } = first;
  const problem =
    why === undefined
      ? `the training data had no level ${quoteCell(level)}`
      : `there is no model for ${quoteCell(level)}: ${why}`;
  throw new DataError(problem, {
    place: { row: firstRow + row, column: factor, cell: level },
    hint: wording`correct the cell, or predict NA for such rows with ${option("unseen", "na")}`,
  });
}
