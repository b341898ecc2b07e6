import { readFileSync } from "node:fs";
import { DataError, ModelError } from "../errors.js";
import { findMismatch } from "../json-schema/mismatch.js";
import type { Static } from "../json-schema/schema.js";
import { matchesDigest } from "../linear/model/digest.js";
import { SCHEMA } from "../linear/model/document-schema.js";
import { count, names, number, numbers, schema, text } from "../linear/model/schema-parts.js";

/** How deep such a document goes. */
const DEEPEST = 6;

const meatSchema = {
  title: "a shard's meat",
  description:
    "What the rows of a shard add up to, for a robust covariance of the model of all shards, in its whitened coordinates.",
  type: "object",
  properties: {
    format: { const: "goml-meat" },
    schema,
    coefficients: {
      description:
        "θ of the model of all rows, null for an aliased term: by it meats and model find each other.",
      type: "array",
      items: { type: ["number", "null"] },
      title: "a list of numbers",
    },
    vcov: {
      description: "Which covariance was asked for, in the words of the options.",
      type: "object",
      properties: {
        type: text,
        clusters: names,
        ssc: { type: "object" },
        df: text,
        bootstrap: {
          type: "object",
          properties: { draw: text, draws: count, seed: number, level: number },
          required: ["draws", "seed", "level"],
        },
        time: {
          type: "object",
          properties: {
            type: text,
            kernel: text,
            lag: count,
            time: text,
            unit: text,
            ssc: { type: "object" },
          },
          required: ["type", "kernel"],
        },
      },
      required: ["type", "clusters"],
      title: "a covariance",
    },
    n: { description: "The shard's rows of the fit.", ...count },
    total: { description: "The sum of their scores w e u: over all shards it is 0.", ...numbers },
    meat: {
      description: "Σ (we)²uuᵀ, each divided by its power of 1 − h; packed. Empty with groups.",
      ...numbers,
    },
    groups: {
      description:
        "What the rows of each group add up to: Σ w e u, and Σ w uuᵀ behind it where the covariance needs that; named by " +
        "the values of its columns.",
      type: "object",
      properties: {
        names: { type: "array", items: names, title: "a list of lists of names" },
        sums: numbers,
      },
      required: ["names", "sums"],
      title: "groups",
    },
    digest: text,
  },
  required: ["format", "schema", "coefficients", "vcov", "n", "total", "meat", "groups"],
} as const;

/** What a shard's rows add up to at the coefficients of the model of all rows; plain JSON. */
export type ShardMeat = Static<typeof meatSchema>;

/** The head of every such document; it has the version of model files. */
export const MEAT_HEAD = { format: "goml-meat", schema: SCHEMA } as const;

/**
 * Reads what `goml meat` wrote.
 *
 * @throws DataError where it cannot be read; ModelError where it is something else, or has been changed
 */
export function readMeat(path: string): ShardMeat {
  let written: string;
  try {
    written = readFileSync(path, "utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new DataError(code === "ENOENT" ? "no such file" : `cannot be read (${code ?? "unknown error"})`, {
      place: { file: path },
      hint: "goml meat writes it",
      cause,
    });
  }
  const wrong = (what: string, cause?: unknown) =>
    new ModelError(`${path}: ${what}`, { hint: "write it anew with goml meat", cause });
  let document: unknown;
  try {
    document = JSON.parse(written);
  } catch (cause) {
    throw wrong("the file is cut short or damaged, or no meat of a shard", cause);
  }
  const { format, schema: version } = (document ?? {}) as Partial<ShardMeat>;
  if (format !== "goml-meat") throw wrong("not the meat of a shard");
  if (typeof version === "number" && version > SCHEMA)
    throw new ModelError(`${path}: schema ${version}, this goml reads up to ${SCHEMA}`, {
      hint: "update goml",
    });
  const mismatch = findMismatch(document, meatSchema, {}, DEEPEST);
  if (mismatch !== undefined)
    throw wrong(
      mismatch.found === undefined
        ? `${JSON.stringify(mismatch.path)} is missing: it should be ${mismatch.expected}`
        : `${JSON.stringify(mismatch.path)} should be ${mismatch.expected}, found ${mismatch.found}`,
    );
  if (!matchesDigest(written, document)) throw wrong("the file has been changed since goml wrote it");
  return document as ShardMeat;
}
