import { createHash } from "node:crypto";
import { specFault } from "../dataset/formula/check-spec.js";
import type { ModelSpec } from "../dataset/formula/spec.js";
import { EXPRESSION_DEPTH, specDefinitions } from "../dataset/formula/spec-schema.js";
import { findMismatch } from "../json-schema/mismatch.js";
import { PRINTED } from "./dialects.js";

const texts = { type: "array", items: { type: "string" }, title: "a list of texts" } as const;

/** What a printed query sums up, and for which model. */
const planSchema = {
  title: "a plan",
  type: "object",
  properties: {
    dialect: { enum: PRINTED },
    spec: { $ref: "#/$defs/spec" },
    columns: {
      type: "array",
      items: {
        type: "object",
        properties: { name: { type: "string" }, kind: { enum: ["numeric", "text"] } },
        required: ["name", "kind"],
        title: "a column",
      },
    },
    weights: { type: "string" },
    weightsKind: { enum: ["analytic", "frequency"] },
    folds: { type: "integer", minimum: 1 },
    foldBy: { type: "string" },
    seed: { type: "integer" },
    where: { type: "string" },
    naValues: texts,
    naValuesIn: { type: "object", additionalProperties: texts, title: "texts by column" },
    exact: { type: "boolean" },
  },
  required: ["dialect", "spec", "columns", "folds", "seed", "exact"],
} as const;

/** What a printed query sums up, and for which model: plain JSON, which the query's answer repeats. */
export interface StatementPlan {
  readonly dialect: (typeof PRINTED)[number];
  readonly spec: ModelSpec;
  /** The columns that are read. */
  readonly columns: readonly { readonly name: string; readonly kind: "numeric" | "text" }[];
  readonly weights?: string | undefined;
  /** What they say, where that was said. */
  readonly weightsKind?: "analytic" | "frequency" | undefined;
  readonly folds: number;
  /** By which rows fall into folds, where there are any. */
  readonly foldBy?: string | undefined;
  readonly seed: number;
  /** The condition on rows, in R's language. */
  readonly where?: string | undefined;
  readonly naValues?: readonly string[] | undefined;
  readonly naValuesIn?: Readonly<Record<string, readonly string[]>> | undefined;
  /** Whether sums are exact, of whole numbers. */
  readonly exact: boolean;
}

/** A spec's expressions, which may lie so deep, and what they lie in. */
const DEEPEST = 2 * EXPRESSION_DEPTH + 20;
const FORMAT = "goml1";
const HASH_DIGITS = 16;

/** A plan as one word of letters, digits, - and _, which no dialect needs to quote. */
export function planText(plan: StatementPlan): string {
  const json = JSON.stringify(plan);
  return [FORMAT, hashOf(json), Buffer.from(json).toString("base64url")].join("_");
}

/** The plan that such a word is; what is wrong with it where it is none. */
export function planOf(word: string): StatementPlan | string {
  const [, format, hash, code = ""] = /^(goml\d+)_([0-9a-f]+)_([\w-]*)$/.exec(word) ?? [];
  if (format !== FORMAT)
    return format !== undefined
      ? "another version of goml printed the query"
      : "no query that goml printed gave it";
  const json = Buffer.from(code, "base64url").toString();
  if (hashOf(json) !== hash) return "what its first column says of the query is cut or changed";
  const plan = JSON.parse(json) as StatementPlan;
  const mismatch = findMismatch(plan, planSchema, specDefinitions, DEEPEST) ?? specFault(plan.spec);
  return mismatch === undefined ? plan : "another version of goml printed the query";
}

function hashOf(json: string): string {
  return createHash("sha256").update(json).digest("hex").slice(0, HASH_DIGITS);
}
