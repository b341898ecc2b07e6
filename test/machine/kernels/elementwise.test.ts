import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  GoMachine,
  Graph,
  mathFunction,
  relu,
  sigmoid,
  TapeMachine,
  tanh,
} from "../../../src/machine/index.js";
import {
  type ElementName,
  ElementProgram,
  type ElementStep,
  MOST_STEPS,
} from "../../../src/machine/kernels/elementwise.js";
import { kernelsOn } from "../../../src/machine/kernels/tensor-kernels.js";
import { randomFrom, sameBits } from "../random.js";
import { floats, inMemory, type Placed } from "./in-memory.js";

const TWO = ["add", "sub", "mul", "div", "minimum", "maximum", "prelu"] as const;
const ONE = [
  "neg",
  "abs",
  "sqrt",
  "square",
  "relu",
  "clip",
  "reciprocal",
  "exp",
  "sigmoid",
  "tanh",
  "hardSigmoid",
  "hardSwish",
  "leakyRelu",
  "affine",
  "swish",
] as const;

interface Case {
  readonly steps: readonly ElementStep[];
  readonly given: readonly ("rows" | "columns" | "row" | "one")[];
  readonly rows: number;
  readonly n: number;
  readonly seed: number;
}

const cases: fc.Arbitrary<Case> = fc
  .record({
    given: fc.array(fc.constantFrom("rows", "columns", "row", "one"), { minLength: 1, maxLength: 4 }),
    ops: fc.array(fc.record({ op: fc.constantFrom(...TWO, ...ONE), a: fc.nat(), b: fc.nat() }), {
      minLength: 1,
      maxLength: 12,
    }),
    rows: fc.integer({ min: 1, max: 4 }),
    n: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 500, max: 1100 })),
    seed: fc.nat(1_000_000),
  })
  .map(({ given, ops, rows, n, seed }) => ({
    given: given as Case["given"],
    rows,
    n,
    seed,
    steps: ops.map(({ op, a, b }, i) => ({
      op: op as ElementName,
      inputs: [a, b]
        .slice(0, (TWO as readonly string[]).includes(op) ? 2 : 1)
        .map((k) => k % (given.length + i)),
      alpha: 0.2,
      beta: 0.7,
    })),
  }));

/** Puts operands of a case somewhere and runs it. */
function run({ steps, given, rows, n, seed }: Case, put: (values: Float32Array) => Placed): Float32Array {
  const random = randomFrom(seed);
  const operands = given.map((kind) => {
    const length = kind === "rows" ? rows * n : kind === "columns" ? n : kind === "row" ? rows : 1;
    const { data, at } = put(floats(random, length));
    return {
      data,
      at,
      row: kind === "rows" ? n : kind === "row" ? 1 : 0,
      step: kind === "rows" || kind === "columns" ? (1 as const) : (0 as const),
    };
  });
  const y = put(new Float32Array(rows * n));
  new ElementProgram(steps, given.length).run(operands, y.data, y.at, n, rows, n);
  return Float32Array.from(y.data.subarray(y.at));
}

/** The bits, of numbers that are not numbers no more than that. */
const bits = (values: Float32Array) => Array.from(values, (value) => (Object.is(value, -0) ? "-0" : value));

test("a program has the same bits in WebAssembly as in plain loops, and as its steps one by one", () => {
  const put = inMemory();
  const probe = put(new Float32Array(1));
  expect(kernelsOn(probe.data, [])).toBeDefined();
  fc.assert(
    fc.property(cases, (own) => {
      const inPlain = run(own, (values) => ({ data: values.slice(), at: 0 }));
      expect(bits(run(own, put))).toEqual(bits(inPlain));
      // One at a time, each rounded: operands laid out in full.
      const random = randomFrom(own.seed);
      const values = own.given.map((kind) => {
        const { rows, n } = own;
        const length = kind === "rows" ? rows * n : kind === "columns" ? n : kind === "row" ? rows : 1;
        const drawn = floats(random, length);
        return Float32Array.from({ length: rows * n }, (_, i) => {
          const row = Math.floor(i / n);
          return drawn[kind === "rows" ? i : kind === "columns" ? i - row * n : kind === "row" ? row : 0]!;
        });
      });
      for (const step of own.steps) {
        const y = new Float32Array(own.rows * own.n);
        const operands = step.inputs.map((i) => ({
          data: values[i]!,
          at: 0,
          row: own.n,
          step: 1 as const,
        }));
        const alone = { ...step, inputs: step.inputs.map((_, i) => i) };
        new ElementProgram([alone], operands.length).run(operands, y, 0, own.n, own.rows, own.n);
        values.push(y);
      }
      expect(bits(values.at(-1)!)).toEqual(bits(inPlain));
    }),
    { numRuns: 300 },
  );
});

