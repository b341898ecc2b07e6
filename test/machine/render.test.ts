import { expect, test } from "vitest";
import {
  add,
  Graph,
  graphToDot,
  graphToJson,
  graphToMermaid,
  matmul,
  mul,
  sigmoid,
  sum,
} from "../../src/machine/index.js";

function build(): Graph {
  const graph = new Graph();
  const x = graph.input('x "raw"', [5, 2]);
  const w = graph.parameter("w", [[1], [2]]);
  const y = sigmoid(add(matmul(x, w), 0.5));
  sum(mul(y, y), 0);
  return graph;
}

test("DOT: every node, every edge with its shape, both edges of x * x", () => {
  expect(graphToDot(build())).toBe(`digraph {
  rankdir=LR;
  node [fontname="Helvetica"];
  edge [fontname="Helvetica"];
  n0 [label="x \\"raw\\"", shape=ellipse];
  n1 [label="w", shape=box];
  n2 [label="matmul", shape=circle];
  n3 [label="0.5", shape=plaintext];
  n4 [label="add", shape=circle];
  n5 [label="sigmoid", shape=circle];
  n6 [label="mul", shape=circle];
  n7 [label="sum", shape=circle];
  n0 -> n2 [label="5×2"];
  n1 -> n2 [label="2×1"];
  n2 -> n4 [label="5×1"];
  n3 -> n4 [label="scalar"];
  n4 -> n5 [label="5×1"];
  n5 -> n6 [label="5×1"];
  n5 -> n6 [label="5×1"];
  n6 -> n7 [label="5×1"];
}
`);
});

test("Mermaid", () => {
  const lines = graphToMermaid(build()).split("\n");
  expect(lines[0]).toBe("flowchart LR");
  expect(lines).toContain('  n0(["x #quot;raw#quot;"])');
  expect(lines).toContain('  n1["w"]');
  expect(lines).toContain('  n2(("matmul"))');
  expect(lines).toContain('  n3[/"0.5"/]');
  expect(lines.filter((line) => line === '  n5 -->|"5×1"| n6').length).toBe(2);
});

test("JSON", () => {
  const document = JSON.parse(JSON.stringify(graphToJson(build())));
  expect(document.nodes[0]).toEqual({
    id: 0,
    label: 'x "raw"',
    kind: "input",
    shape: [5, 2],
    dtype: "float64",
  });
  expect(document.nodes[7]).toMatchObject({ kind: "op", op: "sum", attributes: { axes: [0] }, shape: [1] });
  expect(document.edges.length).toBe(8);
  expect(document.edges[6]).toEqual({ from: 5, to: 6, operand: 1, shape: [5, 1] });
});
