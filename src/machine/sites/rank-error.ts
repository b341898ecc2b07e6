import { GomlError } from "../../errors.js";

/** What is known of a failure at one of the sites of a graph. */
export interface RankFailure {
  readonly rank: number;
  readonly why: string;
  /** The node at which it was, and the edge that was waited for, where that is known. */
  readonly node?: string | undefined;
  readonly edge?: string | undefined;
  /** Whether the rank itself is gone. */
  readonly lost?: boolean | undefined;
}

/** One of the sites of a graph has failed, and with it the run of all: one line that names rank, node and edge. */
export class RankError extends GomlError {
  readonly failure: RankFailure;

  constructor(failure: RankFailure, cause?: unknown) {
    const { rank, why, node, edge } = failure;
    const at = [node === undefined ? "" : ` at node ${node}`, edge === undefined ? "" : `, edge ${edge}`];
    super("internal", `rank ${rank}${at.join("")}: ${why}`, { cause });
    this.failure = failure;
  }

  /** The error of a rank that has failed by itself. */
  static of(rank: number, cause: unknown): RankError {
    if (cause instanceof RankError) return cause;
    const { node } = cause as { node?: unknown };
    const why = (cause instanceof Error ? cause.message : String(cause)).split("\n", 1)[0]!;
    return new RankError(
      typeof node === "string" ? { rank, node, why: why.replace(`node ${node}: `, "") } : { rank, why },
      cause,
    );
  }
}
