import type { KeptReading } from "../../csv/kept-reading.js";
import type { ModelSpec } from "../../dataset/formula/spec.js";
import { ModelError } from "../../errors.js";
import {
  type ModelGroupDocument,
  type RefusedGroup,
  type SourceContent,
  schemaOf,
} from "./document-schema.js";
import { type GroupPredictorPlan, groupPlan } from "./group-predictor.js";
import { LinearModel } from "./model.js";
import { readGroups } from "./model-document.js";
import type { DataScan, DataSource } from "./model-parts.js";
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
  /** By group, in order. */
  readonly models: ReadonlyMap<string, LinearModel>;
  /** The groups that could not be fitted. */
  readonly refused: readonly RefusedGroup[];
  readonly source: DataSource | undefined;
  /** What the rows of all groups were read from, by content, as far as that is known. */
  readonly sources: readonly SourceContent[];
  readonly scan: DataScan | undefined;
  #records: RecordPredictor | undefined;

  /** Throws ModelError where no group has a model. */
  constructor(parts: {
    groupBy: string;
    models: ReadonlyMap<string, LinearModel>;
    refused?: readonly RefusedGroup[] | undefined;
    source?: DataSource | undefined;
    sources?: readonly SourceContent[] | undefined;
    scan?: DataScan | undefined;
  }) {
    this.groupBy = parts.groupBy;
    this.models = parts.models;
    this.refused = parts.refused ?? [];
    this.source = parts.source;
    this.sources = parts.sources ?? [];
    this.scan = parts.scan;
    if (this.models.size === 0) {
      const [first] = this.refused;
      throw new ModelError(`no group of ${this.groupBy} can be fitted${first ? `: ${first.reason}` : ""}`, {
        hint: "leave terms out, or choose a column of fewer values",
      });
    }
  }

  get #first(): LinearModel {
    return this.models.values().next().value!;
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
    return [...this.models.values()].reduce((sum, { parameters }) => sum + parameters, 0);
  }

  /** What predicting from raw columns needs. */
  predictorPlan(target: boolean): GroupPredictorPlan {
    const { groupBy, refused } = this;
    const groups = [...this.models].map(([name, model]) => ({ name, plan: model.predictorPlan(target) }));
    return groupPlan({ groupBy, groups, refused, target });
  }

  /** ŷ of records, each by the model of its group, see `RecordPredictor.predict`. */
  predict(records: readonly DataRecord[], options?: RecordOptions): Float64Array {
    this.#records ??= new RecordPredictor(this.target, this.predictorPlan(false));
    return this.#records.predict(records, options);
  }

  toJSON(): ModelGroupDocument {
    const models = [...this.models].map(([group, model]) => ({ group, model: model.toJSON() }));
    return {
      format: "goml-model-group",
      schema: models.reduce(
        (schema, { model }) => Math.max(schema, model.schema),
        schemaOf({ spec: this.spec, source: this.source, sources: this.sources }, {}),
      ),
      groupBy: this.groupBy,
      source: this.source ?? null,
      ...(this.sources.length === 0 ? {} : { sources: [...this.sources] }),
      scan: writeScan(this.scan),
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
    const { groupBy, refused, source, sources, scan, models } = readGroups(
      document,
      name,
      LinearModel.fromJSON,
    );
    return new ModelGroup({
      groupBy,
      models,
      refused,
      source: source ?? undefined,
      sources,
      scan: readScan(scan),
    });
  }
}
