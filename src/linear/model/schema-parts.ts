// What the schemas of a model file have in common.

export const text = { type: "string" } as const;
export const columnName = { ...text, title: "a column name" } as const;
export const count = { type: "integer", minimum: 0 } as const;
export const number = { type: "number" } as const;
/** JSON has no NaN: null stands for it. */
export const numberOrNull = { type: ["number", "null"] } as const;
export const numbersOrNull = { type: "array", items: numberOrNull, title: "a list of numbers" } as const;
export const names = { type: "array", items: text, title: "a list of names" } as const;
export const numbers = { type: "array", items: number, title: "a list of numbers" } as const;
const counts = { type: "array", items: count, title: "a list of counts" } as const;
export const listedMoments = {
  n: { description: "The number of rows of each.", ...counts },
  sumW: { description: "Σ w of each; left out without weights, when it is n.", ...numbers },
  sumLogW: { description: "Σ ln w of each; left out without weights.", ...numbers },
  mean: { description: "The means, p numbers each.", ...numbers },
  c: { description: "The centred cross-products, p (p + 1)/2 numbers each, packed.", ...numbers },
} as const;
export const anyMoments = {
  anyOf: [
    { $ref: "#/$defs/extendedMoments" },
    { $ref: "#/$defs/moments" },
    { $ref: "#/$defs/sparseMoments" },
  ],
  title: "moments",
} as const;
export const anyFold = {
  anyOf: [
    { $ref: "#/$defs/extendedMoments" },
    { $ref: "#/$defs/moments" },
    { $ref: "#/$defs/sparseMoments" },
    { $ref: "#/$defs/sparseFold" },
  ],
  title: "moments",
} as const;
export const schema = {
  description: "The version of this format; a reader refuses what is later than it knows.",
  type: "integer",
  minimum: 1,
} as const;
export const scan = { anyOf: [{ type: "null" }, { $ref: "#/$defs/scan" }] } as const;
export const source = { anyOf: [{ type: "null" }, { $ref: "#/$defs/source" }] } as const;
export const digest = {
  description: "SHA-256 of the document without white space up to here: it is the last member.",
  ...text,
} as const;
export const sources = {
  description: "What the rows were read from, as far as that is known: so that nothing is added twice.",
  type: "array",
  items: { $ref: "#/$defs/content" },
  title: "a list of sources",
} as const;
export const shards = {
  description: "The numbered shards whose rows are in the model, by the whole that they are of.",
  type: "array",
  items: { $ref: "#/$defs/shardSet" },
  title: "a list of sets of shards",
} as const;
