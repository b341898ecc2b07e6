import { UsageError } from "../../errors.js";
import { option, wording } from "../../wording.js";
import { namedContrast } from "./factor-calls.js";
import type { Contrast, ModelSpec, Variable } from "./spec-schema.js";

/**
 * How a factor is coded: R's `contr.treatment`, `contr.sum`, `contr.helmert`, `contr.poly` or `contr.SAS`, with or without
 * `contr.`, or columns of numbers, one for each level.
 */
export type ContrastChoice = string | readonly (readonly number[])[];

/** Contrasts by a factor's column or label. */
export type ContrastChoices = Readonly<Record<string, ContrastChoice>>;

/**
 * A spec whose factors are coded as is asked for; those that a formula codes by C() or ordered() keep that, unless they
 * are named by their label.
 *
 * @throws UsageError where a name is no factor of the terms, or a contrast is not known
 */
export function withContrasts(spec: ModelSpec, choices: ContrastChoices = {}): ModelSpec {
  const names = Object.keys(choices);
  if (names.length === 0) return spec;
  const coded = new Set(spec.terms.flatMap(({ variables }) => variables));
  const used = new Set<string>();
  const variables = spec.variables.map((variable, v): Variable => {
    if (variable.kind !== "factor" || !coded.has(v)) return variable;
    const own = variable.contrast !== undefined && variable.label !== variable.column;
    const name = [variable.label, ...(own ? [] : [variable.column])].find((one) =>
      Object.hasOwn(choices, one),
    );
    if (name === undefined) return variable;
    used.add(name);
    return { ...variable, contrast: contrastOf(name, choices[name]!) };
  });
  const left = names.find((name) => !used.has(name));
  if (left === undefined) return { ...spec, variables };
  const factors = spec.variables.flatMap((own, v) =>
    own.kind === "factor" && coded.has(v) ? [own.label] : [],
  );
  throw new UsageError(wording`${option("contrasts")} names ${left}: no term codes such a factor`, {
    hint: `Factors: ${factors.join(", ") || "none"}.`,
  });
}

function contrastOf(name: string, choice: ContrastChoice): Contrast {
  if (typeof choice !== "string") {
    if (choice.length === 0 || choice.some((column) => column.length === 0))
      throw new UsageError(wording`${option("contrasts")} of ${name} has no numbers`);
    return { type: "columns", values: choice.map((column) => [...column]) };
  }
  const known = namedContrast(choice.replace(/^contr\./, ""));
  if (known !== undefined) return known;
  throw new UsageError(wording`${option("contrasts")} of ${name}: ${choice} is not known`, {
    hint: "treatment, sum, helmert, poly, SAS; in a formula C(g, c(-1, 0, 1)) has contrasts of your own",
  });
}
