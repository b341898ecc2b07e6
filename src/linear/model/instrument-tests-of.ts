import { inOneGo } from "../../parallel/steps.js";
import { classicalTests, type InstrumentTests, weakNotes } from "../instruments/instrument-tests.js";
import { equationSteps } from "../instruments/solve-instrumented.js";
import { instrumentedRegression, type ModelInstruments } from "./model-instruments.js";
import type { SolvedModel } from "./solved-model.js";

/** The tests of a model's instruments, its columns by the names that users know; undefined where it has none. */
export function instrumentTestsOf(model: SolvedModel, level: number): InstrumentTests | undefined {
  const { instruments, moments, regression, coefficients, intercept, levels, references } = model;
  if (instruments === undefined) return undefined;
  const equation = inOneGo(equationSteps(moments, regression));
  const found = classicalTests(equation, coefficients.subarray(intercept ? 1 : 0), level);
  const { terms, names = [] } = instrumentedRegression(instruments.spec, levels, references, undefined);
  const { robust } = instruments;
  const named = (keys: readonly string[]) => keys.map((key) => names[terms.indexOf(key)]?.[0] ?? key);
  return {
    ...found,
    ...(robust === undefined ? {} : robustOnes(found, robust)),
    endogenous: named(found.endogenous),
    excluded: named(found.excluded),
    redundant: named(found.redundant),
  };
}

/** Remarks on the instruments of a model. */
export function instrumentNotes(model: SolvedModel): string[] {
  const found = instrumentTestsOf(model, 0.95);
  return found === undefined ? [] : weakNotes(found);
}

/** What tests are under a robust covariance; what there is not of that kind is left out. */
function robustOnes(
  found: InstrumentTests,
  { kleibergenPaap, effectiveF, overidentification, andersonRubin }: NonNullable<ModelInstruments["robust"]>,
): Partial<InstrumentTests> {
  const test = ({ f, p, ...rest }: typeof andersonRubin) => ({
    ...rest,
    f: f ?? Number.NaN,
    p: p ?? Number.NaN,
  });
  return {
    kleibergenPaap: test(kleibergenPaap),
    ...(found.effectiveF === undefined ? {} : { effectiveF }),
    overidentification,
    andersonRubin: test(andersonRubin),
  };
}
