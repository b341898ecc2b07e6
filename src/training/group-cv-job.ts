import type { RawBlock } from "../dataset/formula/raw-block.js";
import { BLOCK_ROWS } from "../kernels/block-rows.js";
import type { BlockView } from "../scan/block-view.js";
import type { ChunkJob } from "../scan/chunk-job.js";
import { CvJob, type CvPlan, CvTotal, type FoldSums } from "./cv-job.js";

/** What the second pass of cross-validations by group depends on, apart from the rows; plain data. */
export interface GroupCvPlan {
  /** The groups whose rows are looked at, and what each one's cross-validation depends on. */
  names: readonly string[];
  plans: readonly CvPlan[];
}

/** What a chunk tells of the groups that have rows in it: their numbers in the plan, and sums by fold; plain data. */
export interface GroupCvResult {
  groups: number[];
  sums: FoldSums[][];
}

/** Predicts the rows of chunks, each by the models of its group's folds that it is not in. */
export class GroupCvJob implements ChunkJob<GroupCvResult> {
  readonly #view: BlockView;
  readonly #plan: GroupCvPlan;
  readonly #numbers: ReadonlyMap<string, number>;
  /** By code of the group in the block: its number in the plan, −1 where it has none there. */
  readonly #byCode: number[] = [];
  readonly #rows: (RowsOfGroup | undefined)[] = [];
  readonly #met = new Set<number>();

  constructor(view: BlockView, plan: GroupCvPlan) {
    this.#view = view;
    this.#plan = plan;
    this.#numbers = new Map(plan.names.map((name, g) => [name, g]));
  }

  add(rows: number): void {
    const raw = this.#view.raw(rows);
    const { codes, names } = raw.group!;
    for (let code = this.#byCode.length; code < names.length; code++)
      this.#byCode.push(this.#numbers.get(names[code]!) ?? -1);
    for (let r = 0; r < rows; r++) {
      const group = codes[r]! < 0 ? -1 : this.#byCode[codes[r]!]!;
      if (group < 0) continue;
      this.#met.add(group);
      let own = this.#rows[group];
      if (own === undefined) {
        own = new RowsOfGroup(this.#plan.plans[group]!, raw);
        this.#rows[group] = own;
      }
      own.add(raw, r, this.#view);
    }
  }

  finish(): GroupCvResult {
    const groups = [...this.#met];
    this.#met.clear();
    return { groups, sums: groups.map((group) => this.#rows[group]!.finish()) };
  }
}

/** A group's rows, gathered into blocks of their own: however groups alternate, each row is predicted once. */
class RowsOfGroup {
  readonly #job: CvJob;
  readonly #numeric: readonly Float64Array[];
  readonly #codes: readonly Int32Array[];
  readonly #weights: Float64Array | undefined;
  readonly #numbers = new Float64Array(BLOCK_ROWS);
  readonly #keys = new Float64Array(BLOCK_ROWS);
  #levels: RawBlock["levels"];
  #count = 0;

  constructor(plan: CvPlan, { numeric, codes, weights, levels }: RawBlock) {
    this.#numeric = numeric.map(() => new Float64Array(BLOCK_ROWS));
    this.#codes = codes.map(() => new Int32Array(BLOCK_ROWS));
    this.#weights = weights && new Float64Array(BLOCK_ROWS);
    this.#levels = levels;
    this.#job = new CvJob(
      {
        raw: () => ({
          numeric: this.#numeric,
          codes: this.#codes,
          levels: this.#levels,
          weights: this.#weights,
          rowNumbers: this.#numbers,
        }),
        rowNumber: (r) => this.#numbers[r]!,
        key: (r) => this.#keys[r]!,
      },
      plan,
    );
  }

  /** Takes row r of a block. */
  add(raw: RawBlock, r: number, view: Pick<BlockView, "rowNumber" | "key">): void {
    const i = this.#count++;
    for (const [j, column] of this.#numeric.entries()) column[i] = raw.numeric[j]![r]!;
    for (const [f, codes] of this.#codes.entries()) codes[i] = raw.codes[f]![r]!;
    if (this.#weights !== undefined) this.#weights[i] = raw.weights![r]!;
    this.#numbers[i] = view.rowNumber(r);
    this.#keys[i] = view.key(r);
    this.#levels = raw.levels;
    if (this.#count === BLOCK_ROWS) this.#flush();
  }

  #flush(): void {
    if (this.#count > 0) this.#job.add(this.#count);
    this.#count = 0;
  }

  finish(): FoldSums[] {
    this.#flush();
    return this.#job.finish();
  }
}

/** The sums of all chunks so far, by the groups' numbers. */
export class GroupCvTotal {
  readonly groups: Map<number, CvTotal>;

  constructor({ groups, sums }: GroupCvResult) {
    this.groups = new Map(groups.map((group, i) => [group, new CvTotal(sums[i]!)]));
  }

  absorb(later: GroupCvTotal): this {
    for (const [group, sums] of later.groups) {
      const own = this.groups.get(group);
      if (own === undefined) this.groups.set(group, sums);
      else own.absorb(sums);
    }
    return this;
  }
}
