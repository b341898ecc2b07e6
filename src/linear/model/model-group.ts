import type { KeptReading } from "../../csv/kept-reading.js";
import type { ModelSpec } from "../../dataset/formula/spec.js";
import { ModelError } from "../../errors.js";
import { isDecimal } from "../../kernels/number.js";
import { inOneGo, type Steps } from "../../parallel/steps.js";
import { codePointOrder } from "../../stats/code-points.js";
import { tCritical } from "../../stats/distributions.js";
import { plainList } from "../../stats/packed.js";
import type { FitsDocument } from "./check-fits.js";
import {
  type ModelDocument,
  type ModelGroupDocument,
  type RefusedGroup,
  SCHEMA,
  type ShardSet,
  type SourceContent,
  schemaOf,
} from "./document-schema.js";
import { type FitsLists, readFits, writeFits } from "./fits-document.js";
import type { GroupFits } from "./group-fits.js";
import { type GroupIntervals, groupIntervals } from "./group-intervals.js";
import { GroupModels } from "./group-models.js";
import { fitsPlan, type GroupPredictorPlan, groupPlan } from "./group-predictor.js";
import type { IntervalOptions, PredictedInterval } from "./interval.js";
import { LinearModel } from "./model.js";
import { groupDocumentSteps } from "./model-document.js";
import type { DataScan, DataSource } from "./model-parts.js";
import { predictedSpec } from "./predictor-plan.js";
import type { DataRecord } from "./record-block.js";
import { type RecordOptions, RecordPredictor } from "./record-predictor.js";
import { readScan, writeScan } from "./scan-document.js";

/**
 * One fitted model per value of a column, all of the same target and terms. Each is a `LinearModel` like any other,
 * with the moments of its own rows.
 */
export class ModelGroup {
  /** The column whose values name the groups. */
  readonly groupBy: string;
  /** By group, in order. A model may be made when it is asked for: ask once for what you use again. */
  readonly models: ReadonlyMap<string, LinearModel>;
  /** The groups that could not be fitted. */
  readonly refused: readonly RefusedGroup[];
  readonly source: DataSource | undefined;
  /** What the rows of all groups were read from, by content, as far as that is known. */
  readonly sources: readonly SourceContent[];
  /** The numbered shards whose rows are in the models; empty where they were not numbered. */
  readonly shards: readonly ShardSet[];
  readonly scan: DataScan | undefined;
  #records: RecordPredictor | undefined;

  /** Throws ModelError where no group has a model. */
  constructor(parts: {
    groupBy: string;
    models: ReadonlyMap<string, LinearModel>;
    refused?: readonly RefusedGroup[] | undefined;
    source?: DataSource | undefined;
    sources?: readonly SourceContent[] | undefined;
    shards?: readonly ShardSet[] | undefined;
    scan?: DataScan | undefined;
  }) {
    this.groupBy = parts.groupBy;
    this.models = parts.models;
    this.refused = parts.refused ?? [];
    this.source = parts.source;
    this.sources = parts.sources ?? [];
    this.shards = parts.shards ?? [];
    this.scan = parts.scan;
    if (this.models.size === 0) {
      const [first] = this.refused;
      throw new ModelError(`no group of ${this.groupBy} can be fitted${first ? `: ${first.reason}` : ""}`, {
        hint: "leave terms out, or choose a column of fewer values",
      });
    }
  }

