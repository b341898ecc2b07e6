import { codedTerms } from "../../dataset/formula/coding.js";
import { targetKey, variableKey } from "../../dataset/formula/column-key.js";
import { formulaSpec } from "../../dataset/formula/resolve.js";
import { scanKeys } from "../../dataset/formula/scan-keys.js";
import {
  completeSpec,
  type Expression,
  type ModelSpec,
  structuralSpec,
  type Term,
  type Variable,
} from "../../dataset/formula/spec.js";
import { specFormula } from "../../dataset/formula/spec-formula.js";
import { type Target, targetVariable, withTargets } from "../../dataset/formula/targets.js";
import { type ContrastChoices, withContrasts } from "../../dataset/formula/with-contrasts.js";
import { nearestName } from "../../dataset/nearest.js";
import { ModelError, UsageError } from "../../errors.js";
import { inOneGo, type Steps } from "../../parallel/steps.js";
import { keepColumns } from "../../stats/block-layout.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { option, wording } from "../../wording.js";
import { prunedMeat } from "../covariance/kept-meat.js";
import {
  type AskedEstimator,
  readEstimator,
  refuseInstruments,
  withoutInstruments,
} from "../instruments/check-instruments.js";
import type { ModelInstruments } from "../model/document-schema.js";
import type { LinearModel } from "../model/model.js";
import { regressionOf } from "../model/model-parts.js";
import { type Estimate, solveSpecSteps } from "../model/solve-spec.js";
import { withKeptVcov } from "../shards/kept-vcov.js";
import { type PenaltyRefit, penaltyOf } from "./refitted-penalty.js";

/** What to change of a model; all may be left out. */
export interface RefitOptions extends PenaltyRefit {
  /** Only these terms, by their labels, or by their columns' names. */
  features?: readonly string[] | undefined;
  /** Another target: a column of numbers, or an expression, that is a term of the model. */
  target?: string | undefined;
  /** A formula over the terms that the model has. */
  formula?: string | undefined;
  intercept?: boolean | undefined;
  /** Another estimator of an equation with instruments. */
  iv?: AskedEstimator | undefined;
  references?: Readonly<Record<string, string>> | undefined;
  /** How factors are coded, by column or label; see `fitCsv`. */
  contrasts?: ContrastChoices | undefined;
}

/**
 * Another model of the same rows, from the moments that a model keeps: fewer terms, another target among the columns
 * seen, another penalty. No data are needed. The new model keeps the moments of its own columns.
 *
 * @throws UsageError for a name that the model does not have; ModelError for a term that it has not seen
 * @example
 * ```js
 * import { fitCsv, refit } from "goml";
 *
 * const { model } = await fitCsv("data/boston.csv", { features: ["rm", "lstat"] });
 * const { model: smaller } = refit(model, { features: ["lstat"] });
 * console.log(smaller.coefficients[0].toFixed(4), smaller.coefficients[1].toFixed(4)); // 34.5538 -0.9500
 * ```
 */
export function refit(model: LinearModel, options: RefitOptions): Estimate {
  return inOneGo(refitSteps(model, options));
}

/** `refit` in steps. */
export function* refitSteps(model: LinearModel, options: RefitOptions): Steps<Estimate> {
  if (options.formula !== undefined && (options.features !== undefined || options.target !== undefined))
    throw new UsageError(
      wording`a formula says which target and terms: leave ${option("features")} and ${option("target")} out`,
      {
        hint: wording`or leave ${option("formula")} out`,
      },
    );
  const spec = withContrasts(askedSpec(model, options), options.contrasts);
  const intercept = spec.absorbed === undefined && (options.intercept ?? spec.intercept);
  return yield* fitSpec(model, withFormula({ ...spec, intercept }), options);
}

