import type { Static } from "../../json-schema/schema.js";

const text = { type: "string" } as const;
const texts = { type: "array", items: text, title: "a list of names" } as const;
const label = { description: "What R prints.", ...text } as const;
const expression = { $ref: "#/$defs/expression" } as const;

/** Some terms of a spec. */
const termIndices = {
  type: "array",
  items: { type: "integer", minimum: 0 },
  minItems: 1,
  uniqueItems: true,
  title: "a list of terms",
} as const;

/** A call of a number of arguments. */
const call = <const Name extends string, const Least extends number, const Most extends number>(
  names: readonly Name[],
  least: Least,
  most: Most,
) =>
  ({
    type: "object",
    properties: {
      number: false,
      column: false,
      call: { enum: names },
      args: { type: "array", items: expression, minItems: least, maxItems: most },
    },
    required: ["call", "args"],
  }) as const;

/** How deep the calls of an expression may lie in each other: it is read by functions that call themselves. */
export const EXPRESSION_DEPTH = 1000;

/** How high a polynomial of a formula may go. */
export const HIGHEST_DEGREE = 50;

/** JSON Schema of a model's specification and its parts, by the names under which they refer to each other. */
export const specDefinitions = {
  expression: {
    title: "a number, a column or a call",
    description:
      "An arithmetic expression over columns of numbers and of dates. “-” and “+” of one argument are signs; log takes a base as its " +
      "second argument; comparisons are 1 or 0, and go with “&”, “|” and “!” by R's three-valued logic.",
    anyOf: [
      {
        type: "object",
        properties: { number: { type: "number" }, column: false, call: false },
        required: ["number"],
      },
      {
        type: "object",
        properties: { number: false, column: { ...text, title: "a column name" }, call: false },
        required: ["column"],
      },
      call(["+", "-", "log"], 1, 2),
      call(["*", "/", "^"], 2, 2),
      call(["log2", "log10", "log1p", "exp", "sqrt", "abs", "is.na", "!"], 1, 1),
      call(["==", "!=", "<", ">", "<=", ">=", "&", "|", "pmin", "pmax"], 2, 2),
      call(["ifelse"], 3, 3),
      {
        description:
          "1 where a column of texts has one of these, else 0; where a text is missing there is no value, or with `absent` 0.",
        type: "object",
        properties: {
          number: false,
          column: false,
          call: false,
          text: { ...text, title: "a column name" },
          among: texts,
          absent: { const: true },
        },
        required: ["text", "among"],
      },
      {
        description: "A number that the dates of a column of text give: days since 1970-01-01, year, hour.",
        type: "object",
        properties: {
          number: false,
          column: false,
          call: { enum: ["as.Date", "year", "hour"] },
          args: {
            type: "array",
            items: {
              type: "object",
              properties: { text: { ...text, title: "a column name" } },
              required: ["text"],
            },
            minItems: 1,
            maxItems: 1,
          },
        },
        required: ["call", "args"],
      },
    ],
  },
  variable: {
    title: "a numeric variable, a polynomial, a basis or a factor",
    description: "What a term multiplies.",
    anyOf: [
      {
        description: "One column of the design: the expression's values.",
        type: "object",
        properties: { kind: { const: "numeric" }, label, expression },
        required: ["kind", "label", "expression"],
      },
      {
        description:
          "As many columns as the degree: the expression's powers 1 to degree, as poly(x, degree, raw = TRUE).",
        type: "object",
        properties: {
          kind: { const: "polynomial" },
          label,
          expression,
          degree: { type: "integer", minimum: 1, maximum: HIGHEST_DEGREE },
        },
        required: ["kind", "label", "expression", "degree"],
      },
      {
        description:
          "A column for each of several expressions: whether a condition holds, the intervals of cut(x, …), and the bases of " +
          "polynomials and splines, of which `from` says what they were made of.",
        type: "object",
        properties: {
          kind: { const: "basis" },
          label,
          columns: {
            type: "array",
            items: {
              type: "object",
              properties: { name: { description: "What R prints behind the label.", ...text }, expression },
              required: ["name", "expression"],
            },
            minItems: 1,
          },
          indicators: {
            description:
              "The columns are indicators of levels, one of which is 1 in each row: coded as a factor's, the first the reference.",
            const: true,
          },
        },
        required: ["kind", "label", "columns"],
      },
      {
        description:
          "An indicator per level: the texts of a text column, or the distinct numbers of a numeric one.",
        type: "object",
        properties: {
          kind: { const: "factor" },
          label,
          column: { ...text, title: "a column name" },
          of: { enum: ["text", "numbers"] },
          by: {
            description: "The levels are the names of the days, or months, of the texts' dates.",
            enum: ["weekdays", "months"],
          },
          levels: {
            description:
              "The levels in their order, as factor(x, levels = ) has them: other values are missing. Default: those that the data have, sorted.",
            type: "array",
            items: text,
            minItems: 1,
            uniqueItems: true,
            title: "a list of levels",
          },
          labels: {
            description: "What the levels are called, where that is not what the data have.",
            type: "array",
            items: text,
            minItems: 1,
            uniqueItems: true,
            title: "a list of names",
          },
          first: {
            description: "The level that comes before all others, as relevel(g, ref = ) has it.",
            ...text,
            title: "a level",
          },
          key: {
            description:
              "The key of its levels in moments, where these were summed for a factor of another label.",
            ...text,
            title: "a key",
          },
          contrast: { $ref: "#/$defs/contrast" },
        },
        required: ["kind", "label", "column", "of"],
      },
    ],
  },
  contrast: {
    title: "contrasts",
    description:
      "How a factor is coded where R codes it by contrasts, if not by an indicator of every level but the first.",
    type: "object",
    properties: {
      type: { enum: ["treatment", "SAS", "sum", "helmert", "poly", "columns"] },
      base: {
        description: "treatment: the reference's number among the levels.",
        type: "integer",
        minimum: 1,
      },
      numbered: {
        description: "treatment, SAS: columns are called by their levels' numbers, not names.",
        type: "boolean",
      },
      count: { description: "How many columns; default: one less than levels.", type: "integer", minimum: 1 },
      values: {
        description: "columns: a number for each level, by column.",
        type: "array",
        items: {
          type: "array",
          items: { type: "number" },
          minItems: 2,
          title: "a list of numbers",
        },
        minItems: 1,
        title: "lists of numbers",
      },
      names: { description: "columns: what R puts behind the factor's name.", ...texts },
    },
    required: ["type"],
  },
  term: {
    title: "a term",
    description: "A product of variables.",
    type: "object",
    properties: {
      label,
      variables: {
        description: "Indices of the spec's variables, ascending.",
        type: "array",
        items: { type: "integer", minimum: 0 },
        minItems: 1,
      },
    },
    required: ["label", "variables"],
  },
  target: {
    title: "the target's label and expression",
    type: "object",
    properties: {
      label,
      expression,
      offset: {
        description: "What is taken from the target before the fit, and added to predictions: R's offset().",
        type: "object",
        properties: { label, expression },
        required: ["label", "expression"],
      },
    },
    required: ["label", "expression"],
  },
  spec: {
    title: "the model's specification",
    description: "What the model is made of: all that is needed to turn raw columns into the design's.",
    type: "object",
    properties: {
      formula: { description: "The formula as it was given, or one that would give the same.", ...text },
      target: { $ref: "#/$defs/target" },
      intercept: { type: "boolean" },
      variables: { type: "array", items: { $ref: "#/$defs/variable" } },
      terms: {
        description: "By degree, main effects first, as R orders them.",
        type: "array",
        items: { $ref: "#/$defs/term" },
      },
      absorbed: {
        description:
          "The variables, by index, whose levels' effects are absorbed: factors that are no terms of their own.",
        type: "array",
        items: { type: "integer", minimum: 0 },
        minItems: 1,
        uniqueItems: true,
      },
      targets: {
        description:
          "The variables, by index, that are further targets: columns of numbers that are no terms, of which moments have sums too.",
        type: "array",
        items: { type: "integer", minimum: 0 },
        minItems: 1,
        uniqueItems: true,
      },
      instruments: {
        description:
          "Where some terms are endogenous: which, by index, and which others are only instruments of theirs; the rest are " +
          "exogenous.",
        type: "object",
        properties: { endogenous: termIndices, excluded: termIndices },
        required: ["endogenous", "excluded"],
        title: "the endogenous terms and their instruments",
      },
      lags: {
        description:
          "Where columns of `numeric` hold what another row has: lag(x, 1) is an expression's value in the row of the same unit whose " +
          "time is `by` earlier (of a lead, `by` is negative). Data of single rows have such columns as their own.",
        type: "object",
        properties: {
          time: { ...text, title: "a column name" },
          unit: { ...text, title: "a column name" },
          step: {
            description: "What counts as 1 between dates; left out where times are whole numbers.",
            enum: ["hour", "day", "week", "month", "quarter", "year"],
          },
          columns: {
            type: "array",
            items: {
              type: "object",
              properties: {
                name: { ...text, title: "a column name" },
                expression,
                by: { type: "integer" },
              },
              required: ["name", "expression", "by"],
            },
            minItems: 1,
          },
        },
        required: ["time", "columns"],
        title: "the columns that other rows give",
      },
      numeric: { description: "The raw columns to read as numbers, the target's first.", ...texts },
      text: { description: "The raw columns to read as text.", ...texts },
    },
    required: ["formula", "target", "intercept", "variables", "terms", "numeric", "text"],
  },
} as const;

