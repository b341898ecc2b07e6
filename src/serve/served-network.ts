import { randomUUID } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { dirname, join } from "node:path";
import { DataError, ModelError, UsageError } from "../errors.js";
import { loadOnnx, type OnnxModel, type OnnxValue, ValuesNeeded } from "../onnx/index.js";
import { type NetworkTensor, type ServedNetwork, shared } from "./served.js";
import { datatypeOf } from "./tensor.js";

/**
 * An ONNX model as it is served. It is read as a whole, and planned where it says the shapes of all inputs, so that
 * what cannot run takes no other model's place.
 *
 * @param limit the most bytes of it and the files beside it
 * @throws DataError, ModelError for a file that is no model, or one that goml or the protocol cannot do
 */
export function servedNetwork(
  bytes: Uint8Array,
  path: string,
  { name, version, limit }: { name: string; version: string; limit: number },
): ServedNetwork {
  const external = new Map<string, Uint8Array>();
  let left = limit - bytes.length;
  const read = (location: string) => {
    let own = external.get(location);
    if (own === undefined) {
      own = shared(readBeside(join(dirname(path), location), left));
      left -= own.length;
      external.set(location, own);
    }
    return own;
  };
  const model = atFile(path, () => loadOnnx(bytes, { external: read }));
  const odd = model.inputs.find(({ kind }) => kind !== "tensor");
  const outputs = model.outputs.filter(({ kind }) => kind === "tensor");
  if (odd !== undefined)
    throw new ModelError(`${path}: input ${odd.name} is a ${odd.kind}, which the protocol cannot carry`);
  if (outputs.length === 0)
    throw new ModelError(`${path}: no output is a tensor, which is what the protocol can carry`);
  atFile(path, () => checkPlans(model));
  return {
    kind: "network",
    id: randomUUID(),
    name,
    version,
    inputs: model.inputs.map(describe),
    outputs: outputs.map(describe),
    bytes: shared(bytes),
    external,
    about: {
      producer: model.producer,
      opset: model.opsets.get("ai.onnx")!,
      parameters: model.parameters,
      nodes: [...model.ops.values()].reduce((sum, count) => sum + count, 0),
    },
  };
}

/** Plans the model where all lengths are known; the planning of others depends on what is asked. */
function checkPlans(model: OnnxModel): void {
  const types = new Map<
    string,
    { dtype: Exclude<OnnxValue["dtype"], "string" | undefined>; shape: number[] }
  >();
  for (const { name, dtype, shape } of model.inputs) {
    if (dtype === undefined || dtype === "string" || !shape?.every((length) => typeof length === "number"))
      return;
    types.set(name, { dtype, shape: shape as number[] });
  }
  try {
    model.graph(types);
  } catch (error) {
    if (!(error instanceof ValuesNeeded)) throw error;
  }
}

function describe({ name, dtype, shape }: OnnxValue): NetworkTensor {
  return {
    name,
    datatype: datatypeOf(dtype ?? "float32"),
    shape: shape?.map((length) => (typeof length === "number" ? length : -1)) ?? [-1],
  };
}

/** The bytes of a file beside a model; see `readModelFile`. */
function readBeside(path: string, limit: number): Uint8Array {
  const place = { file: path };
  let file: number | undefined;
  try {
    file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const stats = fstatSync(file);
    if (!stats.isFile()) throw new DataError("is not a regular file, expected a model's data", { place });
    if (stats.size > limit)
      throw new DataError(`has ${stats.size} bytes, with which the model passes the limit of a model file`, {
        place,
      });
    const bytes = Buffer.alloc(stats.size);
    for (let at = 0; at < stats.size; ) {
      const count = readSync(file, bytes, at, stats.size - at, at);
      if (count === 0) throw new DataError("has become shorter while it was read", { place });
      at += count;
    }
    return bytes;
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw new DataError(`cannot be read (${(cause as NodeJS.ErrnoException).code})`, { place, cause });
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function atFile<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof DataError) throw error.place.file === undefined ? error.at({ file: path }) : error;
    if (error instanceof ModelError || error instanceof UsageError)
      throw new ModelError(`${path}: ${error.message}`, { cause: error });
    throw error;
  }
}
