import type { Plan } from "../plan.js";
import { allocate, type Data, type DType } from "../tensor.js";
import { BoundFrame } from "./bound-frame.js";
import { type SharedPages, viewOf } from "./memory.js";
import type { Places } from "./places.js";

/** The values of a machine's leaves now, undefined where an input has none; the version counts their changes. */
export interface Leaves {
  readonly values: (Data | undefined)[];
  version: number;
}

/** A frame as the caller's thread sees it. */
export class CallerFrame {
  readonly bound: BoundFrame;
  private readonly plan: Plan;
  /** The leaves of the run that has the frame. */
  private readonly leaves: (Data | undefined)[];
  private readonly place: (step: number) => Data;
  private version = -1;
  private freshOutputs = false;

  /**
   * @param values where in `pages` the frame's values begin, in bytes
   * @param unknown errors in place of kernels, for steps that have none
   */
  constructor(
    plan: Plan,
    pages: SharedPages,
    values: number,
    places: Places,
    unknown?: Map<number, unknown>,
  ) {
    const { steps } = plan;
    this.plan = plan;
    this.leaves = new Array(plan.leaves.length).fill(undefined);
    this.place = (index) => {
      const { node, size } = steps[index]!;
      return viewOf(pages, node.dtype, values + places.offsets[index]!, size);
    };
    this.bound = new BoundFrame(
      {
        inputs: steps.map((step) => step.inputs),
        leafOf: (index) => steps[index]!.leaf,
        leaf: (leaf) => this.leaves[leaf]!,
        value: this.place,
        kernel(index) {
          if (unknown?.has(index)) throw unknown.get(index);
          return steps[index]!.kernel!;
        },
        resultsOf: (index) => steps[index]!.results,
        moves: (index) => steps[index]!.leaf >= 0 || steps[index]!.output >= 0,
      },
      Int32Array.from(plan.leaves, (step) => step.index),
    );
  }

  /** Takes the leaves' values for a run; true where one lies elsewhere than in the frame's last run. */
  takeLeaves(leaves: Leaves): boolean {
    if (leaves.version === this.version) return false;
    this.version = leaves.version;
    let moved = false;
    for (let leaf = 0; leaf < this.leaves.length; leaf++) {
      const data = leaves.values[leaf]!;
      if (data === this.leaves[leaf]) continue;
      this.leaves[leaf] = data;
      this.bound.move(this.plan.leaves[leaf]!.index, data);
      moved = true;
    }
    return moved;
  }

  /** The value of a leaf in the run that has the frame. */
  leaf(leaf: number): Data | undefined {
    return this.leaves[leaf];
  }

  /** Where the run's outputs are written: into arrays of their own, or to their places in memory. */
  takeOutputs(fresh: boolean): void {
    if (!fresh && !this.freshOutputs) return;
    this.freshOutputs = fresh;
    const { outputs } = this.plan;
    for (let i = 0; i < outputs.length; i++) {
      const { index, leaf, node, size } = outputs[i]!;
      if (leaf < 0) this.bound.move(index, fresh ? allocate(node.dtype, size) : this.place(index));
    }
  }

  /**
   * The outputs' values: copies of those that lie in the machine's memory, unless views are wanted.
   *
   * @param leavesInMemory whether the leaves' values lie there too
   */
  results(views: boolean, leavesInMemory: boolean): Data[] {
    const { outputs } = this.plan;
    const results = new Array<Data>(outputs.length);
    for (let i = 0; i < outputs.length; i++) {
      const { index, leaf, node } = outputs[i]!;
      const data = this.bound.value(index);
      const inMemory = leaf < 0 ? !this.freshOutputs : leavesInMemory;
      results[i] = inMemory && !views ? copyOf(node.dtype, data) : data;
    }
    return results;
  }
}

function copyOf(dtype: DType, data: Data): Data {
  const copy = allocate(dtype, data.length);
  copy.set(data);
  return copy;
}