/** The spec asked for; with instruments, that of all columns. */
function askedSpec(model: LinearModel, options: RefitOptions): ModelSpec {
  if (options.formula !== undefined) return spelledSpec(model, options.formula);
  if (model.instruments === undefined) return chosenSpec(model, options);
  if (options.features !== undefined || options.target !== undefined)
    throw new UsageError("of an equation with instruments other terms are asked for by a formula", {
      hint: wording`${option("formula", `${model.target} ~ … | 0 | … ~ …`)}`,
    });
  return model.instruments.spec;
}

/** The submodel of some of a model's terms, by index. */
export function* refitTermsSteps(model: LinearModel, terms: readonly number[]): Steps<Estimate> {
  refuseInstruments(model, "submodels");
  const chosen = terms.map((t) => model.spec.terms[t]!);
  return yield* fitSpec(model, withFormula(completeSpec({ ...model.spec, terms: chosen })), {});
}

function* fitSpec(model: LinearModel, scanned: ModelSpec, options: RefitOptions): Steps<Estimate> {
  const spec = structuralSpec(scanned);
  const factors = scanned.variables.filter((variable) => variable.kind === "factor");
  const known = new Map(
    model.scannedSpec.variables.map((variable) => [
      variableKey(variable),
      model.levels[variable.label] ?? [],
    ]),
  );
  const levels = Object.fromEntries(
    factors.map((variable) => [variable.label, [...(known.get(variableKey(variable)) ?? [])]]),
  );
  const references: Record<string, string> = { ...options.references };
  for (const { label, column } of factors)
    for (const name of [label, column]) {
      // "constructor" is a name that every object has.
      if (Object.hasOwn(model.references, name) && !Object.hasOwn(references, name))
        references[name] = model.references[name]!;
    }
  const instruments = refittedInstruments(model, scanned, options.iv);
  const targets = targetsBeside(model, scanned);
  const keys = scanKeys(withTargets(scanned, targets), levels);
  const pruned = (moments: CrossProducts) => keepColumns(moments, (key) => keys.has(key));
  const { weightsColumn, weightsKind, source, sources, forgotten, shards, scan } = model;
  const refitted = yield* solveSpecSteps(
    {
      spec,
      levels,
      references,
      moments: pruned(model.moments),
      folds: model.folds.map(pruned),
      // They know y as it was, for R².
      heldOut: targetKey(spec.target) === targetKey(model.spec.target) ? model.heldOut : undefined,
      weightsColumn,
      weightsKind,
      instruments,
      targets,
      source,
      sources,
      forgotten,
      shards,
      reading: model.reading,
      scan: scan && { ...scan, test: null },
    },
    penaltyOf(model, regressionOf(spec, codedTerms(spec, levels, references)), options),
  );
  const kept = model.keptMeat && prunedMeat(model.keptMeat, keys, targetKey(spec.target));
  return withKeptVcov(refitted, [model], kept);
}

/** The instruments of another fit of the same rows, with the estimator asked for, or that of the model. */
function refittedInstruments(
  model: LinearModel,
  scanned: ModelSpec,
  asked: AskedEstimator | undefined,
): ModelInstruments | undefined {
  if (scanned.instruments === undefined) {
    if (asked === undefined) return undefined;
    throw withoutInstruments(asked);
  }
  if (asked === "gmm")
    throw new ModelError("two-step GMM needs the rows, of which the model keeps the moments", {
      hint: "train again for it",
    });
  const { estimator, fuller } = model.instruments ?? { estimator: "2sls" as const };
  return { spec: scanned, ...(asked === undefined ? { estimator, fuller } : readEstimator(asked)) };
}

/** What other targets of a fit of several a refit keeps beside its own: those that it has not as terms. */
function targetsBeside({ spec, targets }: LinearModel, { target, terms, variables }: ModelSpec): Target[] {
  if (targets.length === 0) return [];
  const taken = new Set([
    targetKey(target),
    ...terms.flatMap((term) => term.variables.map((v) => variableKey(variables[v]!))),
  ]);
  return [spec.target, ...targets].filter((one) => !taken.has(targetKey(one)));
}

