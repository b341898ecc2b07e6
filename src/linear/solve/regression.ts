/** Which columns of the moments are regressed on which. */
export interface Regression {
  /** The column of y. */
  target: string;
  /** The columns of X, without the intercept's; one that the moments do not have is zero in every row. */
  terms: readonly string[];
  intercept: boolean;
  /** Terms, by index, that were computed from numbers of the data in double-double: powers, products, expressions. */
  computed?: ReadonlySet<number> | undefined;
  /**
   * What users call each term, the narrowest name first: its coefficient, the model's term that it is of, and the column of
   * the data, where the model's term is that. Default: its key alone.
   */
  names?: readonly (readonly string[])[] | undefined;
  /** The keys of factors whose levels' effects are absorbed. */
  absorbed?: readonly string[] | undefined;
  /** Where some terms are endogenous: with which instruments they are estimated. */
  instruments?: Instruments | undefined;
}

/** How the coefficients of a regression with endogenous terms are estimated; see `solveInstrumentedSteps`. */
export type InstrumentalEstimator = "2sls" | "liml" | "fuller" | "gmm";

/** The instruments of a regression with endogenous terms. */
export interface Instruments {
  /** Which terms are endogenous, by index; the others are exogenous, and instruments of themselves. */
  endogenous: readonly number[];
  /** The columns that are instruments and no terms. */
  excluded: readonly string[];
  /** Those of them, by index, that were computed from numbers of the data in double-double. */
  computed?: ReadonlySet<number> | undefined;
  estimator: InstrumentalEstimator;
  /** α of Fuller's estimator. */
  fuller?: number | undefined;
}
