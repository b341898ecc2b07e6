export type { Receiver, Sender } from "../parallel/channel.js";
export { Channel, ChannelClosedError, EMPTY } from "../parallel/channel.js";
export { type Arm, type Selected, select } from "../parallel/select.js";
export { type Task, TaskGroup, type TaskGroupOptions } from "../parallel/task-group.js";
export { grad } from "./derivatives/gradient.js";
export type {
  Device,
  DeviceLimits,
  DeviceProgram,
  DeviceSpan,
  DeviceSpeed,
  DeviceStep,
  DeviceValue,
  LoadedProgram,
} from "./device/device.js";
export { DeviceError } from "./device/device-error.js";
export type { DeviceKernel, DeviceKernels, Pass, PassBuffer } from "./device/device-kernel.js";
export type { DeviceOptions, Placed } from "./device/device-part.js";
export type { Placement } from "./device/placement.js";
export type { MemoryShare } from "./engine/memory.js";
export { Memory } from "./engine/memory.js";
export { MachineClosedError, OpError, ShapeError } from "./errors.js";
export { fuse } from "./fusion/fuse.js";
export type { Fused } from "./fusion/rewriting.js";
export { GoMachine, type GoMachineOptions, type LeafValues } from "./go-machine.js";
export { Graph, type Leaf, type Node, type Operand, type Value } from "./graph.js";
export { type IterateOptions, type Iteration, iterate } from "./iterate.js";
export type { Machine, MachineOptions, Run, RunOptions } from "./machine.js";
export type { OpNode } from "./op.js";
export { type Attributes, type Kernel, Op, type TensorType, TypedOp } from "./op.js";
export { add, div, eq, ge, gt, le, lt, mul, ne, pow, sub } from "./ops/binary.js";
export type { PaddingMode } from "./ops/boxes.js";
export { Padding, Select, Stride, Triangle } from "./ops/boxes.js";
export { cast } from "./ops/cast.js";
export { Contraction } from "./ops/contraction.js";
export type { ConvolutionAttributes } from "./ops/convolution.js";
export { Convolution, TransposedConvolution } from "./ops/convolution.js";
export type { FunctionName, Parameters } from "./ops/functions.js";
export { mathFunction } from "./ops/functions.js";
export type { Combination } from "./ops/gathering.js";
export { Gather, GatherElements, GatherTuples, ScatterElements, ScatterTuples } from "./ops/gathering.js";
export type { GridSampleAttributes } from "./ops/grid-taps.js";
export type { LaneAttributes } from "./ops/lanes.js";
export { Lanes } from "./ops/lanes.js";
export { broadcastTo, concat, reshape, slice, transpose } from "./ops/layout.js";
export type { LookupAttributes } from "./ops/lookup.js";
export { Lookup } from "./ops/lookup.js";
export { matmul } from "./ops/matmul.js";
export { BatchNormalization, LayerNormalization, LocalResponseNormalization } from "./ops/normalization.js";
export type { PairwiseName } from "./ops/pairwise.js";
export { pairwise } from "./ops/pairwise.js";
export type { PoolingAttributes, PoolingName } from "./ops/pooling.js";
export { Pooling, Unpooling } from "./ops/pooling.js";
export { Quantize } from "./ops/quantization.js";
export type { RecurrentAttributes } from "./ops/recurrent.js";
export { Recurrent } from "./ops/recurrent.js";
export { max, mean, sum } from "./ops/reduce.js";
export type { ReductionAttributes } from "./ops/reductions.js";
export { ArgReduction, Reduction } from "./ops/reductions.js";
export type { ResizeAttributes } from "./ops/resize.js";
export { ResizeAxis } from "./ops/resize.js";
export type { RegionAttributes } from "./ops/sampling.js";
export { GridSample, RegionAlign } from "./ops/sampling.js";
export { softmax } from "./ops/softmax.js";
export { split } from "./ops/split.js";
export { TopK } from "./ops/top.js";
export type { TreeAttributes } from "./ops/trees.js";
export { TreeEnsemble } from "./ops/trees.js";
export { abs, exp, log, neg, relu, sigmoid, sign, sqrt, square, tanh } from "./ops/unary.js";
export { where } from "./ops/where.js";
export { work } from "./ops/work.js";
export { type GraphDocument, graphToDot, graphToJson, graphToMermaid } from "./render.js";
export type { Shape } from "./shape.js";
export type { CutEdge, CutProgram } from "./sites/cut-edge.js";
export { localSites } from "./sites/in-process.js";
export { CHUNK_BYTES, Mailbox } from "./sites/mailbox.js";
export { place } from "./sites/placement.js";
export { RankError, type RankFailure } from "./sites/rank-error.js";
export { type ShardedGraph, type ShardOptions, shardBatch } from "./sites/shard-batch.js";
export type { SiteLink, Sites } from "./sites/sites.js";
export { TapeMachine } from "./tape-machine.js";
export { type BigData, type Data, type DType, type Nested, Tensor, tensor } from "./tensor.js";
export type { ChromeEvent, Span, Trace } from "./trace.js";
