import type { Node } from "../graph.js";
import type { TypedOp } from "../op.js";
import { Binary } from "../ops/binary.js";
import { Padding, Select, Stride, Triangle } from "../ops/boxes.js";
import { Cast } from "../ops/cast.js";
import { Contraction } from "../ops/contraction.js";
import { Convolution, TransposedConvolution } from "../ops/convolution.js";
import { MathFunction } from "../ops/functions.js";
import { Gather, GatherElements, GatherTuples, ScatterElements, ScatterTuples } from "../ops/gathering.js";
import { Lanes } from "../ops/lanes.js";
import { BroadcastTo, Concat, Reshape, Slice, Transpose } from "../ops/layout.js";
import { Matmul } from "../ops/matmul.js";
import { BatchNormalization, LayerNormalization, LocalResponseNormalization } from "../ops/normalization.js";
import { Pairwise } from "../ops/pairwise.js";
import { Pooling, Unpooling } from "../ops/pooling.js";
import { PoolingGradient } from "../ops/pooling-gradient.js";
import { Recurrent } from "../ops/recurrent.js";
import { Reduce } from "../ops/reduce.js";
import { Reduction } from "../ops/reductions.js";
import { ResizeAxis } from "../ops/resize.js";
import { GridSample } from "../ops/sampling.js";
import { Softmax } from "../ops/softmax.js";
import { Split } from "../ops/split.js";
import { TopK } from "../ops/top.js";
import { Unary } from "../ops/unary.js";
import { Where } from "../ops/where.js";
import { Work } from "../ops/work.js";
import { convolved, transposedConvolved } from "./convolution.js";
import type { Derivative } from "./derivative.js";
import { binary, choice, unary } from "./elementwise.js";
import { mapped } from "./functions.js";
import { joined, repeated, reshaped, sliced, transposed } from "./layout.js";
import { batchNormalised, layerNormalised, locallyNormalised } from "./normalization.js";
import { throughTime } from "./recurrence.js";
import { multiplied, normalised, reduced } from "./reductions.js";
import {
  chosen,
  contracted,
  converted,
  cut,
  gathered,
  gatheredElements,
  gatheredTuples,
  greatestOf,
  halved,
  pooled,
  pooledAgain,
  resized,
  sampled,
  scatteredElements,
  scatteredTuples,
  strode,
  surrounded,
  unpooled,
} from "./selection.js";
import { alongLanes, paired, summarised } from "./statistics.js";

const byClass: readonly (readonly [abstract new (...args: never[]) => TypedOp, Derivative])[] = [
  [Unary, (inputs, output, g) => [unary[(output.op as Unary).name](inputs[0]!, output, g)]],
  [
    Binary,
    (inputs, output, g, wanted, all, gradients) =>
      binary[(output.op as Binary).name](inputs, output, g, wanted, all, gradients),
  ],
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
  [MathFunction, mapped],
  [Pairwise, paired],
  [Reduction, summarised],
  [Lanes, alongLanes],
  [Convolution, convolved],
  [TransposedConvolution, transposedConvolved],
  [Pooling, pooled],
  [PoolingGradient, pooledAgain],
  [BatchNormalization, batchNormalised],
  [LayerNormalization, layerNormalised],
  [LocalResponseNormalization, locallyNormalised],
  [Split, cut],
  [Select, chosen],
  [Cast, converted],
  [Padding, surrounded],
  [Triangle, halved],
  [Stride, strode],
  [Gather, gathered],
  [GatherElements, gatheredElements],
  [GatherTuples, gatheredTuples],
  [ScatterElements, scatteredElements],
  [ScatterTuples, scatteredTuples],
  [ResizeAxis, resized],
  [Contraction, contracted],
  [Recurrent, throughTime],
  [GridSample, sampled],
  [TopK, greatestOf],
  [Unpooling, unpooled],
];
const table = new Map<unknown, Derivative>(byClass);

/** Whether an op's derivative is that of all its results. */
export function isOfAllResults(op: TypedOp): boolean {
  return op instanceof Split || op instanceof Recurrent;
}

/** How `op` is differentiated: by its own `gradient`, or as this library's ops are; undefined where neither says. */
export function derivativeOf(op: TypedOp): Derivative | undefined {
  const { gradient } = op;
  if (gradient === undefined) return table.get(op.constructor);
  return (inputs, output, upstream, wanted) =>
    // Ops of one's own make nodes of the same graph, by functions that give this class.
    gradient.call(op, inputs, output, upstream, wanted) as readonly (Node | undefined)[];
}
