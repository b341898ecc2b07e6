import type { DeviceProgram } from "../machine/device/device.js";

/** Where the values of a program lie: buffers that several share which are never needed at a time. */
export interface Slots {
  /** For each value its slot; −1 for constants. */
  readonly ofValue: Int32Array;
  /** For each step the slots of its scratch buffers. */
  readonly ofScratch: readonly (readonly number[])[];
  /** The bytes of each slot. */
  readonly bytes: readonly number[];
}

/** No buffer is of less. */
const LEAST = 4;

/**
 * Gives every value of a program a slot. A slot is taken again after the step that reads its value last; what a step reads
 * and what it writes never share one. What the program gives keeps its own to the end.
 */
export function slotsOf({ values, steps, inputs, outputs }: DeviceProgram): Slots {
  const last = new Int32Array(values.length).fill(-1);
  for (const [at, step] of steps.entries())
    for (const value of [...step.inputs, ...step.results]) last[value] = at;
  for (const value of outputs) last[value] = steps.length;
  const ofValue = new Int32Array(values.length).fill(-1);
  const bytes: number[] = [];
  const free = new Set<number>();
  const take = (wanted: number): number => {
    const slot = bestOf(free, bytes, wanted) ?? bytes.push(0) - 1;
    free.delete(slot);
    bytes[slot] = Math.max(LEAST, bytes[slot]!, wanted);
    return slot;
  };
  for (const value of inputs) ofValue[value] = take(values[value]!.bytes);
  const ofScratch = steps.map((step, at) => {
    for (const value of step.results) ofValue[value] = take(values[value]!.bytes);
    const scratch = step.kernel.scratch.map(take);
    for (const slot of scratch) free.add(slot);
    for (const value of new Set([...step.inputs, ...step.results]))
      if (last[value] === at && values[value]!.fixed === undefined) free.add(ofValue[value]!);
    return scratch;
  });
  // What no step writes has room all the same.
  for (const value of outputs)
    if (ofValue[value]! < 0 && values[value]!.fixed === undefined)
      ofValue[value] = take(values[value]!.bytes);
  return { ofValue, ofScratch, bytes };
}

/** Of free slots the smallest that is large enough, else the largest. */
function bestOf(free: Iterable<number>, bytes: readonly number[], wanted: number): number | undefined {
  let best: number | undefined;
  for (const slot of free) {
    const [own, other] = [bytes[slot]!, best === undefined ? -1 : bytes[best]!];
    const better = other >= wanted ? own >= wanted && own < other : own > other;
    if (better) best = slot;
  }
  return best;
}
