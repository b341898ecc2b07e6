import type { DeviceKernel, DeviceKernels } from "../../machine/device/device-kernel.js";
import { Result, type TensorType, type TypedOp } from "../../machine/op.js";
import { Binary } from "../../machine/ops/binary.js";
import { Padding, Select, Stride, Triangle } from "../../machine/ops/boxes.js";
import { Cast } from "../../machine/ops/cast.js";
import { Contraction } from "../../machine/ops/contraction.js";
import { Convolution, TransposedConvolution } from "../../machine/ops/convolution.js";
import { Elementwise } from "../../machine/ops/elementwise.js";
import { MathFunction } from "../../machine/ops/functions.js";
import {
  Gather,
  GatherElements,
  GatherTuples,
  ScatterElements,
  ScatterTuples,
} from "../../machine/ops/gathering.js";
import { Lanes } from "../../machine/ops/lanes.js";
import { BroadcastTo, Concat, Reshape, Slice, Transpose } from "../../machine/ops/layout.js";
import { Matmul } from "../../machine/ops/matmul.js";
import {
  BatchNormalization,
  LayerNormalization,
  LocalResponseNormalization,
} from "../../machine/ops/normalization.js";
import { Pairwise } from "../../machine/ops/pairwise.js";
import { Pooling } from "../../machine/ops/pooling.js";
import { Reduce } from "../../machine/ops/reduce.js";
import { ArgReduction, Reduction } from "../../machine/ops/reductions.js";
import { ResizeAxis } from "../../machine/ops/resize.js";
import { GridSample } from "../../machine/ops/sampling.js";
import { Softmax } from "../../machine/ops/softmax.js";
import { Split } from "../../machine/ops/split.js";
import { TopK } from "../../machine/ops/top.js";
import { Unary } from "../../machine/ops/unary.js";
import { Where } from "../../machine/ops/where.js";
import { sizeOf } from "../../machine/shape.js";
import { cast } from "./casts.js";
import { convolution, transposedConvolution } from "./convolution.js";
import {
  broadcastTo,
  concat,
  padding,
  reshape,
  slice,
  split,
  stride,
  transpose,
  triangle,
} from "./copies.js";
import { elementwise, ofName, pairwise, select, where } from "./elementwise.js";
import { gather, gatherElements, gatherTuples, scatterElements, scatterTuples } from "./gathering.js";
import { pooling } from "./pooling.js";
import { contraction, matmul } from "./products.js";
import { argReduction, reduction } from "./reductions.js";
import {
  batchNormalization,
  lanes,
  layerNormalization,
  localResponseNormalization,
  softmax,
} from "./rows.js";
import { gridSample, resizeAxis } from "./sampling.js";
import { topK } from "./top.js";

type Family<Op extends TypedOp> = (
  op: Op,
  inputs: readonly TensorType[],
  results: readonly TensorType[],
) => DeviceKernel | undefined;

// biome-ignore lint/suspicious/noExplicitAny: constructors differ in what they are given
const families = new Map<unknown, Family<any>>();

// biome-ignore lint/suspicious/noExplicitAny: as above
function put<Op extends TypedOp>(of: new (...given: any[]) => Op, family: Family<Op>): void {
  families.set(of, family);
}

put(Result, () => ({ passes: [], scratch: [], cost: 0 }));
put(Binary, ofName);
put(Unary, ofName);
put(MathFunction, ofName);
put(Pairwise, pairwise);
put(Elementwise, elementwise);
put(Where, where);
put(Select, select);
put(Cast, cast);
put(Matmul, matmul);
put(Contraction, contraction);
put(Convolution, convolution);
put(TransposedConvolution, transposedConvolution);
put(Pooling, pooling);
put(Reduce, reduction);
put(Reduction, reduction);
put(ArgReduction, argReduction);
put(Softmax, softmax);
put(Lanes, lanes);
put(LayerNormalization, layerNormalization);
put(BatchNormalization, batchNormalization);
put(LocalResponseNormalization, localResponseNormalization);
put(Transpose, transpose);
put(Reshape, reshape);
put(BroadcastTo, broadcastTo);
put(Slice, slice);
put(Stride, stride);
put(Split, split);
put(Concat, concat);
put(Padding, padding);
put(Triangle, triangle);
put(Gather, gather);
put(GatherElements, gatherElements);
put(GatherTuples, gatherTuples);
put(ScatterElements, scatterElements);
put(ScatterTuples, scatterTuples);
put(ResizeAxis, resizeAxis);
put(GridSample, gridSample);
put(TopK, topK);

/**
 * The kernels in WGSL of the ops of this library; a user's own op has none, whatever its name. Results agree with the
 * CPU's within `tolerances`, are the same from run to run on one device and driver, and never depend on atomics.
 */
export const kernels: DeviceKernels = (op, inputs, results) => {
  const family = families.get(op.constructor);
  if (family === undefined) return undefined;
  if (results.every(({ shape }) => sizeOf(shape) === 0)) return { passes: [], scratch: [], cost: 0 };
  // What results of nothing are, such as the sum of no elements, is left to the CPU.
  const nothing = inputs.some(({ shape }) => sizeOf(shape) === 0);
  if (nothing && !(op instanceof Concat)) return undefined;
  return family(op, inputs, results);
};
