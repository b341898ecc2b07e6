import type { Attributes, TensorType } from "../op.js";
import { rebuildOp } from "../ops/registry.js";
import type { Plan } from "../plan.js";
import type { DType } from "../tensor.js";
import type { SharedPages } from "./memory.js";
import { isPortable, type Network } from "./network.js";
import type { Places } from "./places.js";

/** A step for a worker thread, which makes its kernel anew. */
export interface PortableStep {
  readonly op: string;
  readonly attributes: Attributes;
  readonly inputs: readonly TensorType[];
  /** The types of its results: its own value and those of the steps after it. */
  readonly results: readonly TensorType[];
}

/** A value: a leaf by its number, else by its byte offset in a frame. */
export interface PlacedValue {
  readonly dtype: DType;
  readonly size: number;
  readonly leaf: number;
  readonly offset: number;
}

/** All that a worker thread needs to know, sent once. */
export interface Program {
  /** The machine's number in its crew. */
  readonly id: number;
  readonly pages: SharedPages;
  /** Where the control words begin. */
  readonly control: number;
  /** Where the workers' rooms for kernels begin, one behind the other, or −1 where none needs it. */
  readonly rooms: number;
  readonly network: Network;
  readonly callerWorks: boolean;
  /** Frames there may be. */
  readonly capacity: number;
  readonly leaves: number;
  /** For each step, undefined where only the caller can compute it. */
  readonly steps: readonly (PortableStep | undefined)[];
  readonly inputs: readonly (readonly number[])[];
  readonly values: readonly PlacedValue[];
  /** The threads that have a lane in traces, 0 where nothing is traced. */
  readonly lanes: number;
  /** The worker threads that compute. */
  readonly workers: number;
  /** This worker's lane, of those from 1 to `workers`. */
  readonly lane: number;
}

export function portableSteps(plan: Plan): (PortableStep | undefined)[] {
  return plan.steps.map((step) => {
    const { op, inputs, results } = step.node;
    if (typeof op === "string" || !isPortable(step)) return undefined;
    return {
      op: op.name,
      attributes: op.attributes,
      inputs: inputs.map(typeOf),
      results: (results ?? [step.node]).map(typeOf),
    };
  });
}

/** A node's type without the node, which does not cross to workers. */
function typeOf({ dtype, shape }: TensorType): TensorType {
  return { dtype, shape };
}

export function placedValues(plan: Plan, places: Places): PlacedValue[] {
  return plan.steps.map(({ index, node, size, leaf }) => ({
    dtype: node.dtype,
    size,
    leaf,
    offset: places.offsets[index]!,
  }));
}

/** The steps whose op says that workers can rebuild it, and they cannot: what the attempt throws, by number. */
export function unknownSteps(steps: readonly (PortableStep | undefined)[]): Map<number, unknown> {
  const unknown = new Map<number, unknown>();
  for (const [index, step] of steps.entries()) {
    if (step === undefined) continue;
    try {
      rebuildOp(step.op, step.attributes);
    } catch (error) {
      unknown.set(index, error);
    }
  }
  return unknown;
}
