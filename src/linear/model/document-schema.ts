import type { KeptReading } from "../../csv/kept-reading.js";
import { hasDates, isCoded, type ModelSpec } from "../../dataset/formula/spec.js";
import { specDefinitions } from "../../dataset/formula/spec-schema.js";
import type { Schema, Static } from "../../json-schema/schema.js";
import { extendedMomentsSchema, momentsSchema } from "../../stats/moments-schema.js";
import { sparseFoldSchema, sparseMomentsSchema } from "../../stats/sparse-schema.js";
import { dataDefinitions } from "./data-schema.js";
import { estimateDefinitions } from "./estimate-schema.js";
import { groupDefinitions } from "./group-schema.js";
import { modelDefinitions } from "./model-schema.js";

/**
 * The latest version of the model file's schema that is known here. A file says the earliest that has all that is in it:
 * 2 has moments by cell, the options of reading, terms made of dates, sources by their content, fits of groups side by
 * side, folds by a key, glmnet's penalties, instruments, several targets, covariances and intervals that 0.1 did not have, and what robust errors are
 * made of.
 */
export const SCHEMA = 2;

/** The covariances that version 1 has. */
const FIRST_VCOVS = ["iid", "hc0", "hc1", "hc2", "hc3", "cluster"];

/** The version that a model's file needs. */
export function schemaOf(
  {
    reading,
    spec,
    source,
    sources = [],
    shards = [],
    penalty,
    vcov,
    instruments,
    targets = [],
    scan,
    keptMeat,
    conformal,
    weightsKind,
    forgotten = [],
  }: {
    reading?: KeptReading | undefined;
    spec: ModelSpec;
    source: DataSource | undefined;
    sources?: readonly SourceContent[] | undefined;
    shards?: readonly ShardSet[] | undefined;
    penalty?: Penalty | null | undefined;
    vcov?: Vcov | null | undefined;
    keptMeat?: KeptMeat | undefined;
    weightsKind?: WeightsKind | undefined;
    forgotten?: readonly SourceContent[] | undefined;
    instruments?: ModelInstruments | undefined;
    targets?: readonly object[] | undefined;
    scan?: { foldBy?: string | undefined; endRow?: number | undefined } | null | undefined;
    conformal?: object | undefined;
  },
  moments: object,
): number {
  const known =
    keptMeat !== undefined ||
    conformal !== undefined ||
    weightsKind !== undefined ||
    forgotten.length > 0 ||
    scan?.foldBy !== undefined ||
    scan?.endRow !== undefined ||
    shards.length > 0 ||
    sources.length > 0 ||
    (source !== undefined && source.mtimeMs === undefined);
  if (instruments !== undefined || targets.length > 0) return SCHEMA;
  const plain = vcov == null || FIRST_VCOVS.includes(vcov.type);
  const first =
    plain && (penalty == null || Object.keys(penalty).every((key) => key === "lambda" || key === "alpha"));
  return reading === undefined &&
    !hasDates(spec) &&
    !isCoded(spec) &&
    !known &&
    !("tables" in moments) &&
    first
    ? 1
    : SCHEMA;
}

/** JSON Schemas of what stands in a model file, by the names under which they refer to each other. */
export const documentDefinitions: Definitions = {
  ...specDefinitions,
  moments: momentsSchema,
  extendedMoments: extendedMomentsSchema,
  sparseMoments: sparseMomentsSchema,
  sparseFold: sparseFoldSchema,
  ...estimateDefinitions,
  ...dataDefinitions,
  ...modelDefinitions,
  ...groupDefinitions,
};

/** The JSON Schema of a model file: one model, or models by group. */
export const documentSchema: Schema & {
  readonly $schema: string;
  readonly title: string;
  readonly $defs: object;
} = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "goml model file, schema 2",
  anyOf: [{ $ref: "#/$defs/model" }, { $ref: "#/$defs/modelGroup" }],
  $defs: documentDefinitions,
};

// By their names, not by what is in them, of which the declarations would be 200 kB.
type Definitions = typeof specDefinitions &
  typeof estimateDefinitions &
  typeof dataDefinitions &
  typeof modelDefinitions &
  typeof groupDefinitions & {
    readonly moments: typeof momentsSchema;
    readonly extendedMoments: typeof extendedMomentsSchema;
    readonly sparseMoments: typeof sparseMomentsSchema;
    readonly sparseFold: typeof sparseFoldSchema;
  };
type StaticOf<Name extends keyof Definitions> = Static<Definitions[Name], Definitions>;

/** The JSON document of a model. Numbers that are not finite (of aliased terms) are null. */
export type ModelDocument = StaticOf<"model">;

/** The JSON document of models by group. */
export type ModelGroupDocument = StaticOf<"modelGroup">;

/** A group that has no model, and why. */
export type RefusedGroup = NonNullable<ModelGroupDocument["refused"]>[number];

/** A covariance's estimate. */
export type Vcov = StaticOf<"vcov">;

/** What weights say, as Stata has it. */
export type WeightsKind = NonNullable<ModelDocument["weightsKind"]>;

/** What a model keeps of its rows for robust errors. */
export type KeptMeat = StaticOf<"keptMeat">;

/** What a fit minimises beside squares, and the bounds within which; α is the mix: 0 is ridge, 1 the lasso. */
export type Penalty = StaticOf<"penalty">;

/** The instruments of a model with endogenous terms, and its estimator. */
export type ModelInstruments = StaticOf<"instruments">;

/** What conformal intervals are calibrated by. */
export type Conformal = StaticOf<"conformal">;

/** The file a model was fitted on, so that it can be found again and a change be noticed. */
export type DataSource = StaticOf<"source">;

/** A source whose rows are in a model, told by its content. */
export type SourceContent = StaticOf<"content">;

/** Numbered shards of one whole whose rows are in a model. */
export type ShardSet = StaticOf<"shardSet">;

/** What became of the rows of the data, and how they were drawn: for the summary, and for rows that come later. */
export type ScanDocument = StaticOf<"scan">;
