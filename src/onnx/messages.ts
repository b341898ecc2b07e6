import { type Field, type MessageType, readMessage } from "./wire.js";

// The messages of onnx.proto that goml reads. What ONNX calls int64 is read as a number but where tensors hold it.

export interface TensorProto {
  readonly name?: string;
  readonly dims: readonly number[];
  readonly dataType?: number;
  readonly floatData: readonly number[];
  readonly int32Data: readonly number[];
  readonly stringData: readonly Uint8Array[];
  readonly int64Data: readonly bigint[];
  readonly doubleData: readonly number[];
  readonly uint64Data: readonly bigint[];
  readonly rawData?: Uint8Array;
  readonly externalData: readonly EntryProto[];
  readonly dataLocation?: number;
}

export interface SparseTensorProto {
  readonly values?: TensorProto;
  readonly indices?: TensorProto;
  readonly dims: readonly number[];
}

interface EntryProto {
  readonly key?: string;
  readonly value?: string;
}

export interface AttributeProto {
  readonly name?: string;
  readonly refAttrName?: string;
  readonly f?: number;
  readonly i?: number;
  readonly s?: Uint8Array;
  readonly t?: TensorProto;
  readonly g?: GraphProto;
  readonly sparseTensor?: SparseTensorProto;
  readonly tp?: TypeProto;
  readonly floats: readonly number[];
  readonly ints: readonly number[];
  readonly strings: readonly Uint8Array[];
  readonly tensors: readonly TensorProto[];
  readonly graphs: readonly GraphProto[];
}

export interface NodeProto {
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly name?: string;
  readonly opType?: string;
  readonly domain?: string;
  readonly attribute: readonly AttributeProto[];
}

interface TensorTypeProto {
  readonly elemType?: number;
  readonly shape?: { readonly dim: readonly { readonly dimValue?: number; readonly dimParam?: string }[] };
}

export interface TypeProto {
  readonly tensorType?: TensorTypeProto;
  readonly sequenceType?: { readonly elemType?: TypeProto };
  readonly optionalType?: { readonly elemType?: TypeProto };
  readonly mapType?: object;
  readonly sparseTensorType?: TensorTypeProto;
}

export interface ValueInfoProto {
  readonly name?: string;
  readonly type?: TypeProto;
}

export interface GraphProto {
  readonly node: readonly NodeProto[];
  readonly name?: string;
  readonly initializer: readonly TensorProto[];
  readonly sparseInitializer: readonly SparseTensorProto[];
  readonly input: readonly ValueInfoProto[];
  readonly output: readonly ValueInfoProto[];
}

interface OperatorSetProto {
  readonly domain?: string;
  readonly version?: number;
}

export interface FunctionProto {
  readonly name?: string;
  readonly domain?: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly attribute: readonly string[];
  readonly attributeProto: readonly AttributeProto[];
  readonly node: readonly NodeProto[];
  readonly opsetImport: readonly OperatorSetProto[];
}

export interface ModelProto {
  readonly irVersion?: number;
  readonly producerName?: string;
  readonly producerVersion?: string;
  readonly graph?: GraphProto;
  readonly opsetImport: readonly OperatorSetProto[];
  readonly metadataProps: readonly EntryProto[];
  readonly functions: readonly FunctionProto[];
}

const message = (name: string, fields: Record<number, Field> = {}): MessageType => ({ name, fields });

