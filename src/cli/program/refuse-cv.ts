import { UsageError } from "../../errors.js";
import type { CvKind } from "../../training/cv-kind.js";

/** Refuses folds of a kind for models by group. @throws UsageError */
export function refuseCv(cv: CvKind | undefined, groupBy: string): void {
  if (cv === undefined) return;
  throw new UsageError("--cv folds the rows of one model, and --group-by fits one for each group", {
    hint: `cross-validate a group by itself: --where '${groupBy} == "…"'`,
  });
}
