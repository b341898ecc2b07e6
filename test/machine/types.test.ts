import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/errors.js";
import {
  add,
  cast,
  type DType,
  div,
  GoMachine,
  Graph,
  graphToJson,
  type Kernel,
  mul,
  type Node,
  neg,
  ShapeError,
  sigmoid,
  split,
  sum,
  TapeMachine,
  Tensor,
  type TensorType,
  TypedOp,
  tensor,
  transpose,
} from "../../src/machine/index.js";

const TYPES = [
  "float64",
  "float32",
  "int64",
  "int32",
  "int16",
  "int8",
  "uint64",
  "uint32",
  "uint16",
  "uint8",
  "bool",
] as const;
const BITS: Partial<Record<DType, number>> = {
  int64: 64,
  int32: 32,
  int16: 16,
  int8: 8,
  uint64: 64,
  uint32: 32,
  uint16: 16,
  uint8: 8,
};

/** `value` modulo the range of an integer type, in exact arithmetic. */
function wrapped(value: bigint, dtype: DType): bigint {
  const bits = BITS[dtype]!;
  return dtype.startsWith("u") ? BigInt.asUintN(bits, value) : BigInt.asIntN(bits, value);
}

async function run(node: Node): Promise<Tensor> {
  return (await new TapeMachine(node.graph, { outputs: [node] }).runAll()).value(node);
}

const exact = (x: Tensor): bigint[] => Array.from(x.data as ArrayLike<number | bigint>, BigInt);

describe("tensors of every type", () => {
  test("are made from numbers, keep their type, and show as numbers", () => {
    for (const dtype of TYPES) {
      const x = tensor(
        [
          [1, 0],
          [1, 1],
        ],
        undefined,
        dtype,
      );
      expect(x.dtype).toBe(dtype);
      expect(x.toArray()).toEqual([
        [1, 0],
        [1, 1],
      ]);
      expect(x.at(1, 1)).toBe(1);
      expect(tensor(x.data).dtype).toBe(dtype === "bool" ? "uint8" : dtype);
    }
  });

  test("hold what their arrays hold", () => {
    expect(() => new Tensor(new Uint8Array(1), [1], "int8")).toThrow("Uint8Array does not hold int8");
    expect(new Tensor(new Uint8Array(1), [1], "bool").dtype).toBe("bool");
    expect(tensor(new BigInt64Array([2n ** 60n + 1n])).bigData[0]).toBe(2n ** 60n + 1n);
    expect(() => tensor([1]).bigData).toThrow(UsageError);
  });
});

describe("integers", () => {
  const integers = TYPES.filter((dtype) => dtype in BITS);
  const edge = fc.oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.bigInt({ min: -5n, max: 5n }),
  );
  const array = (dtype: DType, values: readonly bigint[]) => {
    const own = values.map((value) => wrapped(value, dtype));
    const x = tensor(
      own.map(() => 0),
      undefined,
      dtype,
    );
    if (BITS[dtype] === 64) x.bigData.set(own);
    else x.data.set(own.map(Number));
    return x;
  };

  test("are added, subtracted, multiplied and divided as in exact arithmetic, modulo their range", () =>
    fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...integers),
        fc.array(fc.tuple(edge, edge), { minLength: 1, maxLength: 8 }),
        async (dtype, pairs) => {
          const graph = new Graph();
          const x = array(
            dtype,
            pairs.map(([a]) => a),
          );
          const y = array(
            dtype,
            pairs.map(([, b]) => b),
          );
          const [a, b] = [graph.constant(x), graph.constant(y)];
          const [xs, ys] = [exact(x), exact(y)];
          const want = (f: (p: bigint, q: bigint) => bigint) =>
            xs.map((p, i) => wrapped(f(p, ys[i]!), dtype));
          expect(exact(await run(add(a, b)))).toEqual(want((p, q) => p + q));
          expect(exact(await run(mul(a, b)))).toEqual(want((p, q) => p * q));
          expect(exact(await run(div(a, b)))).toEqual(want((p, q) => (q === 0n ? 0n : p / q)));
          expect(exact(await run(neg(a)))).toEqual(want((p) => -p));
        },
      ),
    ));

  test("are cast as in exact arithmetic, modulo the other range", () =>
    fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...integers),
        fc.constantFrom(...integers),
        fc.array(edge, { minLength: 1, maxLength: 8 }),
        async (from, to, values) => {
          const x = array(from, values);
          const y = cast(new Graph().constant(x), to);
          expect(y.dtype).toBe(to);
          expect(exact(await run(y))).toEqual(exact(x).map((value) => wrapped(value, to)));
        },
      ),
    ));

  test("lose the fractions of floats, and are true unless 0", async () => {
    const x = new Graph().constant([2.9, -2.9, 0, Number.NaN]);
    expect((await run(cast(x, "int64"))).toArray()).toEqual([2, -2, 0, 0]);
    expect((await run(cast(x, "int8"))).toArray()).toEqual([2, -2, 0, 0]);
    expect((await run(cast(x, "bool"))).toArray()).toEqual([1, 1, 0, 1]);
  });

  test("are moved by layout ops and refused by ops of floats", async () => {
    const x = new Graph().constant([[1, 2, 3]], "int64");
    expect((await run(transpose(x))).toArray()).toEqual([[1], [2], [3]]);
    expect(() => sigmoid(x)).toThrow("does not compute with int64");
    expect(() => sigmoid(x)).toThrow(ShapeError);
  });
});

