import type { KeptReading } from "../../csv/kept-reading.js";
import { hasDates, type ModelSpec } from "../../dataset/formula/spec.js";
import { levelsSchema, referencesSchema, specDefinitions } from "../../dataset/formula/spec-schema.js";
import type { Static } from "../../json-schema/schema.js";
import { extendedMomentsSchema, momentsSchema } from "../../stats/moments-schema.js";
import { sparseFoldSchema, sparseMomentsSchema } from "../../stats/sparse-schema.js";

/**
 * The latest version of the model file's schema that is known here. A file says the earliest that has all that is in it:
 * 2 has moments by cell, the options of reading, terms made of dates, sources by their content, fits of groups side by
 * side, and glmnet's penalties.
 */
export const SCHEMA = 2;

/** The version that a model's file needs. */
export function schemaOf(
  {
    reading,
    spec,
    source,
    sources = [],
    shards = [],
    penalty,
  }: {
    reading?: KeptReading | undefined;
    spec: ModelSpec;
    source: DataSource | undefined;
    sources?: readonly SourceContent[] | undefined;
    shards?: readonly ShardSet[] | undefined;
    penalty?: Penalty | null | undefined;
  },
  moments: object,
): number {
  const known =
    shards.length > 0 || sources.length > 0 || (source !== undefined && source.mtimeMs === undefined);
  const first = penalty == null || Object.keys(penalty).every((key) => key === "lambda" || key === "alpha");
  return reading === undefined && !hasDates(spec) && !known && !("tables" in moments) && first ? 1 : SCHEMA;
}

const text = { type: "string" } as const;
const columnName = { ...text, title: "a column name" } as const;
const count = { type: "integer", minimum: 0 } as const;
const number = { type: "number" } as const;
/** JSON has no NaN: null stands for it. */
const numberOrNull = { type: ["number", "null"] } as const;
const numbersOrNull = { type: "array", items: numberOrNull, title: "a list of numbers" } as const;
const names = { type: "array", items: text, title: "a list of names" } as const;
const numbers = { type: "array", items: number, title: "a list of numbers" } as const;
const counts = { type: "array", items: count, title: "a list of counts" } as const;
const listedMoments = {
  n: { description: "The number of rows of each.", ...counts },
  sumW: { description: "Σ w of each; left out without weights, when it is n.", ...numbers },
  sumLogW: { description: "Σ ln w of each; left out without weights.", ...numbers },
  mean: { description: "The means, p numbers each.", ...numbers },
  c: { description: "The centred cross-products, p (p + 1)/2 numbers each, packed.", ...numbers },
} as const;
const anyMoments = {
  anyOf: [
    { $ref: "#/$defs/extendedMoments" },
    { $ref: "#/$defs/moments" },
    { $ref: "#/$defs/sparseMoments" },
  ],
  title: "moments",
} as const;
const anyFold = {
  anyOf: [
    { $ref: "#/$defs/extendedMoments" },
    { $ref: "#/$defs/moments" },
    { $ref: "#/$defs/sparseMoments" },
    { $ref: "#/$defs/sparseFold" },
  ],
  title: "moments",
} as const;
const schema = {
  description: "The version of this format; a reader refuses what is later than it knows.",
  type: "integer",
  minimum: 1,
} as const;
const scan = { anyOf: [{ type: "null" }, { $ref: "#/$defs/scan" }] } as const;
const source = { anyOf: [{ type: "null" }, { $ref: "#/$defs/source" }] } as const;
const digest = {
  description: "SHA-256 of the document without white space up to here: it is the last member.",
  ...text,
} as const;
const sources = {
  description: "What the rows were read from, as far as that is known: so that nothing is added twice.",
  type: "array",
  items: { $ref: "#/$defs/content" },
  title: "a list of sources",
} as const;
const shards = {
  description: "The numbered shards whose rows are in the model, by the whole that they are of.",
  type: "array",
  items: { $ref: "#/$defs/shardSet" },
  title: "a list of sets of shards",
} as const;

