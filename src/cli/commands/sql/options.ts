import type { PRINTED } from "../../../engines/dialects.js";
import type { ModelOptions } from "../../program/model-options.js";

/** The options of `goml sql`, as commander gives them. */
export interface SqlOptions extends ModelOptions {
  dialect?: (typeof PRINTED)[number];
  model?: string;
  output?: string;
  solver: "auto" | "normal" | "extended";
  level: number;
  strict?: boolean;
  vif?: boolean;
  correlation?: boolean;
  importance?: boolean;
  vcovMatrix?: boolean;
  json?: boolean;
  quiet?: boolean;
}
