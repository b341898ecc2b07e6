import { levelsSchema, referencesSchema } from "../../dataset/formula/spec-schema.js";
import {
  anyFold,
  anyMoments,
  columnName,
  count,
  digest,
  names,
  number,
  numberOrNull,
  numbersOrNull,
  scan,
  schema,
  shards,
  source,
  sources,
  text,
} from "./schema-parts.js";

/** One model. */
export const modelDefinitions = {
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
      weightsKind: {
        description:
          "What weights say: how many rows each stands for (frequency), of the errors' variances (analytic), or of how likely rows were " +
          "drawn (probability). Left out, they are analytic, and σ² is the variance of a row of weight 1.",
        enum: ["analytic", "frequency", "probability"],
        title: "a kind of weights",
      },
      penalty: {
        description: "Where θ minimises more than squares.",
        anyOf: [{ type: "null" }, { $ref: "#/$defs/penalty" }],
      },
      instruments: { description: "Where some terms are endogenous.", $ref: "#/$defs/instruments" },
      targets: {
        description:
          "The other targets of a fit of several, whose columns moments have too: rows are complete where all targets are.",
        type: "array",
        items: { $ref: "#/$defs/target" },
        minItems: 1,
        title: "a list of targets",
      },
      conformal: { description: "Where conformal intervals were asked for.", $ref: "#/$defs/conformal" },
      scan,
      source,
      sources,
      shards,
      forgotten: {
        description:
          "Sources whose rows were taken out, and not added since: so that nothing is taken out twice.",
        type: "array",
        items: { $ref: "#/$defs/content" },
        title: "a list of sources",
      },
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
      keptMeat: {
        description:
          "What robust errors after merging, refitting and forgetting are made of, where it was kept.",
        $ref: "#/$defs/keptMeat",
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
} as const;