const entry = message("an entry", { 1: ["key", "text"], 2: ["value", "text"] });
const tensor = message("a tensor", {
  1: ["dims", "integer", "repeated"],
  2: ["dataType", "integer"],
  4: ["floatData", "float", "repeated"],
  5: ["int32Data", "integer", "repeated"],
  6: ["stringData", "bytes", "repeated"],
  7: ["int64Data", "bigint", "repeated"],
  8: ["name", "text"],
  9: ["rawData", "bytes"],
  10: ["doubleData", "double", "repeated"],
  11: ["uint64Data", "bigint", "repeated"],
  13: ["externalData", entry, "repeated"],
  14: ["dataLocation", "integer"],
});
const sparse = message("a sparse tensor", {
  1: ["values", tensor],
  2: ["indices", tensor],
  3: ["dims", "integer", "repeated"],
});
const dimension = message("a dimension", { 1: ["dimValue", "integer"], 2: ["dimParam", "text"] });
const shape = message("a shape", { 1: ["dim", dimension, "repeated"] });
const tensorType = message("a tensor's type", { 1: ["elemType", "integer"], 2: ["shape", shape] });
const type = message("a type");
const elementType = message("a type", { 1: ["elemType", type] });
Object.assign(type.fields, {
  1: ["tensorType", tensorType],
  4: ["sequenceType", elementType],
  5: ["mapType", message("a map's type")],
  8: ["sparseTensorType", tensorType],
  9: ["optionalType", elementType],
} satisfies Record<number, Field>);
const value = message("a value", { 1: ["name", "text"], 2: ["type", type] });
const graph = message("a graph");
const attribute = message("an attribute", {
  1: ["name", "text"],
  2: ["f", "float"],
  3: ["i", "integer"],
  4: ["s", "bytes"],
  5: ["t", tensor],
  6: ["g", graph],
  7: ["floats", "float", "repeated"],
  8: ["ints", "integer", "repeated"],
  9: ["strings", "bytes", "repeated"],
  10: ["tensors", tensor, "repeated"],
  11: ["graphs", graph, "repeated"],
  14: ["tp", type],
  21: ["refAttrName", "text"],
  22: ["sparseTensor", sparse],
});
const node = message("a node", {
  1: ["input", "text", "repeated"],
  2: ["output", "text", "repeated"],
  3: ["name", "text"],
  4: ["opType", "text"],
  5: ["attribute", attribute, "repeated"],
  7: ["domain", "text"],
});
Object.assign(graph.fields, {
  1: ["node", node, "repeated"],
  2: ["name", "text"],
  5: ["initializer", tensor, "repeated"],
  11: ["input", value, "repeated"],
  12: ["output", value, "repeated"],
  15: ["sparseInitializer", sparse, "repeated"],
} satisfies Record<number, Field>);
const operatorSet = message("an operator set", { 1: ["domain", "text"], 2: ["version", "integer"] });
const functionType = message("a function", {
  1: ["name", "text"],
  4: ["input", "text", "repeated"],
  5: ["output", "text", "repeated"],
  6: ["attribute", "text", "repeated"],
  7: ["node", node, "repeated"],
  9: ["opsetImport", operatorSet, "repeated"],
  10: ["domain", "text"],
  11: ["attributeProto", attribute, "repeated"],
});
const model = message("the model", {
  1: ["irVersion", "integer"],
  2: ["producerName", "text"],
  3: ["producerVersion", "text"],
  7: ["graph", graph],
  8: ["opsetImport", operatorSet, "repeated"],
  14: ["metadataProps", entry, "repeated"],
  25: ["functions", functionType, "repeated"],
});
const sequence = message("a sequence", {
  1: ["name", "text"],
  2: ["elemType", "integer"],
  3: ["tensors", tensor, "repeated"],
});
const optional = message("an optional value", {
  1: ["name", "text"],
  2: ["elemType", "integer"],
  3: ["tensor", tensor],
  5: ["sequence", sequence],
});

export interface SequenceProto {
  readonly tensors: readonly TensorProto[];
}

export interface OptionalProto {
  readonly elemType?: number;
  readonly tensor?: TensorProto;
  readonly sequence?: SequenceProto;
}

/** Reads a model. @throws DataError where the bytes are none. */
export const readModelProto = (bytes: Uint8Array): ModelProto =>
  readMessage(model, bytes) as unknown as ModelProto;

/**
 * Reads a tensor that stands in a file of its own, as conformance data do.
 *
 * @example
 * ```js
 * import { readTensorProto } from "goml/onnx";
 *
 * // Two floats: dims, the type, and the bytes.
 * const tensor = [8, 2, 16, 1, 74, 8, ...new Uint8Array(Float32Array.of(1, 2).buffer)];
 * console.log(readTensorProto(Uint8Array.from(tensor)).dims); // [ 2 ]
 * ```
 */
export const readTensorProto = (bytes: Uint8Array): TensorProto =>
  readMessage(tensor, bytes) as unknown as TensorProto;

/**
 * As `readTensorProto`, of a sequence of tensors.
 *
 * @example
 * ```js
 * import { readSequenceProto } from "goml/onnx";
 *
 * // Two floats: dims, the type, and the bytes.
 * const tensor = [8, 2, 16, 1, 74, 8, ...new Uint8Array(Float32Array.of(1, 2).buffer)];
 * const bytes = Uint8Array.from([16, 1, 26, tensor.length, ...tensor]);
 * console.log(readSequenceProto(bytes).tensors.length); // 1
 * ```
 */
export const readSequenceProto = (bytes: Uint8Array): SequenceProto =>
  readMessage(sequence, bytes) as unknown as SequenceProto;

/**
 * As `readTensorProto`, of a value that may be missing.
 *
 * @example
 * ```js
 * import { readOptionalProto } from "goml/onnx";
 *
 * // Two floats: dims, the type, and the bytes.
 * const tensor = [8, 2, 16, 1, 74, 8, ...new Uint8Array(Float32Array.of(1, 2).buffer)];
 * const bytes = Uint8Array.from([16, 1, 26, tensor.length, ...tensor]);
 * console.log(readOptionalProto(bytes).tensor.dims); // [ 2 ]
 * ```
 */
export const readOptionalProto = (bytes: Uint8Array): OptionalProto =>
  readMessage(optional, bytes) as unknown as OptionalProto;
