import { inOneGo, type Steps } from "../../parallel/steps.js";
import {
  type ComparedSubmodels,
  type Criterion,
  type SelectionData,
  type Submodel,
  Submodels,
} from "./submodels.js";

/** A row of a step's table, as R's `step` prints it. */
interface Candidate {
  /** `<none>` for the model as it is, `- lstat` or `+ lstat`. */
  change: string;
  /** The terms of the model after the change, by index. */
  terms: number[];
  /** Coefficients that the change adds or takes away; 0 for `<none>`. */
  df: number;
  /** By how much the change moves the residual sum of squares. */
  sumOfSquares: number;
  rss: number;
  criterion: number;
}

/** One step: where it stood, and what it compared, best first. */
interface SelectionStep {
  terms: string[];
  criterion: number;
  table: Candidate[];
}

/** What stepwise selection did. */
export interface Selection {
  /** The terms chosen, by index into the spec's, and by label. */
  chosen: number[];
  terms: string[];
  criterion: number;
  rss: number;
  /** The coefficients estimated. */
  rank: number;
  steps: SelectionStep[];
}

/** Where to go: `backward` starts from all terms, `forward` from none, `both` from all, and may put terms back. */
export type Direction = "backward" | "forward" | "both";

/** An improvement below this is none, as in R's `step`. */
const LEAST_GAIN = 1e-7;

/**
 * Stepwise selection as R's `step` does it, from moments alone: in each step the one term goes in or out that
 * improves the criterion most, terms that others contain (a where a:b is) staying, until nothing improves it. Terms that
 * add nothing to the others go out first, the last of them before the rest. Other than R's, every model that is compared is
 * the one that would be fitted: coded anew, which makes a difference without an intercept or without margins.
 *
 * @param start the terms to start from, by index, in place of those that the direction implies
 */
export function* stepwiseSteps(data: SelectionData, options: StepwiseOptions = {}): Steps<Selection> {
  return yield* stepsAmong(new Submodels(data, options.criterion ?? "aic"), options);
}

interface StepwiseOptions {
  direction?: Direction;
  criterion?: Criterion;
  start?: readonly number[];
}

/** `stepwiseSteps` among submodels that were made for the criterion. */
export function* stepsAmong(submodels: ComparedSubmodels, options: StepwiseOptions): Steps<Selection> {
  const { direction = "both", criterion = "aic" } = options;
  const everything = Array.from({ length: submodels.termCount }, (_, t) => t);
  let current = yield* submodels.of(options.start ?? (direction === "forward" ? [] : everything));
  const steps: SelectionStep[] = [];
  for (;;) {
    const table = yield* candidates(submodels, current, everything, direction);
    steps.push({ terms: current.terms.map((t) => submodels.label(t)), criterion: current.criterion, table });
    const idle = direction === "forward" ? undefined : idleTerm(table, current);
    if (idle !== undefined) {
      steps.at(-1)!.table = table.filter((row) => row.change === "<none>" || row === idle);
      current = yield* submodels.of(idle.terms);
      continue;
    }
    const [best] = table;
    // The gain is scaled for the RMSE of cross-validation, which may be small by nature.
    const least = criterion === "cv" ? LEAST_GAIN * current.criterion : LEAST_GAIN;
    if (best!.change === "<none>" || !(best!.criterion < current.criterion - least)) break;
    current = yield* submodels.of(best!.terms);
  }
  const { terms, rss, rank } = current;
  return {
    chosen: terms,
    terms: terms.map((t) => submodels.label(t)),
    criterion: current.criterion,
    rss,
    rank,
    steps,
  };
}

/** `stepwiseSteps` in one go. */
export function stepwise(...args: Parameters<typeof stepwiseSteps>): Selection {
  return inOneGo(stepwiseSteps(...args));
}

function* candidates(
  submodels: ComparedSubmodels,
  current: Submodel,
  everything: readonly number[],
  direction: Direction,
): Steps<Candidate[]> {
  const row = (change: string, to: Submodel): Candidate => ({
    change,
    terms: to.terms,
    df: Math.abs(to.rank - current.rank),
    sumOfSquares: Math.abs(to.rss - current.rss),
    rss: to.rss,
    criterion: to.criterion,
  });
  const inside = current.terms;
  const outside = everything.filter((t) => !inside.includes(t));
  const table = [row("<none>", current)];
  if (direction !== "forward")
    for (const t of inside) {
      if (inside.some((other) => submodels.contains(other, t))) continue;
      table.push(row(`- ${submodels.label(t)}`, yield* submodels.of(inside.filter((other) => other !== t))));
    }
  if (direction !== "backward")
    for (const t of outside) {
      if (outside.some((other) => submodels.contains(t, other))) continue;
      const wider = yield* submodels.of([...inside, t]);
      if (wider.rank !== current.rank) table.push(row(`+ ${submodels.label(t)}`, wider));
    }
  return table.sort((a, b) => a.criterion - b.criterion);
}

/** Residual sums of squares of one span differ by rounding only. */
const SAME_RSS = 1e-9;

/** The last term that adds nothing: without it the model spans the same. */
function idleTerm(table: readonly Candidate[], current: Submodel): Candidate | undefined {
  const idle = table.filter(
    ({ change, df, sumOfSquares }) =>
      change.startsWith("- ") && df === 0 && sumOfSquares <= SAME_RSS * current.rss,
  );
  // The last in the order of the terms is the one of which the earliest are left.
  const missing = ({ terms }: Candidate) => current.terms.find((t) => !terms.includes(t))!;
  return idle.sort((a, b) => missing(b) - missing(a))[0];
}
