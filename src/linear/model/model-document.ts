import { specFault } from "../../dataset/formula/check-spec.js";
import { type CodedTerm, codedCount, codedTerms } from "../../dataset/formula/coding.js";
import { targetKey } from "../../dataset/formula/column-key.js";
import { type ModelSpec, structuralSpec } from "../../dataset/formula/spec.js";
import { EXPRESSION_DEPTH } from "../../dataset/formula/spec-schema.js";
import { GomlError, ModelError } from "../../errors.js";
import { found } from "../../json-schema/expectation.js";
import { mismatchSteps } from "../../json-schema/mismatch.js";
import type { Definitions, Schema } from "../../json-schema/schema.js";
import type { Steps } from "../../parallel/steps.js";
import { sameColumns } from "../../stats/block-layout.js";
import type { CrossProducts, CrossProductsJson } from "../../stats/cross-products.js";
import { packedLength } from "../../stats/packed.js";
import { momentsSteps } from "../../stats/read-moments.js";
import { foldWhole } from "../../stats/sparse-fold.js";
import { productCount } from "../../stats/symmetric-products.js";
import { verb, wording } from "../../wording.js";
import { conformalFault } from "../conformal/conformal.js";
import { shardsFault } from "../shards/numbered.js";
import type { HeldOut } from "../solve/held-out.js";
import {
  documentDefinitions,
  type ModelDocument,
  type ModelGroupDocument,
  SCHEMA,
} from "./document-schema.js";

/** A checked document, its moments read and its terms coded. */
export type CheckedDocument = Omit<ModelDocument, "moments" | "folds" | "heldOut"> & {
  heldOut: HeldOut[] | undefined;
  moments: CrossProducts;
  folds: CrossProducts[];
  codedTerms: CodedTerm[];
};

/** How deep a document may go: five levels to the arguments of a spec's variable, and two for each call in a call. */
const DEEPEST = 2 * EXPRESSION_DEPTH + 5;

/**
 * Checks that a parsed JSON value is a model document of a schema this version knows, and that its parts fit
 * together.
 *
 * @throws ModelError that says which part is wrong
 */
export function* modelDocumentSteps(value: unknown, name: string): Steps<CheckedDocument> {
  const document = yield* checked<ModelDocument>(value, name, "goml-model", documentDefinitions.model);
  const { spec, levels, references } = document;
  const wrong = (what: string) => wrongIn(name, what);
  const fault =
    lengthFault(document) ??
    specFault(spec) ??
    instrumentsFault(document) ??
    targetsFault(document) ??
    levelsFault(document) ??
    termsFault(document) ??
    shardsFault(document.shards) ??
    conformalFault(document.conformal, document.coefficients.length);
  if (fault !== undefined) throw wrong(fault);
  let coded: CodedTerm[];
  try {
    coded = codedTerms(spec, levels, references);
  } catch {
    throw wrong('"references" should be levels of the factors');
  }
  const names = coded.flatMap((term) => term.columns.map((column) => column.name));
  const before = namesBefore(spec, coded);
  if (document.terms.some((term, i) => term !== names[i] && term !== before[i]))
    throw wrong('"terms" are not those of "spec"');
  yield;
  const moments = yield* momentsOf(document.moments, name, "moments");
  const folds: CrossProducts[] = [];
  for (const [f, fold] of document.folds.entries()) {
    const whole = foldWhole(fold, document.moments);
    if (whole === undefined) throw wrong(`"folds[${f}]" does not fit to "moments"`);
    yield;
    folds.push(yield* momentsOf(whole, name, `folds[${f}]`));
  }
  const { extended } = moments;
  const other = folds.findIndex((fold) => fold.extended !== extended);
  if (other >= 0)
    throw wrong(`"folds[${other}]" should be in ${extended ? "double-double" : "double"}, as "moments" is`);
  const unsound = soundnessFault(document, moments, folds);
  if (unsound !== undefined) throw wrong(unsound);
  const lacking = keptFault(document);
  if (lacking !== undefined) throw wrong(lacking);
  for (const target of [spec.target, ...(document.targets ?? [])]) {
    const key = targetKey(target);
    for (const one of [moments, ...folds])
      if (one.index(key) < 0) throw wrong(`"moments" lack the target ${found(target.label)}`);
  }
  const heldOut: HeldOut[] | undefined = document.heldOut && [];
  for (const [f, { others, fold, ...rest }] of (document.heldOut ?? []).entries())
    heldOut!.push({
      others: yield* momentsOf(others, name, `heldOut[${f}].others`),
      fold: yield* momentsOf(fold, name, `heldOut[${f}].fold`),
      ...rest,
    });
  for (const [f, { others, fold }] of (heldOut ?? []).entries())
    if (!sameColumns(others.columns, fold.columns))
      throw wrong(`"heldOut[${f}]" should have the same columns in "others" and "fold"`);
  return { ...document, moments, folds, heldOut, codedTerms: coded };
}