test("the longest program there may be runs, and one step more is refused", () => {
  const steps = (length: number) =>
    Array.from({ length }, (_, i): ElementStep => ({ op: "neg", inputs: [i] }));
  const put = inMemory();
  const x = put(Float32Array.of(1, 2, 3));
  const y = put(new Float32Array(3));
  new ElementProgram(steps(MOST_STEPS), 1).run([{ ...x, row: 0, step: 1 }], y.data, y.at, 3, 1, 3);
  expect([...y.data.subarray(y.at)]).toEqual(MOST_STEPS % 2 === 0 ? [1, 2, 3] : [-1, -2, -3]);
  expect(() => new ElementProgram(steps(MOST_STEPS + 1), 1)).toThrow(RangeError);
});

describe("functions are those of Math, rounded once: to a unit in the last place at most, and seldom that", () => {
  // In double they are off by some 1e-11 of themselves, so of 10,000 numbers a few may round to the neighbour.
  const SELDOM = 5;
  const swishOf = (x: number) => x / (1 + Math.exp(-x));
  test.each([
    ["exp", Math.exp],
    ["sigmoid", (x: number) => 1 / (1 + Math.exp(-x))],
    ["tanh", Math.tanh],
    ["swish", swishOf],
  ] as const)("%s", (op, f) => {
    const random = randomFrom(11);
    const x = Float32Array.from({ length: 10_000 }, (_, i) =>
      i % 2 === 0 ? (random() - 0.5) * 220 : (random() - 0.5) * 10 ** (-8 * random()),
    );
    const put = inMemory();
    const [a, y] = [put(x), put(new Float32Array(x.length))];
    new ElementProgram([{ op, inputs: [0], alpha: 1 }], 1).run(
      [{ ...a, row: 0, step: 1 }],
      y.data,
      y.at,
      x.length,
      1,
      x.length,
    );
    const order = (value: number) => {
      const [word] = new Int32Array(Float32Array.of(value).buffer);
      return word! < 0 ? -(word! & 0x7fffffff) : word!;
    };
    let off = 0;
    for (let i = 0; i < x.length; i++) {
      const distance = Math.abs(order(y.data[y.at + i]!) - order(Math.fround(f(x[i]!))));
      expect(distance, `${op}(${x[i]})`).toBeLessThanOrEqual(1);
      off += distance;
    }
    expect(off).toBeLessThanOrEqual(SELDOM);
  });
});

test("machines give the same bits whether an op is computed in WebAssembly or, being small, in a plain loop", async () => {
  const random = randomFrom(3);
  const large = floats(random, 3000);
  const outputsOf = (values: Float32Array, workers: number | undefined) => {
    const graph = new Graph();
    const x = graph.input("x", [values.length], "float32");
    const outputs = [sigmoid(x), tanh(x), relu(x), mathFunction("swish", x, { alpha: 1.5 })];
    const machine =
      workers === undefined
        ? new TapeMachine(graph, { outputs })
        : new GoMachine(graph, { outputs, workers, threshold: workers === 0 ? 3000 : 0 });
    machine.let(x, values);
    return machine
      .runAll()
      .then((own) => outputs.map((node) => own.value(node).data as Float32Array))
      .finally(() => machine.close());
  };
  const whole = await outputsOf(large, undefined);
  for (const workers of [0, 2]) {
    const again = await outputsOf(large, workers);
    for (const [i, data] of whole.entries()) expect(sameBits(data, again[i]!)).toBe(true);
  }
  // Pieces of 300 elements, which are computed outside of the memory.
  for (let from = 0; from < large.length; from += 300) {
    const part = await outputsOf(large.slice(from, from + 300), undefined);
    for (const [i, data] of whole.entries())
      expect(bits(part[i]!)).toEqual(bits(data.slice(from, from + 300)));
  }
});
