import type { Plan } from "../plan.js";
import type { Data } from "../tensor.js";
import { type MemoryShare, viewOf } from "./memory.js";

/** Leaves' values in a machine's memory, where all threads and kernels see them. */
export class LeafCopies {
  private readonly memory: MemoryShare;
  private readonly plan: Plan;
  private readonly copies: (Data[] | undefined)[] = [];

  constructor(memory: MemoryShare, plan: Plan) {
    this.memory = memory;
    this.plan = plan;
  }

  /** A copy of a leaf's value; one that `isRead` says no run needs is written over. */
  adopt(leaf: number, data: Data, isRead: (copy: Data) => boolean): Data {
    this.copies[leaf] ??= [];
    const copies = this.copies[leaf];
    const { node, size, fixed } = this.plan.leaves[leaf]!;
    // Written once, and shared with other machines on the same memory.
    if (fixed !== undefined) {
      copies[0] ??= this.memory.constant(fixed, node.dtype);
      return copies[0];
    }
    let copy = copies.find((own) => !isRead(own));
    if (copy === undefined) {
      copy = viewOf(this.memory.pages, node.dtype, this.memory.take(data.byteLength), size);
      copies.push(copy);
    }
    copy.set(data);
    return copy;
  }
}
