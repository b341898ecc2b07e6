import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/errors.js";
import {
  add,
  broadcastTo,
  concat,
  Graph,
  matmul,
  max,
  mul,
  type Node,
  reshape,
  ShapeError,
  slice,
  softmax,
  sum,
  Tensor,
  tensor,
  transpose,
  where,
  work,
} from "../../src/machine/index.js";

function leaves() {
  const graph = new Graph();
  return {
    graph,
    x: graph.input("x", [3, 2]),
    w: graph.parameter("w", [1, 2, 3, 4]),
    v: graph.input("v", [2, 4]),
  };
}

describe("shapes are checked as the graph is built; the error names op, nodes and shapes", () => {
  const wrong: [string, (l: ReturnType<typeof leaves>) => Node, string][] = [
    ["add", ({ x, w }) => add(x, w), "add(x 3×2, w 4): shapes 3×2 and 4 do not broadcast"],
    ["where", ({ x, w }) => where(x, x, w), "where(x 3×2, x 3×2, w 4): shapes 3×2, 3×2, 4 do not broadcast"],
    ["matmul", ({ x }) => matmul(x, x), "matmul(x 3×2, x 3×2): 3×2 has 2 columns, 3×2 has 3 rows"],
    [
      "matmul of a scalar",
      ({ x, graph }) => matmul(x, graph.constant(1, "float64", "one")),
      "matmul(x 3×2, one scalar): needs matrices",
    ],
    [
      "matmul, outer axes",
      ({ graph }) => matmul(graph.input("a", [2, 3, 3]), graph.input("b", [3, 3, 3])),
      "the outer axes of 2×3×3 and 3×3×3 do not broadcast",
    ],
    ["reshape", ({ x }) => reshape(x, [4, -1]), "reshape(x 3×2): 6 elements do not fit into [4, -1]"],
    ["reshape, two open", ({ x }) => reshape(x, [-1, -1]), "do not fit"],
    ["broadcastTo", ({ x }) => broadcastTo(x, [3, 4]), "broadcastTo(x 3×2): 3×2 does not broadcast to 3×4"],
    [
      "transpose",
      ({ x }) => transpose(x, [0, 0]),
      "transpose(x 3×2): axes [0, 0] are no order of the 2 axes",
    ],
    ["sum", ({ x }) => sum(x, 2), "sum(x 3×2): axis 2 is not one of the 2 axes of 3×2"],
    ["sum, twice", ({ x }) => sum(x, [1, -1]), "axes [1, -1] name one axis twice"],
    [
      "max of nothing",
      ({ graph }) => max(graph.input("e", [0, 2]), 0),
      "max(e 0×2): 0×2 has no greatest element",
    ],
    ["softmax", ({ x }) => softmax(x, -3), "softmax(x 3×2): axis -3"],
    ["slice", ({ x }) => slice(x, [[1, 5]]), "slice(x 3×2): range 1:5 is not within axis 0 of 3×2"],
    [
      "slice, too many",
      ({ w }) =>
        slice(w, [
          [0, 1],
          [0, 1],
        ]),
      "2 ranges for the 1 axes of 4",
    ],
    ["concat", ({ x, v }) => concat([x, v]), "concat(x 3×2, v 2×4): 3×2 and 2×4 differ beside axis 0"],
  ];
  test.each(wrong)("%s", (_name, build, message) => {
    expect(() => build(leaves())).toThrow(ShapeError);
    expect(() => build(leaves())).toThrow(message);
  });

  test("types do not mix, graphs do not mix, and an op needs a node", () => {
    const { graph, x } = leaves();
    const narrow = graph.input("narrow", [3, 2], "float32");
    expect(() => add(x, narrow)).toThrow("add: x is float64 and narrow is float32; they cannot be mixed");
    expect(() => add(x, new Graph().input("y", []))).toThrow("add: node y belongs to another graph");
    expect(() => add(1, 2)).toThrow(UsageError);
    expect(() => work(x, -1)).toThrow("rounds is 0 or more, got -1");
    expect(() => graph.input("bad", [2.5])).toThrow("input bad: the axes' lengths are integers");
  });

  test("a failed op adds no node", () => {
    const { graph, x, w } = leaves();
    const before = graph.nodes.length;
    expect(() => add(x, w)).toThrow();
    expect(graph.nodes.length).toBe(before);
  });
});

test("values among the operands become constants of the graph and its type", () => {
  const graph = new Graph();
  const x = graph.input("x", [2], "float32");
  const y = mul(add(x, 1), [[1], [2]]);
  expect([y.shape, y.dtype]).toEqual([[2, 2], "float32"]);
  expect(y.inputs[1]!.initial?.data).toEqual(Float32Array.of(1, 2));
  expect(y.label).toBe("mul#4");
});

describe("tensors", () => {
  test("are made of numbers, nested arrays and typed arrays", () => {
    expect(tensor(2).shape).toEqual([]);
    expect(
      tensor([
        [1, 2, 3],
        [4, 5, 6],
      ]).shape,
    ).toEqual([2, 3]);
    const data = new Float32Array(6);
    expect(tensor(data, [3, 2]).data).toBe(data);
    expect(tensor(data).dtype).toBe("float32");
    expect(tensor(data, [6], "float64").data).toBeInstanceOf(Float64Array);
    expect(tensor([1, 2, 3, 4], [2, 2]).toArray()).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(tensor([[], []]).shape).toEqual([2, 0]);
    expect(tensor([[], []]).toArray()).toEqual([[], []]);
  });

  test("and refuse what does not fit", () => {
    expect(() => tensor([[1, 2], [3]])).toThrow("ragged");
    expect(() => tensor([[1], 2] as never)).toThrow("ragged");
    expect(() => new Tensor(new Float64Array(5), [2, 3])).toThrow("2×3 has 6 elements, the data have 5");
    expect(() => tensor([1, 2]).item()).toThrow("one element, got shape 2");
    expect(() => tensor([1, 2]).at(2)).toThrow("no element [2]");
    expect(() => tensor([1, 2]).at(0, 0)).toThrow("no element [0, 0]");
  });
});
