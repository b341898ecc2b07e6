/** What a mark is drawn for, which decides its colour. */
export type Tone = "data" | "smooth" | "guide" | "other";

/** An axis; with `categories` values are their indices. */
export interface Axis {
  label: string;
  /** Whether it is logarithmic, to base 10. */
  log?: boolean;
  categories?: readonly string[];
  /** Values that have to be within it, beside those of the marks. */
  include?: readonly number[];
}

/** What stands in a panel; of the numbers of a mark those that are not finite are passed over. */
export type Mark =
  | { type: "points"; x: readonly number[]; y: readonly number[]; tone?: Tone; large?: boolean }
  /** Rows in bins, each by its lower edges. */
  | {
      type: "cells";
      cells: readonly { x: number; y: number; count: number }[];
      width: number;
      height: number;
    }
  | {
      type: "line";
      x: readonly number[];
      y: readonly number[];
      tone?: Tone;
      dashed?: boolean;
      /** Whether it may lie outside of what the axes show. */
      beyond?: boolean;
    }
  | { type: "band"; x: readonly number[]; lower: readonly number[]; upper: readonly number[] }
  /** A line across the panel at a value of x or of y. */
  | { type: "rule"; axis: "x" | "y"; at: number; dashed?: boolean }
  /** Intervals along x, one for each category of y. */
  | {
      type: "intervals";
      at: readonly number[];
      value: readonly number[];
      lower?: readonly number[];
      upper?: readonly number[];
    }
  /** Bars along x from its low end, one for each category of y. */
  | { type: "bars"; at: readonly number[]; value: readonly number[]; tones: readonly Tone[] }
  /** Values from −1 to 1 in a square, row by row; NaN where there is none. */
  | { type: "matrix"; size: number; values: readonly number[] }
  | { type: "labels"; x: readonly number[]; y: readonly number[]; text: readonly string[] };

export interface Panel {
  /** What it is of, where a figure has several. */
  title?: string;
  x: Axis;
  y: Axis;
  marks: readonly Mark[];
  /** What lines and colours mean, where there is more than one. */
  legend?: readonly { tone: Tone; text: string }[];
}

/** The numbers behind a figure, for those who read them. */
export interface FigureTable {
  head: readonly string[];
  rows: readonly (readonly string[])[];
}

/** The kinds of figures, as they are asked for. */
export type FigureKind =
  | "residuals"
  | "qq"
  | "scale"
  | "leverage"
  | "observed"
  | "terms"
  | "coef"
  | "vif"
  | "correlation"
  | "cv"
  | "path"
  | "effects"
  | "groups"
  | "bench";

/** A figure: panels, and in words what they show. */
export interface Figure {
  kind: FigureKind;
  title: string;
  /** What is drawn, and how. */
  caption: string;
  /** What it looks like here, for those who do not see it. */
  description: string;
  panels: readonly Panel[];
  table?: FigureTable;
}
