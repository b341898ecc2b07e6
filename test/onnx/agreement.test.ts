import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { Tensor } from "../../src/machine/index.js";
import { loadOnnx, OnnxMachine, type OnnxMachineOptions, StringTensor } from "../../src/onnx/index.js";
import { Message } from "../../src/onnx/protobuf.js";
import { randomFrom, sameBits } from "../machine/random.js";
import { type AttributeValue, modelProto, nodeProto, TYPE, tensorProto, valueProto } from "./protos.js";

/** Float32 sums in another order differ by this much of the greatest; the same bound that real models are held to. */
const RELATIVE = 1e-4;
const ABSOLUTE = 1e-6;

const MACHINES: readonly OnnxMachineOptions[] = [
  { machine: "tape" },
  { machine: "go" },
  { machine: "go", workers: 2 },
];

/** Runs a model here, on every machine, and by onnxruntime; the machines must agree in bits, both nearly. */
async function agree(
  bytes: Uint8Array,
  inputs: Readonly<Record<string, Tensor | StringTensor>>,
): Promise<void> {
  const session = await ort.InferenceSession.create(bytes);
  const feeds = Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => [
      name,
      value instanceof StringTensor
        ? new ort.Tensor("string", [...value.strings], [...value.shape])
        : new ort.Tensor(value.dtype as "float32", value.data as Float32Array, [...value.shape]),
    ]),
  );
  const want = await session.run(feeds);
  let first: ReadonlyMap<string, unknown> | undefined;
  for (const options of MACHINES) {
    const machine = new OnnxMachine(loadOnnx(bytes), options);
    const { outputs } = await machine.run(new Map(Object.entries(inputs)));
    await machine.close();
    for (const name of session.outputNames) {
      const got = outputs.get(name);
      const expected = want[name]!;
      if (got instanceof StringTensor) {
        expect(got.strings).toEqual([...(expected.data as unknown as string[])]);
        continue;
      }
      if (!(got instanceof Tensor)) throw new Error(`${name} is no tensor`);
      expect([...got.shape], name).toEqual([...expected.dims]);
      const numbers = Array.from(expected.data as ArrayLike<number | bigint>, Number);
      const most = numbers.reduce((greatest, value) => Math.max(greatest, Math.abs(value)), 0);
      for (const [i, value] of numbers.entries())
        expect(Math.abs(Number(got.data[i]!) - value), `${name} ${i}`).toBeLessThanOrEqual(
          RELATIVE * most + ABSOLUTE,
        );
      const before = first?.get(name);
      if (before instanceof Tensor) expect(sameBits(got.data, before.data), `bits of ${name}`).toBe(true);
    }
    first ??= outputs;
  }
}

const draw = (random: () => number, shape: readonly number[], scale = 1) => {
  const size = shape.reduce((n, length) => n * length, 1);
  return Float32Array.from({ length: size }, () => scale * (2 * random() - 1));
};

