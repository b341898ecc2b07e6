// Logistic regression on real data: is the median home of a Boston tract worth more than $22,000?
//
// Newton's method would need fewer steps; gradient descent with momentum needs nothing but the gradient.
//
//     node examples/logistic.js
import { readFileSync } from "node:fs";
import {
  abs,
  add,
  exp,
  GoMachine,
  Graph,
  grad,
  log,
  matmul,
  mean,
  mul,
  relu,
  sub,
  tensor,
} from "goml/machine";

const [header, ...rows] = readFileSync(new URL("../data/boston.csv", import.meta.url), "utf8")
  .trim()
  .split("\n")
  .map((line) => line.split(","));
const target = header.indexOf("medv");
const names = header.filter((_, column) => column !== target);
const features = rows.map((row) => row.filter((_, column) => column !== target).map(Number));
const labels = rows.map((row) => (Number(row[target]) > 22 ? 1 : 0));

// Columns with mean 0 and deviation 1: gradient descent is slow on columns of different scale.
const n = rows.length;
const p = names.length;
const centre = names.map((_, j) => features.reduce((total, row) => total + row[j], 0) / n);
const spread = names.map((_, j) =>
  Math.sqrt(features.reduce((total, row) => total + (row[j] - centre[j]) ** 2, 0) / n),
);
const standard = features.map((row) => row.map((value, j) => (value - centre[j]) / spread[j]));

const graph = new Graph();
const x = graph.constant(standard, "float64", "x");
const y = graph.constant(labels, "float64", "y");
const w = graph.parameter("w", new Float64Array(p));
const b = graph.parameter("b", 0);
const z = add(matmul(x, w), b);
// −log likelihood: log(1 + e^z) − y·z, where log(1 + e^z) = max(z, 0) + log(1 + e^−|z|) does not overflow.
const softplus = add(relu(z), log(add(1, exp(sub(0, abs(z))))));
const cost = mean(sub(softplus, mul(y, z)));
const [dw, db] = grad(cost, [w, b]);

const machine = new GoMachine(graph, { outputs: [cost, dw, db, z] });
let weights = new Float64Array(p);
let bias = 0;
let velocity = new Float64Array(p + 1);
const [rate, momentum] = [0.5, 0.95];
let steps = 0;
let run;
for (; ; steps++) {
  run = await machine.runAll();
  const slope = [...run.value(dw).data, run.value(db).item()];
  if (Math.max(...slope.map(Math.abs)) < 1e-10 || steps === 20_000) break;
  velocity = velocity.map((v, j) => momentum * v - rate * slope[j]);
  weights = weights.map((value, j) => value + velocity[j]);
  bias += velocity[p];
  machine.let(w, tensor(weights));
  machine.let(b, bias);
}

console.log(`${steps} steps, deviance ${(2 * n * run.value(cost).item()).toFixed(6)}`);
// Back to the columns' own units.
const slopes = [...weights].map((value, j) => value / spread[j]);
const intercept = bias - slopes.reduce((total, slope, j) => total + slope * centre[j], 0);
for (const [name, value] of [["(Intercept)", intercept], ...names.map((name, j) => [name, slopes[j]])]) {
  console.log(`${name.padEnd(12)} ${value.toPrecision(8)}`);
}
const right = labels.filter((label, i) => (run.value(z).data[i] > 0 ? 1 : 0) === label).length;
console.log(`${right} of ${n} tracts classified rightly`);
await machine.close();
