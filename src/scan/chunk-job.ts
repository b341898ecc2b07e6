import type { RowSink } from "../kernels/row-sink.js";
import type { BlockView } from "./block-view.js";

/** What is done with the rows of each chunk; one instance serves many chunks, one after the other. */
export interface ChunkJob<Result> {
  /** What takes rows that need not be seen, where the job has such a thing: `add` gets the others. */
  readonly sink?: RowSink | undefined;
  /**
   * Takes the first `rows` rows of the source's block, which it may overwrite; where that may take long, in steps, between
   * which others may run.
   */
  add(rows: number): Generator<undefined, void, void> | undefined | void;
  /** The result of the chunk whose rows were added; plain data, so that it can leave a worker. */
  finish(): Result;
  /** Takes a result back that nobody needs any more, for what the next may be put into; where it never left this thread. */
  release?(result: Result): void;
}

/** Makes the job of one thread. `plan` is plain data. */
export type CreateJob<Plan, Result> = (view: BlockView, plan: Plan) => ChunkJob<Result>;
