import { isModelSpec } from "../../dataset/formula/check-spec.js";
import { codedTerms, type FactorLevels } from "../../dataset/formula/coding.js";
import { targetKey } from "../../dataset/formula/column-key.js";
import type { ModelSpec } from "../../dataset/formula/spec.js";
import { GomlError, ModelError } from "../../errors.js";
import type { CrossProducts, CrossProductsJson } from "../../stats/cross-products.js";
import { packedLength } from "../../stats/packed.js";
import { readMoments } from "../../stats/read-moments.js";
import { wording } from "../../wording.js";
import type { Vcov } from "../covariance/vcov.js";
import type { Penalty } from "../penalty/penalty.js";
import type { DataScan, DataSource, Solver } from "./model-parts.js";

/** The version of the model file's schema; raised when a reader of the present one could not read it any more. */
export const SCHEMA = 1;

const SOLVERS = new Set<unknown>(["normal", "extended", "qr", "gd"]);

/** The JSON document of a model. Numbers that are not finite (of aliased terms) are null. */
export interface ModelDocument {
  format: "goml-model";
  schema: number;
  target: string;
  formula: string;
  terms: string[];
  intercept: boolean;
  solver: Solver;
  /** θ, the intercept first. */
  coefficients: (number | null)[];
  /** Packed lower triangle of the covariance of θ. */
  covariance: (number | null)[];
  /** How it was estimated; iid where it is not said. */
  vcov: Vcov;
  aliased: string[];
  rank: number;
  conditionNumber: number;
  n: number;
  sigma: number | null;
  rss: number;
  tss: number;
  /** The column of weights. */
  weights: string | null;
  penalty: Penalty | null;
  scan: DataScan | null;
  source: DataSource | null;
  spec: ModelSpec;
  /** Each factor's levels, sorted. */
  levels: FactorLevels;
  references: Readonly<Record<string, string>>;
  moments: CrossProductsJson;
  /** The moments of the cross-validation folds. */
  folds: CrossProductsJson[];
}

/** A checked document, its moments read. */
export type CheckedDocument = Omit<ModelDocument, "moments" | "folds"> & {
  moments: CrossProducts;
  folds: CrossProducts[];
};

/**
 * Checks that a parsed JSON value is a model document of a schema this version knows, and that its parts fit
 * together.
 *
 * @throws ModelError that says which part is wrong
 */
