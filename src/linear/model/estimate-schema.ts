import { count, names, number, numberOrNull, numbers, text } from "./schema-parts.js";

/** An F test; null where it is not defined. */
const fTest = {
  type: "object",
  properties: { f: numberOrNull, df1: count, df2: number, p: numberOrNull },
  required: ["f", "df1", "df2", "p"],
  title: "an F test",
} as const;

/** How a covariance was estimated, what was penalised, and with which instruments. */
export const estimateDefinitions = {
  instruments: {
    title: "the instruments and the estimator",
    description:
      "Of an equation with endogenous terms: all columns that moments are of, and how θ was estimated from them.",
    type: "object",
    properties: {
      spec: {
        description:
          "The model's spec with the terms that are only instruments, which come last; its moments have the columns of this one.",
        $ref: "#/$defs/spec",
      },
      estimator: {
        description: "Two-stage least squares, LIML, Fuller's, or two-step GMM.",
        enum: ["2sls", "liml", "fuller", "gmm"],
      },
      robust: { description: "Where the covariance is not iid.", $ref: "#/$defs/instrumentTests" },
      fuller: {
        description: "α of Fuller's estimator.",
        ...number,
        minimum: 0,
        title: "a number of 0 or more",
      },
    },
    required: ["spec", "estimator"],
  },
  instrumentTests: {
    title: "tests of instruments",
    description: "Tests of instruments under a robust covariance, which need the rows.",
    type: "object",
    properties: {
      kleibergenPaap: fTest,
      effectiveF: {
        type: "object",
        properties: { f: number, criticalValue: number, df: number },
        required: ["f", "criticalValue", "df"],
        title: "an effective F",
      },
      overidentification: {
        type: "object",
        properties: { test: { enum: ["Hansen J"] }, statistic: number, df: count, p: number },
        required: ["test", "statistic", "df", "p"],
        title: "a test of overidentification",
      },
      andersonRubin: fTest,
    },
    required: ["kleibergenPaap", "andersonRubin"],
  },
  vcov: {
    title:
      "iid, or one of hc0, hc1, hc2, hc3, hc4, hc4m, hc5, cluster, cr0, cr2, cr3, hac, dk, bootstrap, jackknife with its meat",
    description: "How the covariance of the coefficients was estimated; iid is σ² (XᵀX)⁻¹.",
    anyOf: [
      { type: "object", properties: { type: { const: "iid" } }, required: ["type"] },
      {
        type: "object",
        properties: {
          type: {
            enum: [
              "hc0",
              "hc1",
              "hc2",
              "hc3",
              "hc4",
              "hc4m",
              "hc5",
              "cluster",
              "cr0",
              "cr2",
              "cr3",
              "hac",
              "dk",
              "bootstrap",
              "jackknife",
            ],
          },
          cluster: { description: "The column that says which rows belong together.", ...text },
          clusters: {
            description: "How many such groups there are; by several columns, of that with the fewest.",
            ...count,
          },
          ways: {
            description: "The columns where there are several, and how many groups each makes.",
            type: "array",
            items: {
              type: "object",
              properties: { cluster: text, clusters: count },
              required: ["cluster", "clusters"],
            },
            title: "a list of columns and counts",
          },
          kernel: {
            description: "Of errors that correlate over time: how the weights of lags fall.",
            enum: ["bartlett", "parzen", "qs"],
          },
          bandwidth: {
            description:
              "The lag at which Bartlett's and Parzen's weights are 0, and the scale of the quadratic spectral's.",
            ...number,
          },
          time: { description: "The column of time; the rows' order where there is none.", ...text },
          unit: { description: "The column of the series, where there are several.", ...text },
          ssc: {
            description: "The finite-sample factors that are not as ever, by the names of R's fixest.",
            type: "object",
            properties: {
              adj: { type: "boolean" },
              "fixef.K": { enum: ["none", "nested", "full"] },
              "cluster.adj": { type: "boolean" },
              "cluster.df": { enum: ["min", "conventional"] },
              "t.df": { enum: ["min", "conventional"] },
            },
            required: [],
          },
          repaired: {
            description: "Whether negative eigenvalues of the covariance by several columns were set to 0.",
            type: "boolean",
          },
          alone: {
            description:
              "How many clusters alone tell a coefficient, where fits without them are made with a pseudo-inverse.",
            ...count,
          },
          draw: {
            description:
              "What a bootstrap draws: clusters or rows with replacement, or what residuals are multiplied by.",
            enum: ["pairs", "rademacher", "webb", "mammen"],
          },
          draws: { description: "How many draws there are.", ...count },
          seed: { description: "The seed of the draws.", ...number },
          enumerated: {
            description: "Whether the draws are all ways in which signs can be dealt out to the clusters.",
            type: "boolean",
          },
          failed: { description: "Draws left out, for they do not tell all coefficients.", ...count },
          scores: {
            description:
              "Of a wild bootstrap each cluster's Σ w e u, in the order of their names, one after the other, where the model " +
              "keeps them; then p and intervals follow from these and from shares.",
            type: "array",
            items: number,
            title: "a list of numbers",
          },
          level: { description: "That of the intervals in tests.", ...number },
          tests: {
            description:
              "Where it does not keep them, p and interval of each coefficient; null for a bound that there is not, and for the aliased.",
            type: "array",
            items: {
              type: "object",
              properties: { p: numberOrNull, lower: numberOrNull, upper: numberOrNull },
              required: ["p", "lower", "upper"],
            },
            title: "a list of tests",
          },
          shares: {
            description:
              "Of each cluster its part of Σ w uuᵀ = I, u the rows in whitened coordinates, as packed lower triangles one " +
              "after the other: for Satterthwaite's degrees of freedom, and there where t has these.",
            type: "array",
            items: number,
            title: "a list of numbers",
          },
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
  keptMeat: {
    title: "cells, sums of four columns each, or buckets",
    description:
      "What rows say of the errors' variances, so that robust errors follow after merging, refitting and forgetting: " +
      "Σ (y − xᵀβ)² xxᵀ for any β.",
    anyOf: [
      {
        type: "object",
        properties: {
          kind: { const: "cells" },
          target: { description: "The key of y.", ...text },
          columns: { description: "The keys of the columns of x.", ...names },
          x: { description: "The distinct rows, one after the other.", ...numbers },
          weights: { description: "Their weights; 1 where there are none.", ...numbers },
          rows: {
            description: "How many rows each stands for.",
            type: "array",
            items: count,
            title: "a list of counts",
          },
          means: { description: "The mean of their y.", ...numbers },
          squares: { description: "Σ (y − ȳ)² of each.", ...numbers },
        },
        required: ["kind", "target", "columns", "x", "rows", "means", "squares"],
      },
      {
        type: "object",
        properties: {
          kind: { enum: ["quartic", "buckets"] },
          columns: { description: "Keys, the target's among them.", ...names },
          centre: { description: "What z is about, for each.", ...numbers },
          products: {
            description:
              "quartic: Σ w² z_i z_j z_k z_l for i ≥ j ≥ k ≥ l, z₀ = 1; buckets: of each, one after the other, " +
              "Σ w z_i z_j for i ≥ j, packed.",
            ...numbers,
          },
        },
        required: ["kind", "columns", "centre", "products"],
      },
    ],
  },
  conformal: {
    title: "what conformal intervals are calibrated by",
    description:
      "Scores |y − ŷ| of rows by fits that did not see them: bounds are order statistics of ŷ ± score over the fits.",
    type: "object",
    properties: {
      method: { enum: ["split", "cv+", "jackknife+"], title: "split, cv+ or jackknife+" },
      by: { description: "The column of the groups, each calibrated by its own rows.", ...text },
      of: { description: "How that column is read.", enum: ["numbers", "text"] },
      share: { description: "Of split: the share of rows that was set aside.", ...number },
      n: { description: "Calibration rows.", ...count },
      fits: {
        description:
          "θ of the fits without a fold, or a row, that predict its rows; empty where the model itself predicts rows set aside.",
        type: "array",
        items: { type: "array", items: number, title: "a list of numbers" },
        title: "a list of coefficients",
      },
      groups: {
        description:
          "Of each group its rows, of each fit how many have finite scores, and every run-th of these in order of size, down from the largest.",
        type: "array",
        items: {
          type: "object",
          properties: {
            name: { type: ["string", "null"], title: "a name, or null" },
            n: count,
            run: count,
            rows: { type: "array", items: count, title: "a list of counts" },
            scores: {
              type: "array",
              items: { type: "array", items: number, title: "a list of numbers" },
              title: "a list of scores for each fit",
            },
          },
          required: ["name", "n", "run", "rows", "scores"],
          title: "a group's scores",
        },
        title: "a list of groups",
      },
    },
    required: ["method", "n", "fits", "groups"],
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
} as const;
