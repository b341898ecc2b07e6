// The equation of a neuron, σ(w·x + b), as a graph: run on both machines, with its gradients.
//
//     node examples/equation.js
import { add, GoMachine, Graph, grad, graphToMermaid, mul, sigmoid, TapeMachine } from "goml/machine";

const graph = new Graph();
const w = graph.parameter("w", 0.5);
const x = graph.input("x", []);
const b = graph.parameter("b", 1);
const y = sigmoid(add(mul(w, x), b));

console.log(graphToMermaid(graph));

// The derivatives become nodes of the same graph.
const [dw, db] = grad(y, [w, b]);

for (const Machine of [TapeMachine, GoMachine]) {
  const machine = new Machine(graph, { outputs: [y, dw, db], trace: true });
  machine.let(x, 2);
  const run = await machine.runAll();
  console.log(
    `${Machine.name}: y = ${run.value(y).item()}, dy/dw = ${run.value(dw).item()}, dy/db = ${run.value(db).item()}`,
  );
  if (Machine === GoMachine) console.log(`\n${run.trace.timeline()}`);
  await machine.close();
}
