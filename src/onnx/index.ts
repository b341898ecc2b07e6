export type { Value } from "./builder.js";
export { Sequence, ValuesNeeded } from "./builder.js";
export { formatDeclared, type OnnxValue } from "./declared.js";
export { differenceOf, type Tolerance } from "./difference.js";
export { type ExternalData, StringTensor, tensorOf } from "./elements.js";
export { type ExportOptions, toOnnx } from "./export.js";
export { OnnxMachine, type OnnxMachineOptions, type OnnxRun, type OnnxTensor } from "./machine.js";
export type { OptionalProto, SequenceProto, TensorProto } from "./messages.js";
export { readOptionalProto, readSequenceProto, readTensorProto } from "./messages.js";
export {
  type GraphOptions,
  type LoadOptions,
  loadOnnx,
  type OnnxGraph,
  type OnnxInput,
  OnnxModel,
} from "./model.js";
export { readNpy, writeNpy } from "./npy.js";
export { operationsOf } from "./work.js";
