/** Where predictions go, and their intervals where they are asked for: one value per row. */
export interface Predicted {
  readonly prediction: Float64Array;
  readonly lower: Float64Array | undefined;
  readonly upper: Float64Array | undefined;
}

/** Fills rows `from` to `to` − 1 of what it is made for; `from` on a multiple of 128. */
export type Predictor = (out: Predicted, from: number, to: number) => void;
