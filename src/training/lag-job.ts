import type { ModelSpec } from "../dataset/formula/spec.js";
import { VariableBlock } from "../dataset/formula/variables.js";
import { type TimeKind, writtenTime } from "../dataset/periods.js";
import { DataError, quoteCell } from "../errors.js";
import type { BlockView } from "../scan/block-view.js";
import type { ChunkJob } from "../scan/chunk-job.js";

/** What is read of every row before other rows are looked up; the layout's clusters are its time and, where there is one, its unit. */
export interface LagPlan {
  /** A spec whose variables are the values; blocks carry its raw columns. */
  spec: ModelSpec;
  /** The column of time, for messages. */
  time: string;
}

/** A chunk's rows; plain data. */
export interface LagResult {
  /** Per row: its time as it is written, and NaN where it is missing. */
  times: Float64Array;
  /** How times of the chunk are written, each with the first row that has it so. */
  kinds: readonly { kind: TimeKind; row: number }[];
  /** Per row: its unit as a code into `names`; −1 where it is missing. */
  units: Int32Array;
  names: readonly (string | number)[];
  /** Per variable and row. */
  values: readonly Float64Array[];
}

/** Reads time, unit and values of the rows of chunks. */
export class LagJob implements ChunkJob<LagResult> {
  readonly #view: BlockView;
  readonly #plan: LagPlan;
  readonly #variables: VariableBlock;
  /** By code of a text: what time it is, once it was asked. */
  readonly #known: (ReturnType<typeof writtenTime> | undefined)[] = [];
  #times: number[] = [];
  #kinds = new Map<TimeKind, number>();
  #units: number[] = [];
  #codes = new Map<string | number, number>();
  #values: number[][] = [];

  constructor(view: BlockView, plan: LagPlan) {
    this.#view = view;
    this.#plan = plan;
    this.#variables = new VariableBlock(plan.spec, { extended: false, target: false });
    this.#reset();
  }

  add(rows: number): void {
    this.#variables.load(this.#view.raw(rows), 0, rows);
    this.#values.forEach((values, v) => {
      const { hi } = this.#variables.values[v]![0]!;
      // What is not finite is no value, as a row's own is none.
      for (let r = 0; r < rows; r++) values.push(Number.isFinite(hi[r]) ? hi[r]! : Number.NaN);
    });
    const { values, names } = this.#view.cluster(0, rows);
    for (let r = 0; r < rows; r++)
      this.#times.push(names === undefined ? this.#number(values[r]!, r) : this.#text(values[r]!, names, r));
    this.#addUnits(rows);
  }

  finish(): LagResult {
    const found = {
      times: Float64Array.from(this.#times),
      kinds: Array.from(this.#kinds, ([kind, row]) => ({ kind, row })),
      units: Int32Array.from(this.#units),
      names: [...this.#codes.keys()],
      values: this.#values.map((values) => Float64Array.from(values)),
    };
    this.#reset();
    return found;
  }

  #addUnits(rows: number): void {
    if (this.#view.layout.clusters!.length < 2) {
      for (let r = 0; r < rows; r++) this.#units.push(0);
      return;
    }
    const { values, names } = this.#view.cluster(1, rows);
    for (let r = 0; r < rows; r++) {
      const value = values[r]!;
      if (names === undefined ? Number.isNaN(value) : value < 0) {
        this.#units.push(-1);
        continue;
      }
      const unit = names === undefined ? value : names[value]!;
      let code = this.#codes.get(unit);
      if (code === undefined) {
        code = this.#codes.size;
        this.#codes.set(unit, code);
      }
      this.#units.push(code);
    }
  }

  #number(value: number, r: number): number {
    if (Number.isNaN(value)) return value;
    if (!Number.isSafeInteger(value)) throw this.#noTime(String(value), r);
    this.#met("number", r);
    // −0 is 0.
    return value + 0;
  }

  #text(code: number, names: readonly string[], r: number): number {
    if (code < 0) return Number.NaN;
    this.#known[code] ??= writtenTime(names[code]!.trim());
    const time = this.#known[code];
    if (time === undefined) throw this.#noTime(names[code]!, r);
    this.#met(time.kind, r);
    return time.value + 0;
  }

  #met(kind: TimeKind, r: number): void {
    if (!this.#kinds.has(kind)) this.#kinds.set(kind, this.#view.rowNumber(r));
  }

  #noTime(cell: string, r: number): DataError {
    return new DataError(
      `expected a time that lags can count by (a whole number, 2024-01-31, 2024-01, 2024-Q1, 2024-01-31 05:00), found ${quoteCell(cell)}`,
      {
        place: { row: this.#view.rowNumber(r), column: this.#plan.time, cell },
        hint: "number the periods 1, 2, 3, …, or leave the cell empty if its time is missing",
      },
    );
  }

  #reset(): void {
    this.#times = [];
    this.#kinds = new Map();
    this.#units = [];
    this.#codes = new Map();
    this.#values = this.#plan.spec.variables.map(() => []);
  }
}
