/** One thing to measure. Its ratio is its median over that of the case it names, in the same run. */
export interface BenchCase {
  readonly name: string;
  /** The case of the same group that this one is compared with; none for a yardstick. */
  readonly against?: string;
  /** The worker threads that it uses; none for other cases. */
  readonly threads?: number;
  readonly async: boolean;
  readonly run: () => unknown;
  /** How often a call of `run` does what is measured. Default: once. */
  readonly times?: number;
}

/** A group that is ready to be timed. */
export interface OpenGroup {
  readonly cases: readonly BenchCase[];
  /** The size of a CSV file, where the cases read one. */
  readonly bytes?: number;
  /** Throws unless all cases that should give the same output do, bit for bit. */
  check(): Promise<void>;
  close(): Promise<void>;
}

/** Cases on one batch of data, timed in turn so that a machine's mood touches them alike. */
export interface BenchGroup {
  readonly name: string;
  readonly rows: number;
  /** Numbers in the batch: rows × columns of X. */
  readonly values: number;
  open(): Promise<OpenGroup>;
}

/** What suites measure on: complete rows in memory, to be repeated to a batch's size. */
export interface BenchData {
  readonly path: string;
  readonly terms: readonly string[];
  readonly target: string;
  readonly rows: number;
  /** rows × terms, row-major. */
  readonly X: Float64Array;
  readonly y: Float64Array;
}

/** What a suite depends on. */
export interface BenchContext {
  readonly data: BenchData;
  /** The numbers of worker threads to try, ascending. */
  readonly threads: readonly number[];
  /** Fewer and smaller batches. */
  readonly quick: boolean;
}

/** A suite says what there is to measure; nothing is made before a group is opened. */
export type BenchSuite = (context: BenchContext) => BenchGroup[];
