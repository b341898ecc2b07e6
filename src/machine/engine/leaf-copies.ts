import type { Plan } from "../plan.js";
import type { Data } from "../tensor.js";
import { type Memory, viewOf } from "./memory.js";

/** Leaves' values in a machine's memory, where all threads and kernels see them. */
export class LeafCopies {
  private readonly memory: Memory;
  private readonly plan: Plan;
  private readonly copies: (Data[] | undefined)[] = [];

  constructor(memory: Memory, plan: Plan) {
    this.memory = memory;
    this.plan = plan;
  }

  /** A copy of a leaf's value; one that `isRead` says no run needs is written over. */
  adopt(leaf: number, data: Data, isRead: (copy: Data) => boolean): Data {
    this.copies[leaf] ??= [];
    const copies = this.copies[leaf];
    let copy = copies.find((own) => !isRead(own));
    if (copy === undefined) {
      const { node, size } = this.plan.leaves[leaf]!;
      copy = viewOf(this.memory.pages, node.dtype, this.memory.take(data.byteLength), size);
      copies.push(copy);
    }
    copy.set(data);
    return copy;
  }
}
