import * as ort from "onnxruntime-node";
import { expect } from "vitest";
import { Tensor } from "../../src/machine/index.js";
import { loadOnnx, OnnxMachine, type OnnxMachineOptions, StringTensor } from "../../src/onnx/index.js";
import { sameBits } from "../machine/random.js";
import { type AttributeValue, modelProto, nodeProto, TYPE, valueProto } from "./protos.js";

/** A model of one node. */
export interface Given {
  readonly op: string;
  /** Of ONNX's own domain where that is left out. */
  readonly domain?: string;
  /** Undefined where an input is left out. */
  readonly inputs: Readonly<Record<string, Tensor | StringTensor | undefined>>;
  readonly outputs: Readonly<Record<string, { rank: number; type: number }>>;
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  readonly opset?: number;
  /** Whether machines with worker threads are to give the same bits, too. */
  readonly workers?: boolean;
}

const TYPES: Readonly<Record<string, number>> = {
  string: TYPE.string,
  int64: TYPE.int64,
  bool: TYPE.bool,
  float32: TYPE.float,
  float64: TYPE.double,
  uint8: TYPE.uint8,
  int8: TYPE.int8,
};

/** What a node gives on the tape and the go machine, with and without fusion and threads: the same bits. */
async function ours(bytes: Uint8Array, inputs: ReadonlyMap<string, Tensor | StringTensor>, workers = false) {
  const machines: OnnxMachineOptions[] = [
    { machine: "tape" },
    { machine: "tape", fusion: false },
    { machine: "go" },
  ];
  if (workers) machines.push({ machine: "go", workers: 2, threshold: 0 });
  let first: ReadonlyMap<string, unknown> | undefined;
  for (const options of machines) {
    const machine = new OnnxMachine(loadOnnx(bytes), options);
    const { outputs } = await machine.run(inputs);
    await machine.close();
    for (const [name, value] of outputs) {
      const other = first?.get(name);
      if (value instanceof Tensor && other instanceof Tensor)
        expect(sameBits(value.data, other.data)).toBe(true);
    }
    first ??= outputs;
  }
  return first!;
}

/** The bytes of a model of one node. */
function modelOf({ op, domain = "", inputs, outputs, attributes, opset = 20 }: Given): Uint8Array {
  const given = Object.entries(inputs);
  return modelProto(
    {
      inputs: given.flatMap(([name, value]) =>
        value === undefined ? [] : [valueProto(name, value.shape, TYPES[value.dtype])],
      ),
      outputs: Object.entries(outputs).map(([name, { rank, type }]) =>
        valueProto(
          name,
          Array.from({ length: rank }, (_, axis) => `${name}${axis}`),
          type,
        ),
      ),
      nodes: [
        nodeProto(
          op,
          given.map(([name, value]) => (value === undefined ? "" : name)),
          Object.keys(outputs),
          attributes,
          domain,
        ),
      ],
    },
    {
      opset,
      irVersion: opset > 22 ? 12 : opset > 20 ? 10 : 9,
      ...(domain !== "" && { domains: { [domain]: 5 } }),
    },
  );
}

/** What a model of one node gives here, and what it should: that which onnxruntime gives. */
export async function agree(given: Given): Promise<void> {
  const { inputs, outputs, workers } = given;
  const bytes = modelOf(given);
  const there = Object.entries(inputs).flatMap(([name, value]): [string, Tensor | StringTensor][] =>
    value === undefined ? [] : [[name, value]],
  );
  const results = await ours(bytes, new Map(there), workers);
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });
  const feeds = there.map(([name, value]) => [
    name,
    value instanceof StringTensor
      ? new ort.Tensor("string", [...value.strings], value.shape)
      : new ort.Tensor(value.dtype as "float32", value.data as Float32Array, value.shape),
  ]);
  const theirs = await session.run(Object.fromEntries(feeds));
  for (const name of Object.keys(outputs)) {
    const [got, want] = [results.get(name)!, theirs[name]!];
    if (!(got instanceof Tensor)) {
      expect((got as StringTensor).strings).toEqual([...(want.data as unknown as string[])]);
      expect((got as StringTensor).shape).toEqual(want.dims);
      continue;
    }
    expect(got.shape).toEqual(want.dims);
    const values = Array.from(want.data as Float32Array, Number);
    // Sums of a few products in another order.
    for (const [i, v] of values.entries()) {
      const own = Number(got.data[i]);
      if (!Number.isFinite(v)) expect(own).toBe(v);
      else expect(Math.abs(v - own)).toBeLessThanOrEqual(1e-5 * (1 + Math.abs(v)));
    }
  }
}