/** What of the further targets does not fit to the equation. */
function targetsFault({ spec, instruments, targets }: ModelDocument): string | undefined {
  if (spec.targets !== undefined || instruments?.spec.targets !== undefined)
    return '"spec" should be that of one target';
  if (targets === undefined) return undefined;
  const keys = [spec.target, ...targets].map(targetKey);
  if (new Set(keys).size < keys.length) return '"targets" should differ from each other and from "target"';
  if (targets.some(({ offset }) => JSON.stringify(offset) !== JSON.stringify(spec.target.offset)))
    return '"targets" should have the offset that "spec" has';
  return undefined;
}

/** What of the instruments does not fit to the equation. */
function instrumentsFault({ spec, instruments }: ModelDocument): string | undefined {
  if (spec.instruments !== undefined) return '"spec" should be that of the equation, without instruments';
  if (instruments === undefined) return undefined;
  const fault = specFault(instruments.spec)?.replaceAll('"spec.', '"instruments.spec.');
  if (fault !== undefined) return fault;
  const { terms, instruments: parts } = instruments.spec;
  if (parts === undefined) return '"instruments.spec" should have instruments';
  const last = terms.length - parts.excluded.length;
  if (parts.excluded.some((t) => t < last)) return '"instruments.spec" should have its instruments last';
  if (JSON.stringify(structuralSpec(instruments.spec)) !== JSON.stringify(spec))
    return '"spec" should be "instruments.spec" without the instruments';
  return undefined;
}

/** Which list has not as many numbers as the coefficients ask for. */
function lengthFault({
  terms,
  intercept,
  coefficients,
  covariance,
  variances,
  vcov,
  n,
}: ModelDocument): string | undefined {
  const p = terms.length + (intercept ? 1 : 0);
  const estimated = coefficients.filter((value) => value !== null).length;
  const { meat, shares, scores, tests, clusters } = vcov && vcov.type !== "iid" ? vcov : {};
  // Of rows that are drawn there are as many as rows of the fit.
  const groups = clusters ?? n;
  for (const [part, list, length] of [
    ["coefficients", coefficients, p],
    ["covariance", covariance, variances === undefined ? packedLength(p) : 0],
    ["variances", variances, p],
    ["vcov.meat", meat, packedLength(estimated)],
    ["vcov.shares", shares, packedLength(estimated) * groups],
    ["vcov.scores", scores, estimated * groups],
    ["vcov.tests", tests, p],
  ] as const)
    if (list !== undefined && list.length !== length)
      return `"${part}" should be ${length} numbers, found ${list.length}`;
  return undefined;
}

/** Which list of what is kept of the rows has not as many numbers as the others ask for. */
function keptFault({ keptMeat, n }: ModelDocument): string | undefined {
  if (keptMeat === undefined) return undefined;
  const p = keptMeat.columns.length;
  const wrong = (part: string, expected: number, length: number) =>
    `"keptMeat.${part}" should be ${expected} numbers, found ${length}`;
  if (keptMeat.kind !== "cells") {
    const { kind, centre, products } = keptMeat;
    if (centre.length !== p) return wrong("centre", p, centre.length);
    const each = productCount(p + 1, kind === "quartic" ? 4 : 2);
    const whole =
      kind === "quartic" ? products.length === each : products.length % each === 0 && products.length > each;
    return whole ? undefined : wrong("products", each, products.length);
  }
  const { x, rows, weights = rows, means, squares } = keptMeat;
  const cells = rows.length;
  for (const [part, list, length] of [
    ["x", x, p * cells],
    ["weights", weights, cells],
    ["means", means, cells],
    ["squares", squares, cells],
  ] as const)
    if (list.length !== length) return wrong(part, length, list.length);
  const sum = rows.reduce((all, one) => all + one, 0);
  return sum === n ? undefined : `"keptMeat.rows" should be ${n} in all, found ${sum}`;
}

