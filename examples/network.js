// A network of two layers learns two interleaved half-moons, which no straight line separates.
//
//     node examples/network.js
import {
  add,
  GoMachine,
  Graph,
  grad,
  log,
  matmul,
  mean,
  mul,
  neg,
  sigmoid,
  sub,
  tanh,
  tensor,
} from "goml/machine";

// Random numbers from a seed (mulberry32), so that every run is the same.
let state = 7;
const random = () => {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), state | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
};
const noise = (scale) => scale * (random() + random() + random() - 1.5);

const n = 200;
const points = Array.from({ length: n }, (_, i) => {
  const angle = Math.PI * random();
  const upper = i % 2 === 0;
  return upper
    ? [Math.cos(angle) + noise(0.15), Math.sin(angle) + noise(0.15)]
    : [1 - Math.cos(angle) + noise(0.15), 0.5 - Math.sin(angle) + noise(0.15)];
});
const labels = points.map((_, i) => [i % 2]);

const hidden = 8;
const weights = (rows, columns) =>
  Array.from({ length: rows }, () => Array.from({ length: columns }, () => noise(1)));

const graph = new Graph();
const x = graph.input("x", [n, 2]);
const y = graph.input("y", [n, 1]);
const w1 = graph.parameter("w1", weights(2, hidden));
const b1 = graph.parameter("b1", new Float64Array(hidden));
const w2 = graph.parameter("w2", weights(hidden, 1));
const b2 = graph.parameter("b2", [0]);

const layer = tanh(add(matmul(x, w1), b1));
const p = sigmoid(add(matmul(layer, w2), b2));
// Cross-entropy: −mean(y·log p + (1 − y)·log(1 − p)).
const cost = neg(mean(add(mul(y, log(p)), mul(sub(1, y), log(sub(1, p))))));

const parameters = [w1, b1, w2, b2];
const gradients = grad(cost, parameters);
const machine = new GoMachine(graph, { outputs: [cost, p, ...gradients] });
machine.let(x, points);
machine.let(y, labels);

const values = parameters.map((parameter) => parameter.initial);
const rate = 1;
let run;
for (let step = 0; step <= 600; step++) {
  run = await machine.runAll();
  if (step % 100 === 0) console.log(`step ${step}: cost ${run.value(cost).item().toFixed(6)}`);
  for (const [i, parameter] of parameters.entries()) {
    const slope = run.value(gradients[i]).data;
    values[i] = tensor(
      values[i].data.map((value, k) => value - rate * slope[k]),
      parameter.shape,
    );
    machine.let(parameter, values[i]);
  }
}
const right = labels.filter(([label], i) => (run.value(p).at(i, 0) > 0.5 ? 1 : 0) === label).length;
console.log(`${right} of ${n} points are on the right side`);
await machine.close();
