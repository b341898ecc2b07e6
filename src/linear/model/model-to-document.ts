import type { KeptReading } from "../../csv/kept-reading.js";
import type { FactorLevels } from "../../dataset/formula/coding.js";
import type { ModelSpec } from "../../dataset/formula/spec.js";
import type { Target } from "../../dataset/formula/targets.js";
import type { CrossProducts, CrossProductsJson } from "../../stats/cross-products.js";
import { plainList } from "../../stats/packed.js";
import { foldAlone } from "../../stats/sparse-fold.js";
import type { Vcov } from "../covariance/vcov.js";
import type { HeldOut } from "../solve/held-out.js";
import type { AbsorbedEffects, Method } from "../solve/solution.js";
import {
  type Conformal,
  type KeptMeat,
  type ModelDocument,
  type ModelInstruments,
  type Penalty,
  type ShardSet,
  schemaOf,
  type WeightsKind,
} from "./document-schema.js";
import type { DataScan, DataSource, Solver, SourceContent } from "./model-parts.js";
import { writeScan } from "./scan-document.js";

/** A model as far as its document tells of it; `LinearModel` is one. */
interface WrittenModel {
  readonly target: string;
  readonly spec: ModelSpec;
  readonly terms: readonly string[];
  readonly intercept: boolean;
  readonly solver: Solver;
  readonly method: Method | undefined;
  readonly coefficients: Float64Array;
  readonly covariance: Float64Array;
  readonly variances: Float64Array;
  readonly vcov: Vcov;
  readonly aliased: readonly string[];
  readonly rank: number;
  readonly conditionNumber: number;
  readonly n: number;
  readonly sigma: number;
  readonly rss: number;
  readonly tss: number;
  readonly absorbed: AbsorbedEffects | undefined;
  readonly weightsColumn: string | undefined;
  readonly weightsKind: WeightsKind | undefined;
  readonly weightUnit: number;
  readonly penalty: Penalty | undefined;
  readonly instruments: ModelInstruments | undefined;
  readonly targets: readonly Target[];
  readonly conformal: Conformal | undefined;
  readonly scan: DataScan | undefined;
  readonly source: DataSource | undefined;
  readonly sources: readonly SourceContent[];
  readonly shards: readonly ShardSet[];
  readonly forgotten: readonly SourceContent[];
  readonly reading: KeptReading | undefined;
  readonly levels: FactorLevels;
  readonly references: Readonly<Record<string, string>>;
  readonly moments: CrossProducts;
  readonly folds: readonly CrossProducts[];
  readonly keptMeat: KeptMeat | undefined;
  readonly heldOut: readonly HeldOut[] | undefined;
}

/** A model's document with moments that make plain numbers, or lists of them, of themselves when they are written. */
export type WritableDocument = Omit<ModelDocument, "moments" | "folds" | "heldOut" | "covariance"> & {
  covariance: Float64Array;
  moments: { toJSON(): CrossProductsJson; toLists(): unknown };
  folds: { toJSON(): ModelDocument["folds"][number]; toLists(): unknown }[];
  heldOut?: readonly HeldOut[];
};

/** The document of a model. */
export function documentOf(model: WrittenModel): WritableDocument {
  let [plain, lists]: (CrossProductsJson | undefined)[] = [];
  const whole = () => {
    plain ??= model.moments.toJSON();
    return plain;
  };
  const wholeLists = () => {
    lists ??= listsOf(model.moments);
    return lists;
  };
  return {
    format: "goml-model",
    schema: schemaOf(model, model.moments),
    target: model.target,
    formula: model.spec.formula,
    terms: [...model.terms],
    intercept: model.intercept,
    solver: model.solver,
    ...(model.method === undefined ? {} : { method: model.method }),
    coefficients: plainList(model.coefficients, null),
    covariance: model.covariance,
    ...(model.covariance.length === 0 ? { variances: plainList(model.variances, null) } : {}),
    vcov: model.vcov,
    aliased: [...model.aliased],
    rank: model.rank,
    conditionNumber: model.conditionNumber,
    n: model.n,
    // On the scale of the weights as they are, as rss is.
    sigma: Number.isFinite(model.sigma) ? model.sigma / Math.sqrt(model.weightUnit) : null,
    rss: model.rss,
    tss: model.tss,
    ...(model.absorbed === undefined ? {} : { absorbed: model.absorbed }),
    weights: model.weightsColumn ?? null,
    ...(model.weightsKind === undefined ? {} : { weightsKind: model.weightsKind }),
    penalty: model.penalty ?? null,
    ...(model.instruments === undefined ? {} : { instruments: model.instruments }),
    ...(model.targets.length === 0 ? {} : { targets: [...model.targets] }),
    ...(model.conformal === undefined ? {} : { conformal: model.conformal }),
    scan: writeScan(model.scan),
    source: model.source ?? null,
    ...(model.sources.length === 0 ? {} : { sources: [...model.sources] }),
    ...(model.shards.length === 0 ? {} : { shards: [...model.shards] }),
    ...(model.forgotten.length === 0 ? {} : { forgotten: [...model.forgotten] }),
    ...(model.reading === undefined
      ? {}
      : { reading: model.reading as NonNullable<ModelDocument["reading"]> }),
    spec: model.spec,
    levels: model.levels,
    references: model.references,
    moments: { toJSON: whole, toLists: wholeLists },
    folds: model.folds.map((fold) => ({
      toJSON: () => foldAlone(fold.toJSON(), whole()),
      toLists: () => foldAlone(listsOf(fold), wholeLists()),
    })),
    ...(model.keptMeat === undefined ? {} : { keptMeat: model.keptMeat }),
    ...(model.heldOut === undefined ? {} : { heldOut: model.heldOut }),
  };
}

/** Moments with typed arrays where their JSON has lists, which are written alike. */
function listsOf(moments: CrossProducts): CrossProductsJson {
  return moments.toLists() as CrossProductsJson;
}

/** The document as plain JSON. */
export function plainDocument(document: WritableDocument): ModelDocument {
  const { moments, folds, heldOut, ...rest } = document;
  return {
    ...rest,
    // Where it stands among the others.
    covariance: plainList(rest.covariance, null),
    moments: moments.toJSON(),
    folds: folds.map((fold) => fold.toJSON()),
    ...(heldOut === undefined
      ? {}
      : {
          heldOut: heldOut.map(({ others, fold, ...one }) => ({
            others: others.toJSON(),
            fold: fold.toJSON(),
            ...one,
          })),
        }),
  };
}
