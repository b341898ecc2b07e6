import type { Direction } from "../../../linear/selection/stepwise.js";
import type { Criterion } from "../../../linear/selection/submodels.js";
import type { GroupOption } from "../../program/one-of-groups.js";
import type { PresentOptions } from "../../render/present-model.js";

/** The options of `goml select`, as commander gives them. */
export interface SelectOptions extends PresentOptions, GroupOption {
  direction: Direction | "best" | "lar" | "lasso";
  criterion: Criterion;
  trust?: boolean;
}