/** What cannot be, whatever the data: numbers that contradict each other. */
function soundnessFault(
  document: ModelDocument,
  moments: CrossProducts,
  folds: readonly CrossProducts[],
): string | undefined {
  const { n, rank, rss, tss, sigma, coefficients, terms, intercept, aliased, absorbed, penalty } = document;
  if (n !== moments.n) return `"n" should be ${moments.n}, the rows of "moments", found ${n}`;
  if (!(moments.sumW > 0)) return '"moments.sumW" should be above 0';
  if (!(rss >= 0)) return `"rss" should be 0 or more, found ${rss}`;
  if (!(tss >= 0)) return `"tss" should be 0 or more, found ${tss}`;
  const first = intercept ? 1 : 0;
  if (intercept && coefficients[0] === null)
    return '"coefficients[0]", the intercept, should be a number, found null';
  const left = terms.filter((_, j) => coefficients[j + first] === null);
  if (left.length !== aliased.length || left.some((term, i) => term !== aliased[i]))
    return '"coefficients" should be null for the terms in "aliased", and for no others';
  // A penalty leaves some at 0, which do not count.
  const active = coefficients.filter((value) => value !== null && value !== 0).length;
  if (rank !== coefficients.length - aliased.length && !(penalty && rank === active))
    return `"rank" should be ${coefficients.length - aliased.length}, the number of coefficients that are not null, found ${rank}`;
  const df = n - rank - (absorbed?.rank ?? 0);
  // A penalty determines more coefficients than there are rows.
  if (df < 0 && !penalty) return `"n" should be ${n - df} or more, for so much was estimated, found ${n}`;
  const expected = penalty || df === 0 ? null : Math.sqrt(rss / df);
  if (expected === null ? sigma !== null : sigma === null || Math.abs(sigma - expected) > 1e-9 * expected)
    return `"sigma" should be ${expected}, found ${sigma}`;
  const inFolds = folds.reduce((sum, fold) => sum + fold.n, 0);
  if (folds.length > 0 && inFolds !== n) return `"folds" should have ${n} rows, found ${inFolds}`;
  return undefined;
}

/** A level of a factor of numbers that is no number as goml writes it: exports take levels for numbers. */
function levelsFault({ spec, levels }: ModelDocument): string | undefined {
  for (const variable of spec.variables) {
    if (variable.kind !== "factor" || variable.of !== "numbers" || !Object.hasOwn(levels, variable.label))
      continue;
    const wrong = levels[variable.label]!.find(
      (level) => !Number.isFinite(Number(level)) || String(Number(level)) !== level,
    );
    if (wrong !== undefined)
      return `"levels" of ${variable.label} should be finite numbers in their shortest form, found ${found(wrong)}`;
  }
  return undefined;
}

/** The columns' names as version 0.1 wrote levels that are numbers: 100000, which R and goml write as 1e+05. */
function namesBefore({ variables }: ModelDocument["spec"], terms: readonly CodedTerm[]): string[] {
  return terms.flatMap((term) =>
    term.columns.map(({ parts }) =>
      term.variables.map((v, i) => `${variables[v]!.label}${parts[i] ?? ""}`).join(":"),
    ),
  );
}

