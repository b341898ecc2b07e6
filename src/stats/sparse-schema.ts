import type { Static } from "../json-schema/schema.js";
import type {
  ExtendedMomentsJson,
  extendedMomentsSchema,
  MomentsJson,
  momentsSchema,
} from "./moments-schema.js";

const number = { type: "number" } as const;
const index = { type: "integer", minimum: 0 } as const;
const numbers = { type: "array", items: number, title: "a list of numbers" } as const;
const indices = { type: "array", items: index, title: "a list of indices" } as const;
const base = {
  description: "The moments of the numbers; they come first in the tables' order of columns.",
  anyOf: [{ $ref: "#/$defs/extendedMoments" }, { $ref: "#/$defs/moments" }],
  title: "moments",
} as const;
const columns = {
  description: "The columns that these are moments of, where they are not all that there are.",
  type: "array",
  items: { type: "string" },
  uniqueItems: true,
  title: "a list of column keys",
} as const;
const dense = {
  description:
    "The numbers that are columns of their own, by index; others are only parts of families' columns.",
  ...indices,
} as const;
const factors = {
  description: "The factors, each with its levels in order.",
  type: "array",
  items: {
    type: "object",
    properties: {
      key: { type: "string" },
      levels: { type: "array", items: { type: "string" }, title: "a list of levels" },
    },
    required: ["key", "levels"],
    title: "a factor with its levels",
  },
  title: "a list of factors",
} as const;
const families = {
  description: "The columns of terms with factors: one for each cell of a table.",
  type: "array",
  items: {
    type: "object",
    properties: {
      parts: {
        description:
          "What a column's key is made of, joined by colons: a text, or the level of a factor, by index.",
        type: "array",
        items: { type: ["string", "integer"] },
        title: "a list of texts and factors",
      },
      table: { description: "The table of its factors, by index.", ...index },
      number: {
        description: "The number that stands in the column where a row has its levels, by index; −1 for a 1.",
        type: "integer",
        minimum: -1,
      },
    },
    required: ["parts", "table", "number"],
    title: "a family of columns",
  },
  title: "a list of families",
} as const;
const absorbed = {
  description: "Families whose columns are absorbed, by index: they are none of the moments' columns.",
  ...indices,
} as const;
const layout = {
  factors: { description: "The table's factors by index, ascending.", ...indices },
  columns: {
    description: "The numbers that have means in its cells, by index, those with cross-products first.",
    ...indices,
  },
  products: { description: "How many of them have cross-products.", ...index },
} as const;
const cells = {
  codes: { description: "Per cell and factor, the level by index.", ...indices },
  rows: { description: "Per cell, rows of positive weight.", ...indices },
  weights: { description: "Per cell, Σ w; left out where it is rows.", ...numbers },
  weightsLow: { description: "Its low part, where one is not 0.", ...numbers },
  means: { description: "Per cell and column, the weighted mean.", ...numbers },
  meansLow: { description: "Its low part, in double-double.", ...numbers },
  c: {
    description:
      "Per cell, centred cross-products Σ w (x − x̄)(z − z̄)ᵀ about the cell's means: of the first columns with each " +
      "other, a packed lower triangle, then of each of these with all behind.",
    ...numbers,
  },
  cLow: { description: "Their low parts, in double-double.", ...numbers },
} as const;
const table = { type: "object", title: "a table of cells" } as const;
const ofCells = ["codes", "rows", "means", "c"] as const;

/** JSON Schema of moments with factors; see {@link SparseMoments}. */
export const sparseMomentsSchema = {
  title: "moments with factors",
  description:
    "Moments of rows with factors: those of the numbers, and for each set of factors that terms have, and for each union " +
    "of two such sets, the cells of their levels, with what the columns' cross-products are made of.",
  type: "object",
  properties: {
    columns,
    base,
    dense,
    factors,
    families,
    absorbed,
    tables: {
      type: "array",
      items: {
        ...table,
        properties: { ...layout, ...cells },
        required: ["factors", "columns", "products", ...ofCells],
      },
      title: "a list of tables",
    },
  },
  required: ["base", "dense", "factors", "families", "tables"],
} as const;

/** JSON Schema of a fold's: what it has in common with those of all rows is left out. */
export const sparseFoldSchema = {
  title: "moments with factors, of a fold",
  description: "Moments with factors, without what they have in common with those of all rows.",
  type: "object",
  properties: {
    base,
    tables: {
      type: "array",
      items: { ...table, properties: cells, required: ofCells },
      title: "a list of tables",
    },
    dense: false,
  },
  required: ["base", "tables"],
} as const;

interface Bases {
  readonly moments: typeof momentsSchema;
  readonly extendedMoments: typeof extendedMomentsSchema;
}

/** What `SparseMoments.toJSON` gives. */
export type SparseMomentsJson = Static<typeof sparseMomentsSchema, Bases>;

/** The same of a fold, without what it has in common with all rows. */
export type SparseFoldJson = Static<typeof sparseFoldSchema, Bases>;

/** The cells of a table, one after the other in every list. */
export type SparseTableJson = SparseMomentsJson["tables"][number];

/** Moments as JSON. */
export type CrossProductsJson = MomentsJson | ExtendedMomentsJson | SparseMomentsJson;