test("a residual network agrees with onnxruntime, at several batch sizes", async () => {
  const random = randomFrom(5);
  const initializers: Message[] = [];
  const weight = (name: string, shape: readonly number[], scale: number) => {
    initializers.push(tensorProto(name, shape, TYPE.float, draw(random, shape, scale)));
    return name;
  };
  const nodes: Message[] = [];
  let made = 0;
  const apply = (op: string, inputs: readonly string[], attributes: Record<string, AttributeValue> = {}) => {
    const output = `v${made++}`;
    nodes.push(nodeProto(op, inputs, [output], attributes));
    return output;
  };
  const convolution = (x: string, from: number, to: number, size: number, stride: number, group = 1) => {
    const pad = Math.floor(size / 2);
    const w = weight(
      `w${made}`,
      [to, from / group, size, size],
      Math.sqrt(3 / ((from / group) * size * size)),
    );
    const y = apply("Conv", [x, w], { strides: [stride, stride], pads: [pad, pad, pad, pad], group });
    const one = (what: string) => weight(`${what}${made}`, [to], 0.1);
    initializers.push(tensorProto(`var${made}`, [to], TYPE.float, new Float32Array(to).fill(1.5)));
    return apply("BatchNormalization", [y, one("scale"), one("bias"), one("mean"), `var${made}`]);
  };
  let x = apply("Relu", [convolution("x", 3, 8, 7, 2)]);
  x = apply("MaxPool", [x], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
  for (let block = 0; block < 2; block++) {
    const inner = apply("Relu", [convolution(x, 8, 16, 1, 1)]);
    const depth = apply("Clip", [convolution(inner, 16, 16, 3, 1, 16), "zero", "six"]);
    x = apply("Relu", [apply("Add", [convolution(depth, 16, 8, 1, 1), x])]);
  }
  initializers.push(
    tensorProto("zero", [], TYPE.float, Float32Array.of(0)),
    tensorProto("six", [], TYPE.float, Float32Array.of(6)),
  );
  const flat = apply("Flatten", [apply("GlobalAveragePool", [x])]);
  const logits = apply("Gemm", [flat, weight("W", [10, 8], 0.5), weight("b", [10], 0.5)], { transB: 1 });
  nodes.push(nodeProto("Softmax", [logits], ["y"], { axis: 1 }));
  const bytes = modelProto({
    nodes,
    initializers,
    inputs: [valueProto("x", ["batch", 3, 32, 32])],
    outputs: [valueProto("y", ["batch", 10])],
  });
  for (const batch of [1, 3])
    await agree(bytes, { x: new Tensor(draw(random, [batch, 3, 32, 32]), [batch, 3, 32, 32]) });
});

test.each(["LSTM", "GRU", "RNN"] as const)("a bidirectional %s agrees with onnxruntime", async (op) => {
  const random = randomFrom(11);
  const gates = { LSTM: 4, GRU: 3, RNN: 1 }[op];
  const [width, hidden] = [5, 7];
  const initializers = [
    tensorProto("W", [2, gates * hidden, width], TYPE.float, draw(random, [2, gates * hidden, width], 0.5)),
    tensorProto("R", [2, gates * hidden, hidden], TYPE.float, draw(random, [2, gates * hidden, hidden], 0.5)),
    tensorProto("B", [2, 2 * gates * hidden], TYPE.float, draw(random, [2, 2 * gates * hidden], 0.5)),
  ];
  const outputs = op === "LSTM" ? ["y", "h", "c"] : ["y", "h"];
  const bytes = modelProto({
    initializers,
    inputs: [valueProto("x", ["steps", "batch", width])],
    outputs: outputs.map((name) =>
      valueProto(name, name === "y" ? ["steps", 2, "batch", hidden] : [2, "batch", hidden]),
    ),
    nodes: [
      nodeProto(op, ["x", "W", "R", "B"], outputs, { direction: "bidirectional", hidden_size: hidden }),
    ],
  });
  for (const [steps, batch] of [
    [6, 2],
    [1, 1],
  ] as const)
    await agree(bytes, { x: new Tensor(draw(random, [steps, batch, width]), [steps, batch, width]) });
});

test.each([
  [
    [5, 7],
    [3, 4],
  ],
  [
    [4, 4],
    [7, 9],
  ],
  [
    [6, 5],
    [3, 8],
  ],
])("images cut and padded around their middle agree with onnxruntime: %j to %j", async (from, to) => {
  const bytes = modelProto(
    {
      inputs: [valueProto("x", from)],
      outputs: [valueProto("y", to)],
      initializers: [tensorProto("to", [2], TYPE.int64, BigInt64Array.from(to, BigInt))],
      nodes: [nodeProto("CenterCropPad", ["x", "to"], ["y"])],
    },
    { opset: 18 },
  );
  await agree(bytes, { x: new Tensor(draw(randomFrom(2), from), from) });
});

describe("models of tables", () => {
  const DOMAIN = "ai.onnx.ml";
  type List = (name: string) => Message;
  const floats =
    (values: readonly number[]): List =>
    (name) => {
      const attribute = new Message().text(1, name);
      for (const value of values) attribute.float(7, value);
      return attribute.integer(20, 6);
    };
  const texts =
    (values: readonly string[]): List =>
    (name) => {
      const attribute = new Message().text(1, name);
      for (const value of values) attribute.text(9, value);
      return attribute.integer(20, 8);
    };
  const integers =
    (values: readonly number[]): List =>
    (name) => {
      const attribute = new Message().text(1, name);
      for (const value of values) attribute.integer(8, value);
      return attribute.integer(20, 7);
    };
  /** A node with lists of floats and of texts, which the plain one lacks. */
  const node = (
    op: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Record<string, AttributeValue>,
    lists: Record<string, List> = {},
  ) => {
    const message = nodeProto(op, inputs, outputs, attributes, DOMAIN);
    for (const [name, list] of Object.entries(lists)) message.message(5, list(name));
    return message;
  };
  const table = (random: () => number, rows: number, columns: number) =>
    new Tensor(draw(random, [rows, columns], 3), [rows, columns]);
  const model = (nodes: Message[], inputs: Message[], outputs: Message[]) =>
    modelProto({ nodes, inputs, outputs }, { domains: { [DOMAIN]: 3 } });
  const x = valueProto("x", ["n", 3]);

  /** Two trees of three nodes and five. */
  const forest = {
    nodes_treeids: [0, 0, 0, 1, 1, 1, 1, 1],
    nodes_nodeids: [0, 1, 2, 0, 1, 2, 3, 4],
    nodes_featureids: [0, 0, 0, 1, 2, 0, 0, 0],
    nodes_truenodeids: [1, 0, 0, 1, 2, 0, 0, 0],
    nodes_falsenodeids: [2, 0, 0, 4, 3, 0, 0, 0],
  };
  const forestLists = {
    nodes_values: floats([0.5, 0, 0, -0.25, 1, 0, 0, 0]),
    nodes_modes: texts(["BRANCH_LEQ", "LEAF", "LEAF", "BRANCH_LT", "BRANCH_GTE", "LEAF", "LEAF", "LEAF"]),
  };
  const leaves = { treeids: [0, 0, 1, 1, 1], nodeids: [1, 2, 2, 3, 4] };

  test("of trees agree with onnxruntime", async () => {
    const random = randomFrom(3);
    const regressor = model(
      [
        node(
          "TreeEnsembleRegressor",
          ["x"],
          ["y"],
          {
            ...forest,
            target_treeids: leaves.treeids,
            target_nodeids: leaves.nodeids,
            target_ids: [0, 0, 0, 0, 0],
            n_targets: 1,
          },
          { ...forestLists, target_weights: floats([1, -2, 0.5, 0.25, 3]), base_values: floats([0.125]) },
        ),
      ],
      [x],
      [valueProto("y", ["n", 1])],
    );
    await agree(regressor, { x: table(random, 40, 3) });
    for (const transform of ["NONE", "SOFTMAX"]) {
      const classifier = model(
        [
          node(
            "TreeEnsembleClassifier",
            ["x"],
            ["label", "scores"],
            {
              ...forest,
              class_treeids: leaves.treeids,
              class_nodeids: leaves.nodeids,
              class_ids: [0, 1, 2, 0, 1],
              classlabels_int64s: [10, 20, 30],
              post_transform: transform,
            },
            { ...forestLists, class_weights: floats([1, 2, 0.5, 0.25, 3]) },
          ),
        ],
        [x],
        [valueProto("label", ["n"], TYPE.int64), valueProto("scores", ["n", 3])],
      );
      await agree(classifier, { x: table(random, 40, 3) });
    }
  });

  test("of lines, scales and supports agree with onnxruntime", async () => {
    const random = randomFrom(4);
    const y = valueProto("y", ["n", 3]);
    const coefficients = floats([...draw(random, [9])]);
    await agree(
      model(
        [
          node("Scaler", ["x"], ["s"], {}, { offset: floats([0.5, -1, 2]), scale: floats([2, 3, 0.5]) }),
          node(
            "LinearRegressor",
            ["s"],
            ["y"],
            { targets: 3 },
            { coefficients, intercepts: floats([1, 2, 3]) },
          ),
        ],
        [x],
        [y],
      ),
      { x: table(random, 9, 3) },
    );
    await agree(
      model(
        [
          node("Normalizer", ["x"], ["s"], { norm: "L2" }),
          node(
            "LinearClassifier",
            ["s"],
            ["label", "scores"],
            { classlabels_ints: [5, 6, 7], post_transform: "SOFTMAX", multi_class: 0 },
            { coefficients, intercepts: floats([0.1, 0.2, 0.3]) },
          ),
        ],
        [x],
        [valueProto("label", ["n"], TYPE.int64), valueProto("scores", ["n", 3])],
      ),
      { x: table(random, 9, 3) },
    );
    for (const kind of ["LINEAR", "POLY", "RBF", "SIGMOID"]) {
      const svm = node(
        "SVMRegressor",
        ["x"],
        ["y"],
        { kernel_type: kind, n_supports: 4, post_transform: "NONE" },
        {
          coefficients: floats([1, -0.5, 0.25, 2]),
          support_vectors: floats([...draw(random, [12])]),
          kernel_params: floats([0.3, 0.1, 2]),
          rho: floats([0.7]),
        },
      );
      await agree(model([svm], [x], [valueProto("y", ["n", 1])]), { x: table(random, 9, 3) });
    }
  });

  test("of categories by number agree with onnxruntime", async () => {
    const mapper = node(
      "CategoryMapper",
      ["x"],
      ["y"],
      { default_int64: 7 },
      { cats_strings: texts(["red", "green"]), cats_int64s: integers([4, 5]) },
    );
    const bytes = model(
      [mapper],
      [valueProto("x", ["n"], TYPE.string)],
      [valueProto("y", ["n"], TYPE.int64)],
    );
    await agree(bytes, { x: new StringTensor(["green", "mauve", "red"], [3]) });
  });

  test("of text agree with onnxruntime", async () => {
    const words = new StringTensor(["red", "blue", "mauve", "red"], [4, 1]);
    await agree(
      model(
        [
          node(
            "LabelEncoder",
            ["x"],
            ["y"],
            { default_float: { float: -1 } },
            { keys_strings: texts(["red", "green", "blue"]), values_floats: floats([1, 2, 3]) },
          ),
          node(
            "OneHotEncoder",
            ["x"],
            ["z"],
            { zeros: 1 },
            { cats_strings: texts(["red", "green", "blue"]) },
          ),
        ],
        [valueProto("x", ["n", 1], TYPE.string)],
        [valueProto("y", ["n", 1]), valueProto("z", ["n", 1, 3])],
      ),
      { x: words },
    );
  });
});

test("plans for a hundred shapes need no more memory than the few that are kept", async () => {
  const random = randomFrom(8);
  const weights = draw(random, [256, 256]);
  const bytes = modelProto({
    nodes: [
      nodeProto("Transpose", ["w"], ["t"], { perm: [1, 0] }),
      nodeProto("MatMul", ["x", "t"], ["m"]),
      nodeProto("Relu", ["m"], ["y"]),
    ],
    initializers: [tensorProto("w", [256, 256], TYPE.float, weights)],
    inputs: [valueProto("x", ["n", 256])],
    outputs: [valueProto("y", ["n", 256])],
  });
  const machine = new OnnxMachine(loadOnnx(bytes), { plans: 2 });
  const sizes: number[] = [];
  for (let n = 1; n <= 100; n++) {
    await machine.run(new Map([["x", new Tensor(draw(random, [n, 256]), [n, 256])]]));
    sizes.push(machine.memoryBytes);
  }
  await machine.close();
  // The transposed weights once, a room for kernels, and values of up to 100 rows in two plans.
  const values = 2 * 4 * 2 * 4 * 100 * 256;
  expect(Math.max(...sizes)).toBeLessThan(weights.byteLength + 1_500_000 + values);
});
