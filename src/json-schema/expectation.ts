import {
  type Definitions,
  resolved,
  type Schema,
  type TypeName,
  type TypeSchema,
  typeNames,
} from "./schema.js";

/** What a schema expects, in words: "a column name", "an integer from 1 to 50", "one of “+”, “-”". */
export function expectation(schema: Schema, definitions: Definitions): string {
  if (schema.title !== undefined) return schema.title;
  if ("$ref" in schema) return expectation(resolved(schema, definitions), definitions);
  if ("const" in schema) return JSON.stringify(schema.const);
  if ("enum" in schema) return `one of ${schema.enum.map((value) => JSON.stringify(value)).join(", ")}`;
  if ("anyOf" in schema) return schema.anyOf.map((branch) => expectation(branch, definitions)).join(", or ");
  return "type" in schema
    ? typeNames(schema)
        .map((type) => NAMES[type](schema))
        .join(" or ")
    : "anything";
}

const NAMES: Readonly<Record<TypeName, (schema: TypeSchema) => string>> = {
  null: () => "null",
  boolean: () => "true or false",
  integer: (schema) => `an integer${range(schema)}`,
  number: (schema) => `a number${range(schema)}`,
  string: () => "a text",
  array: ({ minItems, maxItems }) => {
    if (minItems === undefined) return "a list";
    return minItems === maxItems ? `a list of ${minItems}` : `a list of ${minItems} to ${maxItems ?? "more"}`;
  },
  object: ({ required }) => (required === undefined ? "an object" : `an object with ${required.join(", ")}`),
};

function range({ minimum, maximum }: TypeSchema): string {
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`;
  return minimum === undefined ? "" : ` of ${minimum} or more`;
}

const LONGEST_TEXT = 40;

/** What was found instead, in a few words. */
export function found(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(shortened(value));
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

/** A text of at most 40 characters. */
export function shortened(text: string): string {
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text;
}
