import { ModelError } from "../../errors.js";
import type { Steps } from "../../parallel/steps.js";
import { packedLength } from "../../stats/packed.js";
import { checkSolutionSteps, type SolvedFit } from "./check-solution.js";
import type { GroupFits } from "./group-fits.js";
import type { ModelGroup } from "./model-group.js";
import { weightsOf } from "./predictor-plan.js";

/**
 * Checks the models of all groups as `checkSolutionSteps` does.
 *
 * @throws ModelError that names the group, and the first part that does not agree
 */
export function* checkGroupsSteps(group: ModelGroup, path: string): Steps<void> {
  const { fits, others } = group;
  const named = (name: string) => `${path}: group ${JSON.stringify(name)}`;
  for (const [name, model] of others) {
    yield* checkSolutionSteps(model, named(name));
    yield;
  }
  if (fits === undefined) return;
  for (const [g, name] of fits.names.entries()) {
    yield* checkSolutionSteps(fitOf(fits, g, named(name)), named(name));
    yield;
  }
}

/** The fit of a group without the model that it would be. */
function fitOf(fits: GroupFits, g: number, name: string): SolvedFit {
  const { lists, shared, width, regression } = fits;
  const coefficients = fits.coefficients(g);
  const entries = packedLength(width);
  const moments = lists.moments.at(g);
  const { n, sumW } = moments;
  const wrong = (part: string) =>
    new ModelError(`${name}: ${part}`, { hint: "write it anew with goml train" });
  if (!(Number.isInteger(n) && n >= width)) throw wrong(`"n" should be ${width} rows or more, found ${n}`);
  if (!(sumW > 0)) throw wrong(`"sumW" should be above 0, found ${sumW}`);
  if (!coefficients.every(Number.isFinite)) throw wrong("a coefficient is not a number");
  return {
    absorbed: undefined,
    aliased: [],
    instruments: undefined,
    // biome-ignore lint/correctness/useYield: there is nothing to absorb
    *absorptionSteps() {
      return undefined;
    },
    coefficients,
    covariance: lists.covariance.subarray(g * entries, (g + 1) * entries),
    dfResidual: n - width,
    intercept: shared.spec.intercept,
    moments,
    n,
    penalty: undefined,
    regression,
    rss: lists.rss[g]!,
    solver: "normal",
    terms: shared.terms.flatMap(({ columns }) => columns.map((column) => column.name)),
    tss: lists.tss[g]!,
    variances: coefficients,
    weightsKind: undefined,
    vcov: { type: "iid" },
    weights: weightsOf(coefficients, shared.spec),
    get whitening(): never {
      throw new Error("a classical covariance needs no whitening");
    },
  };
}