/** The model's targets, and its terms that are one column of numbers: what can be a target. */
function targetsOf({ spec, targets }: LinearModel): Target[] {
  const numbers = spec.terms.flatMap(({ variables }) => {
    const variable = spec.variables[variables[0]!]!;
    return variables.length === 1 && variable.kind === "numeric" ? [variable] : [];
  });
  return [spec.target, ...targets, ...numbers];
}

function chosenSpec(model: LinearModel, { features, target: name }: RefitOptions): ModelSpec {
  const { spec } = model;
  let target: Target = spec.target;
  if (name !== undefined) {
    const targets = targetsOf(model);
    const found = targets.find(({ label, expression }) => label === name || isColumn(expression, name));
    if (found === undefined)
      throw unknown(
        name,
        targets.map(({ label }) => label),
        "no column of numbers",
      );
    const { label, expression, offset } = { offset: undefined, ...found };
    target = offset === undefined ? { label, expression } : { label, expression, offset };
  }
  const variables = [...spec.variables];
  const candidates = [...spec.terms];
  // Other targets, the former among them, may be features, where they are asked for.
  for (const other of [spec.target, ...model.targets])
    if (targetKey(other) !== targetKey(target)) {
      variables.push(targetVariable(other));
      candidates.push({ label: other.label, variables: [variables.length - 1] });
    }
  const usable = candidates.filter((term) =>
    term.variables.every((v) => variableKey(variables[v]!) !== targetKey(target)),
  );
  const terms =
    features?.map((feature) => termOf(feature, usable, variables)) ??
    usable.filter((term) => spec.terms.includes(term));
  const unique = [...new Set(terms)].sort((a, b) => a.variables.length - b.variables.length);
  return completeSpec({ ...spec, target, variables, terms: unique });
}

function isColumn(expression: Expression, name: string): boolean {
  return "column" in expression && expression.column === name;
}

/** A term by its label, or, where it is one variable, by its column's name. */
function termOf(name: string, terms: readonly Term[], variables: readonly Variable[]): Term {
  const found =
    terms.find(({ label }) => label === name) ??
    terms.find((term) => {
      const variable = variables[term.variables[0]!]!;
      if (term.variables.length !== 1) return false;
      return variable.kind === "factor"
        ? variable.column === name && variable.by === undefined
        : variable.kind !== "basis" && isColumn(variable.expression, name);
    });
  if (found === undefined)
    throw unknown(
      name,
      terms.map(({ label }) => label),
      "no term",
    );
  return found;
}

function unknown(name: string, names: readonly string[], what: string): UsageError {
  const near = nearestName(name, names);
  return new UsageError(`the model has ${what} ${JSON.stringify(name)}`, {
    hint: near === undefined ? `it has ${names.join(", ")}` : `did you mean ${JSON.stringify(near)}?`,
  });
}

/**
 * The spec of a formula, in the model's own variables and their order (`a:b` for `b:a` where it has that), so that
 * its columns have the keys of the moments.
 */
