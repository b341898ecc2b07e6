import { levelKey } from "../../dataset/formula/column-key.js";
import { quoteName } from "../../dataset/formula/syntax.js";
import type { LinearModel } from "../model/model.js";

/**
 * The mean of a raw column of numbers over the rows of the fit, which the moments have where a term is the column itself, or a
 * polynomial of it; undefined where it stands only within other terms.
 */
export function knownMean({ moments, spec }: LinearModel, name: string): number | undefined {
  const own = moments.index(quoteName(name));
  if (own >= 0) return moments.mean[own]!;
  for (const variable of spec.variables)
    if (
      variable.kind === "polynomial" &&
      "column" in variable.expression &&
      variable.expression.column === name
    ) {
      const power = moments.index(levelKey(variable, 1));
      if (power >= 0) return moments.mean[power]!;
    }
  return undefined;
}
