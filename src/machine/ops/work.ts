import { UsageError } from "../../errors.js";
import { applyOp, type Node, type Operand } from "../graph.js";
import { type Attributes, checkArity, type Kernel, Op } from "../op.js";
import { type Shape, sizeOf } from "../shape.js";

/** About how long one round of `Work` takes, in nanoseconds. */
const ROUND_NS = 1.65;

/** The identity, after a given amount of CPU work per element: a load for benchmarks. */
export class Work extends Op {
  readonly name = "work";
  override readonly attributes: Attributes & { rounds: number };
  override readonly portable = true;

  constructor(attributes: { rounds: number }) {
    super();
    const { rounds } = attributes;
    if (!Number.isInteger(rounds) || rounds < 0)
      throw new UsageError(`work: rounds is 0 or more, got ${rounds}`);
    this.attributes = attributes;
  }

  inferShape(shapes: readonly Shape[]): Shape {
    checkArity(shapes, 1);
    return shapes[0]!;
  }

  prepare(_shapes: readonly Shape[], output: Shape): Kernel {
    const { rounds } = this.attributes;
    const units = sizeOf(output);
    return {
      units,
      cost: units * rounds * ROUND_NS,
      run: ([a], out, from, to) => {
        for (let i = from; i < to; i++) out[i] = a![i]! + busy(rounds);
      },
    };
  }
}

/**
 * x, after `rounds` rounds of integer arithmetic per element.
 *
 * @example
 * ```js
 * import { Graph, TapeMachine, work } from "goml/machine";
 *
 * const graph = new Graph();
 * const y = work(graph.parameter("x", 3), 1000);
 * console.log((await new TapeMachine(graph, { outputs: [y] }).runAll()).value(y).item()); // 3
 * ```
 */
export const work = (x: Operand, rounds: number): Node => applyOp(new Work({ rounds }), [x]);

/** Runs a 32-bit xorshift generator (Marsaglia 2003), which never yields 0, and returns 0 in the end. */
function busy(rounds: number): number {
  let state = 0x9e3779b9 | 0;
  for (let i = 0; i < rounds; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
  }
  return state === 0 ? 1 : 0;
}
