import type { Static } from "../json-schema/schema.js";

const number = { type: "number" } as const;
const numbers = { type: "array", items: number, title: "a list of numbers" } as const;
const columns = {
  description: "The columns' keys, each once; every list below is in this order.",
  type: "array",
  items: { type: "string" },
  uniqueItems: true,
  title: "a list of column keys",
} as const;
const n = {
  description: "The number of rows of positive weight.",
  type: "integer",
  minimum: 0,
} as const;
const sumLogW = { description: "Σ ln w over these rows; 0 without weights.", ...number } as const;
const mean = { description: "The weighted means x̄ = Σ w x / Σ w, one per column.", ...numbers } as const;
const c = {
  description:
    "The centred cross-products Σ w (x − x̄)(x − x̄)ᵀ as a packed lower triangle: entry (i, j), i ≥ j, at " +
    "i (i + 1)/2 + j. p (p + 1)/2 numbers for p columns.",
  ...numbers,
} as const;

/** JSON Schema of the moments of rows; see {@link Moments}. */
export const momentsSchema = {
  title: "moments",
  description: "The number of rows, means and centred cross-products of named columns, in double precision.",
  type: "object",
  properties: {
    columns,
    n,
    sumW: { description: "Σ w; n without weights.", ...number },
    sumLogW,
    mean,
    c,
    meanLow: false,
    cLow: false,
  },
  required: ["columns", "n", "sumW", "sumLogW", "mean", "c"],
} as const;

/** JSON Schema of moments in double-double arithmetic; see {@link ExtendedMoments}. */
export const extendedMomentsSchema = {
  title: "moments in double-double",
  description:
    "Moments in double-double arithmetic: each value is the exact sum of two doubles, the high part being that sum " +
    "rounded to a double.",
  type: "object",
  properties: {
    columns,
    n,
    sumW: {
      description: "Σ w; its high part and its low part.",
      type: "array",
      prefixItems: [number, number],
      minItems: 2,
      maxItems: 2,
      title: "a high and a low part",
    },
    sumLogW,
    mean: { ...mean, description: `${mean.description} High parts.` },
    meanLow: { ...numbers, description: "The low parts of mean." },
    c: { ...c, description: `${c.description} High parts.` },
    cLow: { ...numbers, description: "The low parts of c." },
  },
  required: ["columns", "n", "sumW", "sumLogW", "mean", "meanLow", "c", "cLow"],
} as const;

/** What `Moments.toJSON` gives: plain JSON numbers, which read back to the same doubles. */
export type MomentsJson = Static<typeof momentsSchema>;

/** What `ExtendedMoments.toJSON` gives, high and low parts apart. */
export type ExtendedMomentsJson = Static<typeof extendedMomentsSchema>;
