import { packedIndex, packedLength } from "../../stats/packed.js";
import { type AndersonRubinSet, andersonRubin, andersonRubinSet } from "./anderson-rubin.js";
import { wuHausman } from "./endogeneity.js";
import { craggDonald, type FirstStage, type FTest, firstStages } from "./first-stage.js";
import { type Overidentification, sargan } from "./overidentification.js";
import { reducedDf, unexplained } from "./reduced-form.js";
import type { InstrumentedEquation } from "./solve-instrumented.js";
import { type EffectiveF, effectiveF } from "./weak.js";

/** What is told of instruments beside the coefficients. */
export interface InstrumentTests {
  kappa: number;
  /** The endogenous terms, and the instruments that are kept and left out, by their columns' keys. */
  endogenous: readonly string[];
  excluded: readonly string[];
  redundant: readonly string[];
  /** Of each endogenous term. */
  firstStages: readonly FirstStage[];
  /** Of one endogenous term. */
  effectiveF?: EffectiveF | undefined;
  /** Cragg and Donald's F. */
  craggDonald: number;
  /** Kleibergen and Paap's F, under a robust covariance. */
  kleibergenPaap?: FTest | undefined;
  wuHausman: FTest;
  /** Where there are more instruments than endogenous terms. */
  overidentification?: Overidentification | undefined;
  /** That all endogenous slopes are 0; of one the slopes that are not rejected. */
  andersonRubin: FTest & { set?: AndersonRubinSet };
}

/**
 * The tests of the classical kind, all from the moments.
 *
 * @param slopes θ without the intercept
 * @param level that of Anderson and Rubin's set
 */
export function classicalTests(
  equation: InstrumentedEquation,
  slopes: Float64Array,
  level: number,
): InstrumentTests {
  const { form, coordinates, instruments, kappa, regression } = equation;
  const { endogenous, instruments: l } = form;
  return {
    kappa,
    endogenous: instruments.endogenous.map((j) => regression.terms[j]!),
    excluded: coordinates.excluded.map((i) => instruments.excluded[i]!),
    redundant: coordinates.redundant.map((i) => instruments.excluded[i]!),
    firstStages: firstStages(form),
    ...(endogenous === 1
      ? { effectiveF: effectiveF(form.projected[0]!, diagonal(l, unexplained(form, 0, 0) / reducedDf(form))) }
      : {}),
    craggDonald: craggDonald(form),
    wuHausman: wuHausman(form),
    overidentification: sargan(
      form,
      instruments.endogenous.map((j) => slopes[j]!),
    ),
    andersonRubin: {
      ...andersonRubin(form),
      ...(endogenous === 1 ? { set: andersonRubinSet(form, level) } : {}),
    },
  };
}

function diagonal(size: number, value: number): Float64Array {
  const packed = new Float64Array(packedLength(size));
  for (let i = 0; i < size; i++) packed[packedIndex(i, i)] = value;
  return packed;
}

/** The F that a first stage should exceed where there is no better rule (Staiger & Stock 1997). */
const RULE_OF_THUMB = 10;

/** Remarks on weak instruments: estimates then lean towards those of least squares, and errors are too small. */
export function weakNotes(tests: InstrumentTests): string[] {
  const { effectiveF: one, craggDonald: several } = tests;
  const hint = "Anderson and Rubin's test holds all the same";
  const number = (value: number) => Number(value.toPrecision(4));
  if (one !== undefined)
    return one.f < one.criticalValue
      ? [
          `the instruments are weak: the effective F is ${number(one.f)}, below ${number(one.criticalValue)}, so that the bias ` +
            `may be more than a tenth of the worst, and t and intervals mislead; ${hint}`,
        ]
      : [];
  return several < RULE_OF_THUMB
    ? [
        `the instruments are weak: Cragg and Donald's F is ${number(several)}, below ${RULE_OF_THUMB}; ${hint}`,
      ]
    : [];
}
