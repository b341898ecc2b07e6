import { type Attributes, Result, type TypedOp } from "../op.js";
import { Binary } from "./binary.js";
import { Padding, Select, Stride, Triangle } from "./boxes.js";
import { Cast } from "./cast.js";
import { Contraction } from "./contraction.js";
import { Convolution, TransposedConvolution } from "./convolution.js";
import { PairwiseCoupling } from "./coupling.js";
import { DeformedWindows } from "./deformation.js";
import { Elementwise } from "./elementwise.js";
import { type FunctionName, MathFunction, mathFunctions } from "./functions.js";
import { Gather, GatherElements, GatherTuples, ScatterElements, ScatterTuples } from "./gathering.js";
import { LANE_OPS, Lanes } from "./lanes.js";
import { BroadcastTo, Concat, Reshape, Slice, Transpose } from "./layout.js";
import { Lookup } from "./lookup.js";
import { Matmul } from "./matmul.js";
import { BatchNormalization, LayerNormalization, LocalResponseNormalization } from "./normalization.js";
import { PAIRWISE, Pairwise } from "./pairwise.js";
import { Pooling, Unpooling } from "./pooling.js";
import { PoolingGradient } from "./pooling-gradient.js";
import { Quantize } from "./quantization.js";
import { Recurrent } from "./recurrent.js";
import { Reduce } from "./reduce.js";
import { ArgReduction, REDUCTIONS, Reduction } from "./reductions.js";
import { RegionMaximum } from "./region-pooling.js";
import { ResizeAxis } from "./resize.js";
import { GridSample, RegionAlign } from "./sampling.js";
import { GridPlaceGradient, GridSampleGradient } from "./sampling-gradient.js";
import { Softmax } from "./softmax.js";
import { Split } from "./split.js";
import { TopK } from "./top.js";
import { TreeEnsemble } from "./trees.js";
import { Unary } from "./unary.js";
import { Where } from "./where.js";
import { Work } from "./work.js";

// biome-ignore lint/suspicious/noExplicitAny: attributes come back from the op that they were read from
const factories: Record<string, (attributes: any) => TypedOp> = {
  broadcastTo: (attributes) => new BroadcastTo(attributes),
  cast: (attributes) => new Cast(attributes),
  concat: (attributes) => new Concat(attributes),
  matmul: (attributes) => new Matmul(attributes),
  result: (attributes) => new Result(attributes),
  reshape: (attributes) => new Reshape(attributes),
  slice: (attributes) => new Slice(attributes),
  softmax: (attributes) => new Softmax(attributes),
  split: (attributes) => new Split(attributes),
  transpose: (attributes) => new Transpose(attributes),
  where: () => new Where(),
  batchNormalization: (attributes) => new BatchNormalization(attributes),
  contraction: (attributes) => new Contraction(attributes),
  pairwiseCoupling: () => new PairwiseCoupling(),
  convolution: (attributes) => new Convolution(attributes),
  deformedWindows: (attributes) => new DeformedWindows(attributes),
  elementwise: (attributes) => new Elementwise(attributes),
  gather: (attributes) => new Gather(attributes),
  gatherElements: (attributes) => new GatherElements(attributes),
  gatherTuples: (attributes) => new GatherTuples(attributes),
  gridPlaceGradient: (attributes) => new GridPlaceGradient(attributes),
  gridSampleGradient: (attributes) => new GridSampleGradient(attributes),
  gridSample: (attributes) => new GridSample(attributes),
  layerNormalization: (attributes) => new LayerNormalization(attributes),
  localResponseNormalization: (attributes) => new LocalResponseNormalization(attributes),
  lookup: (attributes) => new Lookup(attributes),
  padding: (attributes) => new Padding(attributes),
  poolingGradient: (attributes) => new PoolingGradient(attributes),
  quantize: (attributes) => new Quantize(attributes),
  regionAlign: (attributes) => new RegionAlign(attributes),
  regionMaximum: (attributes) => new RegionMaximum(attributes),
  resizeAxis: (attributes) => new ResizeAxis(attributes),
  scatterElements: (attributes) => new ScatterElements(attributes),
  scatterTuples: (attributes) => new ScatterTuples(attributes),
  select: () => new Select(),
  stride: (attributes) => new Stride(attributes),
  topK: (attributes) => new TopK(attributes),
  transposedConvolution: (attributes) => new TransposedConvolution(attributes),
  treeEnsemble: (attributes) => new TreeEnsemble(attributes),
  triangle: (attributes) => new Triangle(attributes),
  unpooling: (attributes) => new Unpooling(attributes),
  work: (attributes) => new Work(attributes),
};
for (const name of ["add", "sub", "mul", "div", "pow", "gt", "ge", "lt", "le", "eq", "ne"] as const) {
  factories[name] = () => new Binary(name);
}
for (const name of [
  "neg",
  "exp",
  "log",
  "sqrt",
  "abs",
  "sign",
  "square",
  "sigmoid",
  "tanh",
  "relu",
] as const) {
  factories[name] = () => new Unary(name);
}
for (const name of ["sum", "mean", "max"] as const) {
  factories[name] = (attributes) => new Reduce(name, attributes);
}

for (const name of Object.keys(mathFunctions) as FunctionName[]) {
  factories[name] = (attributes) => new MathFunction(name, attributes);
}
for (const name of PAIRWISE) factories[name] = () => new Pairwise(name);
for (const name of REDUCTIONS) factories[name] = (attributes) => new Reduction(name, attributes);
for (const name of LANE_OPS) factories[name] = (attributes) => new Lanes(name, attributes);
for (const name of ["argMax", "argMin"] as const) {
  factories[name] = (attributes) => new ArgReduction(name, attributes);
}
for (const name of ["maxPooling", "averagePooling", "normPooling"] as const) {
  factories[name] = (attributes) => new Pooling(name, attributes);
}
for (const name of ["rnn", "gru", "lstm"] as const) {
  factories[name] = (attributes) => new Recurrent(name, attributes);
}

/** Makes a portable op anew from its name and attributes, in a worker thread. */
export function rebuildOp(name: string, attributes: Attributes): TypedOp {
  const factory = factories[name];
  if (factory === undefined) throw new Error(`no op is called ${name}`);
  return factory(attributes);
}
