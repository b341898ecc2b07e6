import {
  anyMoments,
  columnName,
  count,
  digest,
  listedMoments,
  names,
  numbers,
  numbersOrNull,
  scan,
  schema,
  shards,
  source,
  sources,
  text,
} from "./schema-parts.js";

/** Models by group. */
export const groupDefinitions = {
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
