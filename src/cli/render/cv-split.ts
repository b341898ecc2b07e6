import type { LinearModel } from "../../linear/model/model.js";
import type { CrossValidation } from "../../linear/solve/cross-validation.js";
import type { CvDetails } from "../../training/fit-target.js";
import { foldsBy } from "./model-report.js";
import { count } from "./numbers.js";

/** How rows were put into folds, in words. */
export function cvSplitText(model: LinearModel, cv: CrossValidation, by: CvDetails | undefined): string {
  const { folds, unpredicted = 0 } = cv;
  const seed = model.scan === undefined ? "" : `, seed ${model.scan.seed}`;
  switch (by?.kind.kind) {
    case "loo":
      return `each of ${count(model.n)} rows left out by itself`;
    case "group":
      return by.names!.length === folds.length && by.names!.every((name) => / groups?$/.test(name))
        ? `${folds.length} folds of groups by ${by.kind.column}`
        : `${folds.length} groups by ${by.kind.column}, each left out by itself`;
    case "time":
      return `${folds.length} stretches of ${by.kind.column}, each predicted from those before`;
    case "repeated":
      return `${by.kind.folds} folds drawn ${by.kind.times} times${seed === "" ? "" : `, seeds from ${model.scan!.seed} on`}`;
    default: {
      const single = folds.every(({ n }) => n + unpredicted === 1);
      return single
        ? `each of ${folds.length} rows left out by itself`
        : `${folds.length} folds${foldsBy(model)}${seed}`;
    }
  }
}