/** What is said twice and differs. */
function termsFault({ target, intercept, terms, spec, levels, absorbed }: ModelDocument): string | undefined {
  if (target !== spec.target.label) return '"target" should be the label of that of "spec"';
  if ((spec.absorbed === undefined) !== (absorbed === undefined))
    return '"absorbed" should be there where "spec" has absorbed variables, and only there';
  if (intercept !== spec.intercept) return '"intercept" should be that of "spec"';
  // Counted before they are made: a few factors can ask for more columns than there is memory.
  const count = codedCount(spec, levels);
  return terms.length === count ? undefined : `"terms" should be ${count} names, those of "spec"`;
}

/**
 * Checks that a parsed JSON value is a document of models by group, and reads its models: one for each group, all of
 * the same specification.
 *
 * @param read reads the document of one model, under the name that it is to have in messages
 * @throws ModelError that says which part is wrong
 */
export function* groupDocumentSteps<Model extends { readonly spec: ModelSpec }>(
  value: unknown,
  name: string,
  read: (document: unknown, name: string) => Steps<Model>,
): Steps<Omit<ModelGroupDocument, "models"> & { models: Map<string, Model> }> {
  const document = yield* checked<ModelGroupDocument>(
    value,
    name,
    "goml-model-group",
    documentDefinitions.modelGroup,
  );
  const fault = shardsFault(document.shards);
  if (fault !== undefined) throw wrongIn(name, fault);
  const models = new Map<string, Model>();
  const listed = new Set(document.fits?.groups);
  if (listed.size < (document.fits?.groups.length ?? 0))
    throw wrongIn(name, '"fits.groups" should be unlike each other');
  let spec = document.fits && JSON.stringify(document.fits.spec);
  for (const { group, model: part } of document.models) {
    const where = `${name}: group ${JSON.stringify(group)}`;
    const wrong = (what: string) =>
      new ModelError(`${where} ${what}`, { hint: wording`write it anew with ${verb("trainGroups")}` });
    if (models.has(group) || listed.has(group)) throw wrong("has two models");
    const model = yield* read(part, where);
    yield;
    const own = JSON.stringify(model.spec);
    spec ??= own;
    if (own !== spec) throw wrong("should have the specification of the first");
    models.set(group, model);
  }
  return { ...document, models };
}

/** Whether a parsed JSON value says that it holds models by group. */
export function isModelGroupDocument(value: unknown): boolean {
  return formatOf(value) === "goml-model-group";
}

function formatOf(value: unknown): unknown {
  return typeof value === "object" && value !== null && "format" in value ? value.format : undefined;
}

/** The value as the document that its schema describes; the models of groups are left for later. */
function* checked<T extends { schema: number }>(
  value: unknown,
  name: string,
  format: string,
  schema: Schema,
): Steps<T> {
  if (formatOf(value) !== format)
    throw new ModelError(`${name}: not a goml model`, { hint: "expected a file that goml train wrote" });
  const document = value as Partial<T>;
  if (typeof document.schema !== "number") throw wrongIn(name, "the model has no schema version");
  if (document.schema > SCHEMA)
    throw new ModelError(
      `${name}: the model has schema ${document.schema}, this goml reads up to ${SCHEMA}`,
      {
        hint: "update goml",
      },
    );
  // A group's model is checked when it is read, so that the message names the group.
  const definitions: Definitions =
    format === "goml-model" ? documentDefinitions : { ...documentDefinitions, model: { type: "object" } };
  const mismatch = yield* mismatchSteps(value, schema, definitions, DEEPEST);
  if (mismatch === undefined) return value as T;
  const { path, expected } = mismatch;
  throw wrongIn(
    name,
    mismatch.found === undefined
      ? `${JSON.stringify(path)} is missing: it should be ${expected}`
      : `${JSON.stringify(path)} should be ${expected}, found ${mismatch.found}`,
  );
}

function wrongIn(name: string, what: string): ModelError {
  return new ModelError(`${name}: ${what}`, { hint: "write it anew with goml train" });
}

function* momentsOf(json: CrossProductsJson, name: string, part: string): Steps<CrossProducts> {
  try {
    return yield* momentsSteps(json);
  } catch (cause) {
    if (!(cause instanceof GomlError)) throw cause;
    throw new ModelError(wording`${name}: "${part}" cannot be read: ${cause.words.message}`, {
      cause,
      hint: "write it anew with goml train",
    });
  }
}