/** JSON Schemas of what stands in a model file, by the names under which they refer to each other. */
export const documentDefinitions = {
  ...specDefinitions,
  moments: momentsSchema,
  extendedMoments: extendedMomentsSchema,
  sparseMoments: sparseMomentsSchema,
  sparseFold: sparseFoldSchema,
  vcov: {
    title: "iid, or one of hc0, hc1, hc2, hc3, cluster with its meat",
    description: "How the covariance of the coefficients was estimated; iid is σ² (XᵀX)⁻¹.",
    anyOf: [
      { type: "object", properties: { type: { const: "iid" } }, required: ["type"] },
      {
        type: "object",
        properties: {
          type: { enum: ["hc0", "hc1", "hc2", "hc3", "cluster"] },
          cluster: { description: "The column that says which rows belong together.", ...text },
          clusters: { description: "How many such groups there are.", ...count },
          meat: {
            description:
              "The covariance in whitened coordinates, M in Cov(θ̂) = R⁻¹ M R⁻ᵀ, the finite-sample factor included; " +
              "a packed lower triangle over the coefficients that are not aliased.",
            type: "array",
            items: number,
            title: "a list of numbers",
          },
        },
        required: ["type", "meat"],
      },
    ],
  },
  penalty: {
    title: "lambda and alpha",
    description:
      "The penalty λ Σ c_j [(1 − α)/2 (d_j β_j)²/s + α |d_j β_j|], d the columns' standard deviations and s that of y " +
      "where the parametrization is glmnet's, else 1, as version 0.1 had it; within lower ≤ β ≤ upper. Names are those " +
      "of coefficients, of terms, or of columns that are a term.",
    type: "object",
    properties: {
      lambda: { ...number, minimum: 0, title: "a number of 0 or more" },
      alpha: {
        description: "The mix: 0 is ridge, 1 the lasso.",
        ...number,
        minimum: 0,
        maximum: 1,
        title: "a number from 0 to 1",
      },
      parametrization: { enum: ["glmnet"] },
      gamma: {
        description:
          "Of a relaxed fit, θ = γ θ_λ + (1 − γ) θ₀: θ_λ minimises with the penalty, θ₀ the squares alone over the " +
          "terms whose slopes are not 0 there.",
        ...number,
        minimum: 0,
        maximum: 1,
        title: "a number from 0 to 1",
      },
      factors: {
        description: "c before it is scaled to a mean of 1 over all columns, by name; 1 where none is said.",
        type: "object",
        additionalProperties: { ...number, minimum: 0, title: "a number of 0 or more" },
        title: "numbers of 0 or more by name",
      },
      lower: {
        ...number,
        maximum: 0,
        description: "The bound of all slopes.",
        title: "a number of 0 or less",
      },
      lowerIn: {
        description: "Those of some, by name; null for none.",
        type: "object",
        additionalProperties: { ...numberOrNull, maximum: 0, title: "a number of 0 or less, or null" },
        title: "numbers of 0 or less by name",
      },
      upper: {
        ...number,
        minimum: 0,
        description: "The bound of all slopes.",
        title: "a number of 0 or more",
      },
      upperIn: {
        description: "Those of some, by name; null for none.",
        type: "object",
        additionalProperties: { ...numberOrNull, minimum: 0, title: "a number of 0 or more, or null" },
        title: "numbers of 0 or more by name",
      },
    },
    required: ["lambda", "alpha"],
  },
  metrics: {
    title: "errors of predictions",
    description: "How far predictions are from the targets; null is not a number.",
    type: "object",
    properties: {
      n: count,
      mse: numberOrNull,
      rmse: numberOrNull,
      mae: numberOrNull,
      r2: numberOrNull,
      aicExtract: numberOrNull,
    },
    required: ["n", "mse", "rmse", "mae", "r2", "aicExtract"],
  },
  scan: {
    title: "the rows read and dropped, and the seed",
    description: "What became of the rows of the data, and how they were drawn.",
    type: "object",
    properties: {
      rows: { description: "Rows read, those dropped and held out among them.", ...count },
      firstRow: { description: "The number of the first of them, not 0 in a shard.", ...count },
      dropped: {
        description: "Rows left out for missing cells, or because an expression has no value.",
        ...count,
      },
      undefinedRows: {
        description: "Those among the dropped in which no cell is missing, where there are any.",
        ...count,
      },
      excluded: { description: "Rows left out by a condition on rows.", ...count },
      singletons: {
        description: "Rows left out because a level of an absorbed factor has no other.",
        ...count,
      },
      seed: { description: "The seed of the hold-out and the folds.", ...number },
      testSize: { description: "The share of rows held out, where some were.", ...number },
      test: {
        description: "The errors on the rows held out.",
        anyOf: [{ type: "null" }, { $ref: "#/$defs/metrics" }],
      },
    },
    required: ["rows", "firstRow", "dropped", "seed"],
  },
  source: {
    title: "the data's path and size",
    description: "The file that the model was fitted on.",
    type: "object",
    properties: {
      path: text,
      size: { description: "Bytes on disk.", ...number },
      sha256: { description: "SHA-256 of the content, decompressed.", ...text },
      mtimeMs: {
        description: "In files of version 0.1: time of the last change, in milliseconds since 1970.",
        ...number,
      },
    },
    required: ["path", "size"],
  },
  content: {
    title: "a source's bytes and sha256",
    description: "A source whose rows are in the model, told by its content.",
    type: "object",
    properties: {
      bytes: { description: "How many, decompressed.", ...count },
      sha256: { description: "Their SHA-256.", ...text },
      firstRow: { description: "The number of its first row, where known: folds follow from it.", ...count },
      seed: { description: "The seed that its rows' folds were drawn with.", ...number },
    },
    required: ["bytes", "sha256"],
  },
  shardSet: {
    title: "which shards of how many",
    description: "Shards of one whole: those of another run, or of another number of shards, are not of it.",
    type: "object",
    properties: {
      run: { description: "A name of the whole, where it was given one.", ...text },
      of: { description: "How many shards the whole has.", type: "integer", minimum: 1 },
      numbers: {
        description: "Which of them are in the model, counted from 1, ascending.",
        type: "array",
        items: { type: "integer", minimum: 1 },
        title: "a list of numbers of shards",
      },
    },
    required: ["of", "numbers"],
  },
  reading: {
    title: "the options of reading",
    description: "The options by which the data were read, where any were given.",
    type: "object",
    properties: {
      delimiter: text,
      header: { type: "boolean" },
      skipRows: count,
      encoding: text,
      decimal: { enum: [".", ","] },
      thousands: text,
      strip: names,
      naValues: names,
      naValuesIn: { type: "object", additionalProperties: names },
      text: names,
      comment: text,
      id: text,
      where: { description: "A condition on rows, in R's language.", ...text },
    },
    required: [],
  },
  model: {
    title: "a model",
    description: "A fitted linear model ŷ = β₀ + Σ_j x_j β_j, with the moments that it was solved from.",
    type: "object",
    properties: {
      format: { const: "goml-model" },
      schema,
      target: { description: "The target's label, that of spec.", ...columnName },
      formula: { description: "That of spec.", ...text, title: "a formula" },
      terms: { description: "The names of the k columns of the design, the intercept left out.", ...names },
      intercept: { description: "That of spec.", type: "boolean" },
      solver: {
        description: "Cholesky in double or in double-double, Householder QR, or gradient descent.",
        enum: ["normal", "extended", "qr", "gd"],
        title: "the name of a solver",
      },
      method: {
        description:
          "How θ was computed from the moments; left out where it was not, and by versions before 0.2. The factor's " +
          "maker and arithmetic, and the steps by which θ was refined by residuals in double-double.",
        type: "object",
        properties: {
          factor: { enum: ["ml-matrix", "blocks", "loops"] },
          arithmetic: { enum: ["double", "double-double"] },
          refinements: count,
        },
        required: ["factor", "arithmetic"],
        title: "how the coefficients were computed",
      },
      coefficients: {
        description: "θ, p = k + 1 numbers, the intercept first, or k without one; null for an aliased term.",
        ...numbersOrNull,
      },
      covariance: {
        description:
          "The covariance of θ, a packed lower triangle of p (p + 1)/2 numbers; null where there is none: aliased " +
          "terms, penalised fits, no residual degrees of freedom.",
        ...numbersOrNull,
      },
      variances: {
        description:
          "The diagonal of the covariance, where there are too many coefficients to keep more: then covariance is empty.",
        ...numbersOrNull,
      },
      vcov: { description: "iid where it is left out.", anyOf: [{ type: "null" }, { $ref: "#/$defs/vcov" }] },
      aliased: {
        description: "Terms that depend linearly on terms before them and were left out.",
        ...names,
      },
      rank: { description: "The number of coefficients estimated.", ...count },
      conditionNumber: {
        description: "√κ₁ of the Gram matrix of the centred columns scaled to length 1.",
        ...number,
      },
      n: {
        description: "The number of rows of the fit, those of positive weight; that of moments.",
        ...count,
      },
      sigma: {
        description: "√(rss / (n − rank)); null for a penalised fit and where n = rank.",
        ...numberOrNull,
      },
      rss: { description: "The residual sum of squares.", ...number },
      tss: {
        description: "The total sum of squares: about the mean with an intercept, about 0 without.",
        ...number,
      },
      absorbed: {
        description:
          "Where effects were absorbed: how many the rows determine, and the total sum of squares within.",
        type: "object",
        properties: { rank: count, tss: number },
        required: ["rank", "tss"],
        title: "what became of absorbed effects",
      },
      weights: {
        description: "The column of weights.",
        type: ["string", "null"],
        title: "null, or a column name",
      },
      penalty: {
        description: "Where θ minimises more than squares.",
        anyOf: [{ type: "null" }, { $ref: "#/$defs/penalty" }],
      },
      scan,
      source,
      sources,
      shards,
      reading: { $ref: "#/$defs/reading" },
      spec: { $ref: "#/$defs/spec" },
      levels: levelsSchema,
      references: referencesSchema,
      moments: { description: "Those of all rows of the fit.", ...anyMoments },
      folds: {
        description: "The moments of each cross-validation fold; empty without.",
        type: "array",
        items: anyFold,
        title: "a list of moments",
      },
      heldOut: {
        description:
          "Where effects are absorbed, in place of folds: for each, the moments of the others about their effects, those of " +
          "the fold about the others' effects, how many of its rows these do not determine, and y's mean and squares.",
        type: "array",
        items: {
          type: "object",
          properties: {
            others: anyMoments,
            fold: anyMoments,
            unpredicted: count,
            target: {
              type: "object",
              properties: { mean: number, spread: number },
              required: ["mean", "spread"],
              title: "the mean and squares of y",
            },
          },
          required: ["others", "fold", "unpredicted", "target"],
          title: "a fold about the effects of the others",
        },
        title: "a list of folds about effects",
      },
      digest,
    },
    required: [
      "format",
      "schema",
      "target",
      "formula",
      "terms",
      "intercept",
      "solver",
      "coefficients",
      "covariance",
      "aliased",
      "rank",
      "conditionNumber",
      "n",
      "sigma",
      "rss",
      "tss",
      "weights",
      "source",
      "spec",
      "levels",
      "references",
      "moments",
      "folds",
    ],
  },
  modelGroup: {
    title: "models by group",
    description: "One model per value of a column, all of the same target and terms.",
    type: "object",
    properties: {
      format: { const: "goml-model-group" },
      schema,
      groupBy: { description: "The column whose values name the groups.", ...columnName },
      source,
      sources,
      shards,
      scan,
      fits: {
        description:
          "Least-squares fits by plain columns, side by side: a list has the numbers of group after group.",
        type: "object",
        properties: {
          groups: { description: "The names of the groups.", ...names },
          weights: {
            description: "The column of weights.",
            type: ["string", "null"],
            title: "null, or a column name",
          },
          reading: { $ref: "#/$defs/reading" },
          spec: { $ref: "#/$defs/spec" },
          terms: { description: "The names of the columns of X.", ...names },
          coefficients: {
            description: "θ, q numbers a group: the intercept first, where there is one.",
            ...numbers,
          },
          covariance: {
            description:
              "σ² (XᵀX)⁻¹, q (q + 1)/2 numbers a group, packed; null where there are no degrees of freedom.",
            ...numbersOrNull,
          },
          conditionNumber: { description: "One a group, as are the two that follow.", ...numbers },
          rss: { description: "The residual sum of squares.", ...numbers },
          tss: {
            description: "The total sum of squares: about the mean with an intercept, about 0 without.",
            ...numbers,
          },
          moments: {
            description: "Those of all rows of each group's fit.",
            type: "object",
            properties: {
              columns: { description: "The p columns' keys.", ...names },
              ...listedMoments,
            },
            required: ["columns", "n", "mean", "c"],
            title: "moments of groups",
          },
          folds: {
            description:
              "Those of each fold of each group, one group's after the other's; left out without folds.",
            type: "object",
            properties: { count: { description: "How many a group has.", ...count }, ...listedMoments },
            required: ["count", "n", "mean", "c"],
            title: "moments of folds",
          },
        },
        required: [
          "groups",
          "spec",
          "terms",
          "coefficients",
          "covariance",
          "conditionNumber",
          "rss",
          "tss",
          "moments",
        ],
        title: "fits side by side",
      },
      models: {
        description: "The models of the other groups, in order.",
        type: "array",
        items: {
          type: "object",
          properties: { group: text, model: { $ref: "#/$defs/model" } },
          required: ["group", "model"],
          title: "a group with its model",
        },
        title: "a list of groups with their models",
      },
      refused: {
        description: "The groups that could not be fitted.",
        type: "array",
        items: {
          type: "object",
          properties: {
            group: text,
            reason: text,
            moments: { description: "Those of its rows, which may be enough with others.", ...anyMoments },
            folds: {
              description: "The moments of each fold of them.",
              type: "array",
              items: anyMoments,
              title: "a list of moments",
            },
          },
          required: ["group", "reason"],
          title: "a group with the reason",
        },
        title: "a list of groups with the reason",
      },
      digest,
    },
    required: ["format", "schema", "groupBy", "models"],
  },
} as const;

