import { specFault } from "../../dataset/formula/check-spec.js";
import { type CodedTerm, codedTerms } from "../../dataset/formula/coding.js";
import { targetKey } from "../../dataset/formula/column-key.js";
import { ModelError } from "../../errors.js";
import { MomentsTable } from "../../stats/moments-table.js";
import { packedLength } from "../../stats/packed.js";
import type { ModelGroupDocument } from "./document-schema.js";
import { type FitsPlan, fitsPlan } from "./group-predictor.js";

/** Fits side by side, as they stand in a model file. */
export type FitsDocument = NonNullable<ModelGroupDocument["fits"]>;

/** Fits whose parts fit together, as far as predicting needs them. */
export interface CheckedFits {
  terms: readonly CodedTerm[];
  /** θ, group after group. */
  coefficients: Float64Array;
  plan: FitsPlan;
}

/**
 * Checks fits side by side that their schema allows.
 *
 * @throws ModelError where their parts do not fit together
 */
export function checkFits(document: FitsDocument, name: string): CheckedFits {
  const { groups, spec, terms, moments } = document;
  const fault = specFault(spec);
  if (fault !== undefined) throw wrongFits(name, fault);
  if (spec.variables.some(({ kind }) => kind === "factor") || spec.absorbed !== undefined)
    throw wrongFits(name, '"fits.spec" should have no factors: fits side by side have the same columns');
  const coded = codedTerms(spec, {}, {});
  const own = coded.flatMap(({ columns }) => columns.map((column) => column.name));
  if (own.length !== terms.length || own.some((term, i) => term !== terms[i]))
    throw wrongFits(name, '"fits.terms" are not those of "fits.spec"');
  if (!moments.columns.includes(targetKey(spec.target)))
    throw wrongFits(name, '"fits.moments" lack the target of "fits.spec"');
  const width = terms.length + (spec.intercept ? 1 : 0);
  const coefficients = fitsList(name, "coefficients", document.coefficients, groups.length * width);
  return { terms: coded, coefficients, plan: fitsPlan({ names: groups, spec, terms: coded, coefficients }) };
}

/** A list of a document, which should be of this length; null is NaN. */
export function fitsList(
  name: string,
  part: string,
  values: readonly (number | null)[],
  length: number,
): Float64Array {
  if (values.length !== length)
    throw wrongFits(name, `"fits.${part}" should be ${length} numbers, found ${values.length}`);
  return Float64Array.from(values, (value) => value ?? Number.NaN);
}

/** Moments of so many sets of rows, as they stand in a document. */
export function fitsTable(
  name: string,
  part: string,
  json: FitsDocument["moments"],
  sets: number,
): MomentsTable {
  const { columns } = json;
  const list = (key: string, values: readonly (number | null)[], width = 1) =>
    fitsList(name, `${part}.${key}`, values, width * sets);
  const n = list("n", json.n);
  return new MomentsTable(columns, {
    n,
    sumW: json.sumW === undefined ? n.slice() : list("sumW", json.sumW),
    sumLogW: json.sumLogW === undefined ? new Float64Array(sets) : list("sumLogW", json.sumLogW),
    mean: list("mean", json.mean, columns.length),
    c: list("c", json.c, packedLength(columns.length)),
  });
}

function wrongFits(name: string, what: string): ModelError {
  return new ModelError(`${name}: ${what}`, { hint: "write it anew with goml train" });
}
