import { completeSpec, type Expression, type ModelSpec } from "../dataset/formula/spec.js";
import { VariableBlock } from "../dataset/formula/variables.js";
import type { BlockView } from "../scan/block-view.js";
import type { ChunkJob } from "../scan/chunk-job.js";
import { PowerSums, type PowerSumsData } from "../stats/power-sums.js";

/** Which columns are summed up before a fit; plain data. */
export interface SummaryPlan {
  /** A spec whose variables they are; blocks carry its raw columns. */
  spec: ModelSpec;
  /** For each, up to which power, and whether all values are kept. */
  columns: readonly { powers: number; values: boolean }[];
}

/** What a chunk's rows say of each column; plain data. */
export type SummaryResult = readonly { sums: PowerSumsData; values: Float64Array }[];

/** The spec whose variables are some expressions. */
export function specOf(expressions: readonly Expression[]): ModelSpec {
  return completeSpec({
    formula: "",
    target: { label: "", expression: { number: 0 } },
    intercept: true,
    variables: expressions.map((expression, v) => ({ kind: "numeric", label: `x${v}`, expression })),
    terms: expressions.map((_, v) => ({ label: `x${v}`, variables: [v] })),
  });
}

/** Sums up the columns of chunks: of all rows in which a column has a finite value, as R has it, and by itself. */
export class SummaryJob implements ChunkJob<SummaryResult> {
  readonly #view: BlockView;
  readonly #plan: SummaryPlan;
  readonly #variables: VariableBlock;
  #sums: PowerSums[] = [];
  #values: number[][] = [];

  constructor(view: BlockView, plan: SummaryPlan) {
    this.#view = view;
    this.#plan = plan;
    this.#variables = new VariableBlock(plan.spec, { extended: false, target: false });
    this.#reset();
  }

  add(rows: number): void {
    this.#variables.load(this.#view.raw(rows), 0, rows);
    this.#plan.columns.forEach(({ values }, v) => {
      const { hi } = this.#variables.values[v]![0]!;
      const sums = this.#sums[v]!;
      for (let r = 0; r < rows; r++) sums.add(hi[r]!);
      if (values) for (let r = 0; r < rows; r++) if (Number.isFinite(hi[r])) this.#values[v]!.push(hi[r]!);
    });
  }

  finish(): SummaryResult {
    const found = this.#sums.map((sums, v) => ({
      sums: sums.data(),
      values: Float64Array.from(this.#values[v]!),
    }));
    this.#reset();
    return found;
  }

  #reset(): void {
    this.#sums = this.#plan.columns.map(({ powers }) => new PowerSums(powers));
    this.#values = this.#plan.columns.map(() => []);
  }
}