/** The JSON Schema of a model file: one model, or models by group. */
export const documentSchema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "goml model file, schema 2",
  anyOf: [{ $ref: "#/$defs/model" }, { $ref: "#/$defs/modelGroup" }],
  $defs: documentDefinitions,
} as const;

type Definitions = typeof documentDefinitions;
type StaticOf<Name extends keyof Definitions> = Static<Definitions[Name], Definitions>;

/** The JSON document of a model. Numbers that are not finite (of aliased terms) are null. */
export type ModelDocument = StaticOf<"model">;

/** The JSON document of models by group. */
export type ModelGroupDocument = StaticOf<"modelGroup">;

/** A group that has no model, and why. */
export type RefusedGroup = NonNullable<ModelGroupDocument["refused"]>[number];

/** A covariance's estimate. */
export type Vcov = StaticOf<"vcov">;

/** What a fit minimises beside squares, and the bounds within which; α is the mix: 0 is ridge, 1 the lasso. */
export type Penalty = StaticOf<"penalty">;

/** The file a model was fitted on, so that it can be found again and a change be noticed. */
export type DataSource = StaticOf<"source">;

/** A source whose rows are in a model, told by its content. */
export type SourceContent = StaticOf<"content">;

/** Numbered shards of one whole whose rows are in a model. */
export type ShardSet = StaticOf<"shardSet">;

/** What became of the rows of the data, and how they were drawn: for the summary, and for rows that come later. */
export type ScanDocument = StaticOf<"scan">;
