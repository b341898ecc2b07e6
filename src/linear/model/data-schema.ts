import { count, names, number, numberOrNull, text } from "./schema-parts.js";

/** What is known of the rows: how good predictions of them are, how they were drawn, read and numbered. */
export const dataDefinitions = {
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
      endRow: {
        description: "The number after that of the last, where rows between the first and it were taken out.",
        ...count,
      },
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
      foldBy: {
        description: "The column whose whole numbers rows were drawn by, where it was not their own numbers.",
        ...text,
      },
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
      sha256: { description: "SHA-256 of the content, decompressed, of up to 4 MiB.", ...text },
      xxh128: { description: "XXH128 of the content, of more.", ...text },
      mtimeMs: {
        description: "In files of version 0.1: time of the last change, in milliseconds since 1970.",
        ...number,
      },
    },
    required: ["path", "size"],
  },
  content: {
    title: "a source's bytes and their hash",
    description: "A source whose rows are in the model, told by its content.",
    type: "object",
    properties: {
      bytes: { description: "How many, decompressed.", ...count },
      sha256: { description: "Their SHA-256, of up to 4 MiB.", ...text },
      xxh128: { description: "Their XXH128 (xxh128sum prints it), of more.", ...text },
      firstRow: { description: "The number of its first row, where known: folds follow from it.", ...count },
      seed: { description: "The seed that its rows' folds were drawn with.", ...number },
    },
    required: ["bytes"],
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
      whole: {
        description: "What was cut into shards, where goml cut it.",
        title: "the name, bytes and fingerprint of a whole",
        type: "object",
        properties: {
          name: { description: "The file, and how many more.", ...text },
          bytes: { description: "How many were cut: those of the rows.", ...count },
          sha256: { description: "SHA-256 of the files' sizes and of some of their bytes.", ...text },
        },
        required: ["name", "bytes", "sha256"],
      },
      parts: {
        description: "Of each of `numbers`, what it is of the whole.",
        type: "array",
        title: "a list of parts of a whole",
        items: {
          title: "a part of a whole",
          type: "object",
          properties: {
            from: {
              description:
                "Its rows start at one of the bytes [from, to) of those of `whole`, or they are those of the files that do, where files were dealt out; of typed columns, its rows are [from, to).",
              ...count,
            },
            to: count,
            rows: { description: "How many they are.", ...count },
            firstRow: {
              description: "The number of the first in the whole, where it was counted.",
              ...count,
            },
          },
          required: ["from", "to", "rows"],
        },
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
} as const;