export function parseModelDocument(value: unknown, name: string): CheckedDocument {
  const wrong = (what: string, hint = "write it anew with goml train") =>
    new ModelError(`${name}: ${what}`, { hint });
  if (typeof value !== "object" || value === null || !("format" in value) || value.format !== "goml-model")
    throw wrong("not a goml model", "expected a file that goml train wrote");
  const document = value as Partial<ModelDocument>;
  if (typeof document.schema !== "number") throw wrong("the model has no schema version");
  if (document.schema > SCHEMA)
    throw wrong(`the model has schema ${document.schema}, this goml reads up to ${SCHEMA}`, "update goml");
  const need = <K extends keyof ModelDocument>(
    key: K,
    ok: (v: unknown) => boolean,
    what: string,
  ): ModelDocument[K] => {
    const part = document[key];
    if (!ok(part)) throw wrong(`"${key}" should be ${what}`);
    return part as ModelDocument[K];
  };
  const isText = (v: unknown) => typeof v === "string";
  const isTexts = (v: unknown) => Array.isArray(v) && v.every(isText);
  const isNumber = (v: unknown) => typeof v === "number" && Number.isFinite(v);
  const isNumbers = (length: number) => (v: unknown) =>
    Array.isArray(v) && v.length === length && v.every((x) => x === null || isNumber(x));

  const target = need("target", isText, "a column name");
  const terms = need("terms", isTexts, "a list of names");
  const intercept = need("intercept", (v) => typeof v === "boolean", "true or false");
  const p = terms.length + (intercept ? 1 : 0);
  const coefficients = need("coefficients", isNumbers(p), `${p} numbers`);
  const covariance = need("covariance", isNumbers(packedLength(p)), `${packedLength(p)} numbers`);
  const moments = momentsOf(document.moments, name);
  const folds = need("folds", Array.isArray, "a list of moments").map((fold) => momentsOf(fold, name));
  const spec = need("spec", isModelSpec, "the model's specification");
  for (const { columns } of [moments, ...folds])
    if (!columns.includes(targetKey(spec.target))) throw wrong(`"moments" lack the target "${target}"`);
  const levels = need("levels", (v) => isRecordOf(v, isTexts), "lists of levels by factor");
  const references = need("references", (v) => isRecordOf(v, isText), "levels by factor");
  try {
    codedTerms(spec, levels, references);
  } catch {
    throw wrong('"references" should be levels of the factors');
  }
  return {
    format: "goml-model",
    schema: document.schema,
    target,
    terms,
    intercept,
    coefficients,
    covariance,
    vcov: readVcov(document.vcov, name),
    solver: need("solver", (v) => SOLVERS.has(v), "the name of a solver"),
    aliased: need("aliased", isTexts, "a list of names"),
    rank: need("rank", isNumber, "a number"),
    conditionNumber: need("conditionNumber", isNumber, "a number"),
    n: need("n", isNumber, "a number"),
    sigma: need("sigma", (v) => v === null || isNumber(v), "a number"),
    rss: need("rss", isNumber, "a number"),
    tss: need("tss", isNumber, "a number"),
    formula: need("formula", isText, "a formula"),
    weights: need("weights", (v) => v === null || isText(v), "null, or a column name"),
    penalty: need("penalty", isPenalty, "null, or lambda and alpha"),
    scan: need("scan", isScan, "null, or the rows read and dropped, and the seed"),
    spec,
    levels,
    references,
    folds,
    source: need("source", isSource, "null, or the data's path, size and mtimeMs"),
    moments,
  };
}

function isRecordOf(v: unknown, ok: (value: unknown) => boolean): boolean {
  return typeof v === "object" && v !== null && !Array.isArray(v) && Object.values(v).every(ok);
}

/** Files without it are of fits without one. */
function isPenalty(v: unknown): boolean {
  if (v === null || v === undefined) return true;
  const penalty = v as Partial<Penalty>;
  return typeof penalty.lambda === "number" && typeof penalty.alpha === "number";
}

function isScan(v: unknown): boolean {
  if (v === null || v === undefined) return true;
  const scan = v as Partial<DataScan>;
  return [scan.rows, scan.firstRow, scan.dropped, scan.seed].every((x) => typeof x === "number");
}

function isSource(v: unknown): boolean {
  if (v === null) return true;
  const source = v as Partial<DataSource>;
  return (
    typeof source?.path === "string" && typeof source.size === "number" && typeof source.mtimeMs === "number"
  );
}

function isMeat(v: unknown): boolean {
  return Array.isArray(v) && v.every((x) => typeof x === "number");
}

function readVcov(v: unknown, name: string): Vcov {
  if (v === undefined || v === null) return { type: "iid" };
  const vcov = v as Vcov;
  const types = ["iid", "hc0", "hc1", "hc2", "hc3", "cluster"];
  if (types.includes(vcov.type) && (vcov.type === "iid" || isMeat(vcov.meat))) return vcov;
  throw new ModelError(`${name}: "vcov" should be one of ${types.join(", ")}, with its meat`, {
    hint: "write it anew with goml train",
  });
}

function momentsOf(json: unknown, name: string): CrossProducts {
  try {
    const document = json as CrossProductsJson;
    if (!Array.isArray(document.columns)) throw new TypeError("columns should be a list");
    return readMoments(document);
  } catch (cause) {
    const reason =
      cause instanceof GomlError ? cause.words.message : "a part of them is missing, or not what it was";
    throw new ModelError(wording`${name}: "moments" cannot be read: ${reason}`, {
      cause,
      hint: "write it anew with goml train",
    });
  }
}