/** A type of its own, two results: the quotient as int32 and whether it is whole, from mixed inputs. */
class Quotient extends TypedOp {
  readonly name = "quotient";

  infer([x]: readonly TensorType[]): readonly TensorType[] {
    return [
      { dtype: "int32", shape: x!.shape },
      { dtype: "bool", shape: x!.shape },
    ];
  }

  make([x]: readonly TensorType[]): Kernel {
    return {
      units: x!.shape[0]!,
      cost: 1,
      async run([a, b], quotient, from, to, results) {
        await undefined;
        for (let i = from; i < to; i++) {
          quotient[i] = a![i]! / b![0]!;
          results![1]![i] = a![i]! % b![0]! === 0 ? 1 : 0;
        }
      },
    };
  }
}

describe("ops of several results", () => {
  const build = () => {
    const graph = new Graph();
    const x = graph.input("x", [4]);
    const [quotient, whole] = graph.apply(new Quotient(), [x, graph.constant(2, "int32")]).results!;
    return {
      graph,
      x,
      quotient: quotient!,
      whole: whole!,
      both: add(cast(quotient!, "float64"), cast(whole!, "float64")),
    };
  };

  test("of one's own may be of other types than their inputs, and take their time", async () => {
    for (const options of [{}, { workers: 1, threshold: 0 }]) {
      const { graph, x, quotient, whole, both } = build();
      const machines = [
        new TapeMachine(graph, { outputs: [quotient, whole, both] }),
        new GoMachine(graph, { outputs: [quotient, whole, both], ...options }),
      ];
      for (const machine of machines) {
        machine.let(x, [1, 2, 5, 8]);
        const got = await machine.runAll();
        expect(got.value(quotient).data).toEqual(new Int32Array([0, 1, 2, 4]));
        expect(got.value(whole).dtype).toBe("bool");
        expect(got.value(whole).toArray()).toEqual([0, 1, 0, 1]);
        expect(got.value(both).toArray()).toEqual([0, 2, 2, 5]);
        await machine.close();
      }
    }
    const outside = await new Quotient().doAll([tensor([9, 4]), tensor([2], [], "int32")]);
    expect(outside.map((each) => each.toArray())).toEqual([
      [4, 2],
      [0, 1],
    ]);
  });

  test("are written where only one of them is read", async () => {
    const graph = new Graph();
    const x = graph.input("x", [2, 6]);
    const parts = split(x, [1, 2, 3], 1);
    const machine = new GoMachine(graph, { outputs: [sum(parts[1]!)], workers: 2, threshold: 0 });
    machine.let(x, [
      [1, 2, 3, 4, 5, 6],
      [7, 8, 9, 10, 11, 12],
    ]);
    const { value } = await machine.runAll();
    expect(value.name).toBe("value");
    expect((await machine.runAll()).value(graph.nodes.at(-1)!).item()).toBe(2 + 3 + 8 + 9);
    await machine.close();
  });

  test("are folded with their op, and drawn", async () => {
    const graph = new Graph();
    const parts = split(graph.constant([1, 2, 3]), [1, 2]);
    expect((await run(mul(parts[1]!, 2))).toArray()).toEqual([4, 6]);
    expect(graphToJson(graph).nodes.map(({ op }) => op)).toEqual([
      undefined,
      "split",
      "result",
      undefined,
      "mul",
    ]);
  });

  test("say what does not fit", () => {
    const x = new Graph().constant([1, 2, 3]);
    expect(() => split(x, [1, 1])).toThrow("axis 0 of 3 is not made of [1, 1]");
    expect(() => split(x, [3], 1)).toThrow("axis 1 is not one of the 1 axes of 3");
  });
});