  #one: LinearModel | undefined;
  get #first(): LinearModel {
    // Looking one of many fits up by name would index the names of all.
    this.#one ??= this.fits?.model(0) ?? this.models.values().next().value!;
    return this.#one;
  }

  /** The fits that stand side by side. @internal */
  get fits(): GroupFits | undefined {
    return this.models instanceof GroupModels ? this.models.fits : undefined;
  }

  /** The models that are objects of their own: all of them where none stands side by side. */
  get others(): ReadonlyMap<string, LinearModel> {
    return this.models instanceof GroupModels ? this.models.others : this.models;
  }

  /** The target, the terms and the raw columns that they are made of, the same for every group. */
  get spec(): ModelSpec {
    return this.#first.spec;
  }

  get target(): string {
    return this.#first.target;
  }

  get weightsColumn(): string | undefined {
    return this.#first.weightsColumn;
  }

  /** The options by which the data were read. */
  get reading(): KeptReading | undefined {
    return this.#first.reading;
  }

  /** The coefficients estimated in all groups together. */
  get parameters(): number {
    const { fits } = this;
    const listed = fits === undefined ? 0 : fits.names.length * fits.width;
    return [...this.others.values()].reduce((sum, { parameters }) => sum + parameters, listed);
  }

  /** What predicting from raw columns needs. @internal */
  predictorPlan(target: boolean): GroupPredictorPlan {
    const { groupBy, refused, fits } = this;
    const groups = [...this.others].map(([name, model]) => ({ name, plan: model.predictorPlan(target) }));
    const spec = predictedSpec(this.spec, target);
    const listed =
      fits &&
      fitsPlan({
        names: fits.names,
        spec: fits.shared.spec,
        terms: fits.shared.terms,
        coefficients: fits.lists.coefficients,
      });
    return groupPlan({ spec, groupBy, groups, fits: listed, refused, target });
  }

  /**
   * What each group's intervals are made of.
   *
   * @throws as `intervalPlan`
   * @internal
   */
  intervals(options: IntervalOptions = {}): GroupIntervals {
    const { fits } = this;
    const listed = fits && { regression: fits.regression, ...fits.lists };
    return groupIntervals(listed, this.others, tCritical, options);
  }

  /** ŷ of records, each by the model of its group, see `RecordPredictor.predict`. */
  predict(records: readonly DataRecord[], options?: RecordOptions): Float64Array {
    return this.records.predict(records, options);
  }

  /** The same with standard errors and intervals, each by the model of its group, see `LinearModel.predictInterval`. */
  predictInterval(
    records: readonly DataRecord[],
    options?: IntervalOptions & RecordOptions,
  ): PredictedInterval {
    return this.records.predictInterval(records, options);
  }

  /** What predicts from records, and knows their columns. */
  get records(): RecordPredictor {
    this.#records ??= new RecordPredictor(this.target, this.predictorPlan(false), (options) =>
      this.intervals(options),
    );
    return this.#records;
  }

  toJSON(): ModelGroupDocument {
    const { fits, models, ...rest } = this.document();
    return {
      ...rest,
      ...(fits === undefined ? {} : { fits: plain(fits) as FitsDocument }),
      models: models.map(({ group, model }) => ({ group, model: model.toJSON() })),
    };
  }

  /** The same document with lists, and with models that make documents of themselves when they are written. */
  document(): Omit<ModelGroupDocument, "fits" | "models"> & {
    fits?: FitsLists;
    models: { group: string; model: { toJSON(): ModelDocument } }[];
  } {
    const models = [...this.others].map(([group, model]) => ({
      group,
      model: { toJSON: () => model.toJSON() },
    }));
    const { fits } = this;
    const schema = [...this.others.values()].reduce(
      (most, model) => Math.max(most, schemaOf(model, model.moments)),
      schemaOf(
        { spec: this.spec, source: this.source, sources: this.sources, shards: this.shards, scan: this.scan },
        {},
      ),
    );
    return {
      format: "goml-model-group",
      schema: fits === undefined ? schema : SCHEMA,
      groupBy: this.groupBy,
      source: this.source ?? null,
      ...(this.sources.length === 0 ? {} : { sources: [...this.sources] }),
      ...(this.shards.length === 0 ? {} : { shards: [...this.shards] }),
      scan: writeScan(this.scan),
      ...(fits === undefined ? {} : { fits: writeFits(fits) }),
      models,
      refused: [...this.refused],
    };
  }

  /**
   * Models by group from their document, as parsed from JSON.
   *
   * @throws ModelError where it is not such a document, or of a later schema
   */
  static fromJSON(document: unknown, name = "model"): ModelGroup {
    return inOneGo(ModelGroup.fromJsonSteps(document, name));
  }

  /** The same in steps, for a large document takes a second. */
  static *fromJsonSteps(document: unknown, name = "model"): Steps<ModelGroup> {
    const { groupBy, refused, source, sources, shards, scan, fits, models } = yield* groupDocumentSteps(
      document,
      name,
      LinearModel.fromJsonSteps,
    );
    yield;
    return new ModelGroup({
      groupBy,
      models: fits === undefined ? models : modelsByGroup(readFits(fits, name), models),
      refused,
      source: source ?? undefined,
      sources,
      shards,
      scan: readScan(scan),
    });
  }
}

/**
 * The models of groups, in their order: of those side by side, where there are any, and of others.
 *
 * @param order the names of both in order, where that is known: 100,000 take a while to sort
 */
export function modelsByGroup(
  /** @internal */
  fits: GroupFits | undefined,
  others: ReadonlyMap<string, LinearModel>,
  order?: readonly string[] | undefined,
): GroupModels {
  const listed = fits?.names ?? [];
  // Fits are in order; it need not be found again.
  const all = order ?? (others.size === 0 ? listed : inOrder([...listed, ...others.keys()]));
  return new GroupModels(all, fits, others);
}

/** Groups by size where all are numbers, else by code points. */
export function inOrder(groups: Iterable<string>): string[] {
  const names = [...groups];
  return Array.from(groupOrder(names), (g) => names[g]!);
}

/** The numbers of groups in that order. */
export function groupOrder(names: readonly string[]): Uint32Array {
  if (!names.every(isDecimal)) return codePointOrder(names);
  const sizes = Float64Array.from(names, Number);
  return Uint32Array.from(names, (_, g) => g).sort((a, b) => sizes[a]! - sizes[b]!);
}

/** Lists of numbers as JSON has them. */
function plain(value: unknown): unknown {
  if (value instanceof Float64Array) return plainList(value, null);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, plain(part)]));
}
