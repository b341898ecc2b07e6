import type { Node } from "../graph.js";
import type { TypedOp } from "../op.js";
import { Binary } from "../ops/binary.js";
import { BroadcastTo, Concat, Reshape, Slice, Transpose } from "../ops/layout.js";
import { Matmul } from "../ops/matmul.js";
import { Reduce } from "../ops/reduce.js";
import { Softmax } from "../ops/softmax.js";
import { Unary } from "../ops/unary.js";
import { Where } from "../ops/where.js";
import { Work } from "../ops/work.js";
import type { Derivative } from "./derivative.js";
import { binary, choice, unary } from "./elementwise.js";
import { joined, repeated, reshaped, sliced, transposed } from "./layout.js";
import { multiplied, normalised, reduced } from "./reductions.js";

const byClass: readonly (readonly [abstract new (...args: never[]) => TypedOp, Derivative])[] = [
  [Unary, (inputs, output, g) => [unary[(output.op as Unary).name](inputs[0]!, output, g)]],
  [Binary, (inputs, output, g, wanted) => binary[(output.op as Binary).name](inputs, output, g, wanted)],
  [Where, choice],
  [Matmul, multiplied],
  [Reduce, reduced],
  [Softmax, normalised],
  [Transpose, transposed],
  [Reshape, reshaped],
  [BroadcastTo, repeated],
  [Slice, sliced],
  [Concat, joined],
  [Work, (_inputs, _output, upstream) => [upstream]],
];
const table = new Map<unknown, Derivative>(byClass);

/** How `op` is differentiated: by its own `gradient`, or as this library's ops are; undefined where neither says. */
export function derivativeOf(op: TypedOp): Derivative | undefined {
  const { gradient } = op;
  if (gradient === undefined) return table.get(op.constructor);
  return (inputs, output, upstream, wanted) =>
    // Ops of one's own make nodes of the same graph, by functions that give this class.
    gradient.call(op, inputs, output, upstream, wanted) as readonly (Node | undefined)[];
}