function spelledSpec(model: LinearModel, formula: string): ModelSpec {
  const { scannedSpec: spec } = model;
  const asked = formulaSpec(formula, {
    columns: [
      ...spec.numeric.map((name) => ({ name, kind: "numeric" as const })),
      ...spec.text.map((name) => ({ name, kind: "text" as const })),
    ],
    variables: spec.variables,
    lags: { ...spec.lags, columns: spec.lags?.columns ?? [] },
    target: isColumn(model.spec.target.expression, model.target) ? model.target : undefined,
    dot: spec.terms.flatMap(({ variables: [first, ...more] }) => {
      const variable = spec.variables[first!]!;
      if (more.length > 0 || variable.kind === "polynomial" || variable.kind === "basis") return [];
      if (variable.kind === "factor")
        return variable.of === "text" && variable.by === undefined ? [variable.column] : [];
      return "column" in variable.expression ? [variable.expression.column] : [];
    }),
  });
  if (asked.targets !== undefined)
    throw new UsageError("one target is refitted at a time, and cbind() names several", {
      hint: wording`${option("formula", `${asked.target.label} ~ …`)}, and so on for the others`,
    });
  const target = targetsOf(model).find((known) => targetKey(known) === targetKey(asked.target));
  if (target === undefined) throw unseen(asked.target.label, model);
  const variables: Variable[] = [...spec.variables, targetVariable(spec.target)];
  const single = [variables.length - 1, ...(spec.targets ?? [])];
  const seen = [...spec.terms, ...single.map((v) => ({ label: variables[v]!.label, variables: [v] }))];
  const identity = (term: Term, among: readonly Variable[]) =>
    term.variables
      .map((v) => identityOf(among[v]!))
      .sort()
      .join("\n");
  const byIdentity = new Map(seen.map((term) => [identity(term, variables), term]));
  const recoded = new Map<number, Variable>();
  const terms = asked.terms.map((term) => {
    const found = byIdentity.get(identity(term, asked.variables));
    if (found === undefined) throw unseen(term.label, model);
    for (const v of term.variables) {
      const own = asked.variables[v]!;
      const at = found.variables.find((w) => identityOf(variables[w]!) === identityOf(own))!;
      const coding = recodedAs(variables[at]!, own);
      if (recoded.has(at) && JSON.stringify(recoded.get(at)) !== JSON.stringify(coding))
        throw new ModelError(
          `${own.label} and ${recoded.get(at)!.label} are one factor in the model's moments`,
          {
            hint: "code it in one way, or train again",
          },
        );
      recoded.set(at, coding);
    }
    return found;
  });
  for (const [at, coding] of recoded) variables[at] = coding;
  return completeSpec({
    formula,
    target,
    intercept: asked.intercept,
    variables,
    terms: terms.map((term) => ({
      ...term,
      label: term.variables.map((v) => variables[v]!.label).join(":"),
    })),
    absorbed: sameEffects(model, asked),
    ...(spec.lags === undefined ? {} : { lags: spec.lags }),
    ...(asked.instruments === undefined ? {} : { instruments: asked.instruments }),
  });
}

/** The model's absorbed factors, which a formula may name, or leave to the model: there are no moments without them. */
function sameEffects({ spec }: LinearModel, asked: ModelSpec): ModelSpec["absorbed"] {
  const labels = ({ absorbed = [], variables }: ModelSpec) =>
    absorbed.map((v) => identityOf(variables[v]!)).sort();
  if (asked.absorbed !== undefined && labels(asked).join() !== labels(spec).join())
    throw new ModelError("absorbed effects stay as they are in another fit of the same rows", {
      hint: "leave out what stands behind the |, or train again",
    });
  return spec.absorbed;
}

/** The same for two ways to write a factor: `factor(rad)`, `C(rad, sum)` and `relevel(factor(rad), "4")`. */
function identityOf(variable: Variable): string {
  if (variable.kind !== "factor") return variableKey(variable);
  const { by, column, levels, labels } = variable;
  return `${by ?? "factor"} of ${JSON.stringify([column, levels, labels])}`;
}

/** A factor of the model's as a formula writes it: another label, reference or contrast, of the same levels' moments. */
function recodedAs(known: Variable, asked: Variable): Variable {
  if (known.kind !== "factor" || asked.kind !== "factor") return known;
  if (
    asked.contrast === undefined &&
    asked.first === undefined &&
    known.contrast === undefined &&
    known.first === undefined
  )
    return known;
  return { ...asked, key: variableKey(known) };
}

function unseen(label: string, model: LinearModel): ModelError {
  return new ModelError(`the model has not seen ${label}`, {
    hint: `it keeps the moments of ${model.spec.terms.map((term) => term.label).join(", ")}; train for others`,
  });
}

/** A spec with a formula that says what it is. */
function withFormula(spec: ModelSpec): ModelSpec {
  return { ...spec, formula: specFormula(spec) };
}
