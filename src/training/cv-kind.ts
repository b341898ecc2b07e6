import { UsageError } from "../errors.js";
import { option, wording } from "../wording.js";

/** How rows are put into folds, where it is not at random, or more than once. */
export type CvKind =
  /** Each row is predicted by the fit of all others. */
  | { kind: "loo" }
  /** Rows of one value of a column stay together: each value by itself, or with `folds` several in a fold. */
  | { kind: "group"; column: string }
  /** Rows are predicted by the fit of those of earlier times, in `folds` stretches of time (default: 5). */
  | { kind: "time"; column: string }
  /** Random folds, drawn several times. */
  | { kind: "repeated"; folds: number; times: number };

/** Repetitions that there may be: each reads the data. */
const MOST_REPETITIONS = 1000;

/**
 * Checks what is asked for against the other options.
 *
 * @throws UsageError where they do not fit together
 */
export function checkCvKind(
  kind: CvKind,
  options: {
    folds?: number | undefined;
    foldBy?: string | undefined;
    conformal?: string | undefined;
    inEngine?: boolean | undefined;
    shard?: unknown;
    weightsKind?: string | undefined;
  },
): void {
  const name = kind.kind;
  const { folds, foldBy, inEngine, shard } = options;
  const refuse = (given: boolean, text: ReturnType<typeof wording>, hint?: ReturnType<typeof wording>) => {
    if (given) throw new UsageError(text, hint === undefined ? {} : { hint });
  };
  refuse(
    foldBy !== undefined,
    wording`${option("foldBy")} and ${option("cv")} each say how rows are put into folds`,
  );
  refuse(
    inEngine === true,
    wording`${option("cv")} reads rows, and with ${option("inEngine")} only sums leave the database`,
    wording`${option("foldBy")} folds rows by a key, which databases can do`,
  );
  refuse(
    shard !== undefined,
    wording`${option("cv")} needs all rows, and ${option("shard")} reads a part of them`,
  );
  refuse(
    options.weightsKind === "frequency" && name === "loo",
    "weights that are frequencies stand for several rows each, and leaving one of them out is not leaving one row out",
  );
  refuse(
    folds !== undefined && name === "loo",
    wording`leaving one out has as many folds as rows: leave ${option("folds")} out`,
  );
  refuse(
    folds !== undefined && name === "repeated",
    wording`the repetitions say how many folds there are: leave ${option("folds")} out`,
  );
  refuse(folds === 1, wording`${option("folds", 1)} means none, and ${option("cv")} asks for some`);
  refuse(
    options.conformal === "cv+",
    wording`${option("conformal", "cv+")} is of random folds, and ${option("cv")} asks for others`,
    wording`leave one of them out`,
  );
  if (kind.kind !== "repeated") return;
  refuse(kind.folds < 2, `repeated cross-validation needs 2 folds or more, got ${kind.folds}`);
  refuse(
    kind.times < 1 || kind.times > MOST_REPETITIONS,
    `repeated cross-validation reads the data once for each repetition: 1 to ${MOST_REPETITIONS}, got ${kind.times}`,
  );
}

/**
 * Refuses folds whose rows' effects would have to be taken out again in another pass.
 *
 * @throws UsageError for all kinds but one row left out
 */
export function checkCvOfAbsorbed({ kind }: CvKind): void {
  if (kind !== "loo")
    throw new UsageError(
      "absorbed effects are cross-validated in one draw of random folds, or with one row left out",
      { hint: wording`fit the factor as a term, or leave ${option("cv")} out` },
    );
}