/** JSON Schema of the levels of a spec's factors. */
export const levelsSchema = {
  description: "For each factor by its label, its levels: texts by code points, numbers by size.",
  type: "object",
  additionalProperties: { type: "array", items: text, uniqueItems: true, title: "a list of levels" },
  title: "lists of levels by factor",
} as const;

/** JSON Schema of the reference levels that were asked for. */
export const referencesSchema = {
  description:
    "By factor label or column name; the reference of a factor that is not here is its first level.",
  type: "object",
  additionalProperties: { ...text, title: "a level" },
  title: "levels by factor",
} as const;

type Definitions = typeof specDefinitions;

/** An arithmetic expression over columns: plain data, so that it can stand in a model file. */
export type Expression = Static<Definitions["expression"], Definitions>;

/** What one factor of a term stands for. */
export type Variable = Static<Definitions["variable"], Definitions>;

/** How a factor is coded. */
export type Contrast = Static<Definitions["contrast"], Definitions>;

/** A term of the model: the product of some of the spec's variables. */
export type Term = Static<Definitions["term"], Definitions>;

/**
 * What a model is made of, resolved against the columns of a table: plain JSON, and all that is needed to turn raw
 * columns into the design's.
 */
export type ModelSpec = Static<Definitions["spec"], Definitions>;

/** For each factor by its label (`state`, `factor(cyl)`), its levels. */
export type FactorLevels = Static<typeof levelsSchema>;
