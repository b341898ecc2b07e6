export { Sequence, ValuesNeeded } from "./builder.js";
export { differenceOf, type Tolerance } from "./difference.js";
export { type ExternalData, StringTensor, tensorOf } from "./elements.js";
export { type ExportOptions, toOnnx } from "./export.js";
export { OnnxMachine, type OnnxMachineOptions, type OnnxRun, type OnnxTensor } from "./machine.js";
export { readOptionalProto, readSequenceProto, readTensorProto } from "./messages.js";
export {
  formatDeclared,
  type GraphOptions,
  type LoadOptions,
  loadOnnx,
  type OnnxGraph,
  type OnnxInput,
  OnnxModel,
  type OnnxValue,
} from "./model.js";
export { readNpy, writeNpy } from "./npy.js";
export { operationsOf } from "./work.js";
