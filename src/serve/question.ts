import type { IntervalKind } from "../linear/model/interval.js";
import type { UnseenPolicy } from "../linear/model/unseen.js";

/** What the bytes of a request are: the protocol's JSON (and binary data), or MLflow's JSON or CSV. */
export type Dialect = "infer" | "invocations" | "csv";

/** A request whose body has arrived; plain data, so that it can go to a worker. */
export interface Question {
  readonly dialect: Dialect;
  readonly body: Uint8Array;
  /** Bytes of JSON before the binary data, where the request has the header that says so. */
  readonly headerLength: number | undefined;
  readonly unseen: UnseenPolicy;
  /** The most bytes of an answer. */
  readonly answerLimit: number;
}

/** One output that is asked for, and whether it goes back as binary data. */
export interface OutputWish {
  readonly name: "prediction" | "lower" | "upper";
  readonly binary: boolean;
}

/** An interval of every prediction that is asked for: of the mean, of a new value, or of that by what was calibrated. */
export interface IntervalWish {
  readonly kind: IntervalKind | "conformal";
  readonly level: number;
}
