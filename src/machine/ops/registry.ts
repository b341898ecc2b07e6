import { type Attributes, Result, type TypedOp } from "../op.js";
import { Binary } from "./binary.js";
import { Cast } from "./cast.js";
import { BroadcastTo, Concat, Reshape, Slice, Transpose } from "./layout.js";
import { Matmul } from "./matmul.js";
import { Reduce } from "./reduce.js";
import { Softmax } from "./softmax.js";
import { Split } from "./split.js";
import { Unary } from "./unary.js";
import { Where } from "./where.js";
import { Work } from "./work.js";

// biome-ignore lint/suspicious/noExplicitAny: attributes come back from the op that they were read from
const factories: Record<string, (attributes: any) => TypedOp> = {
  broadcastTo: (attributes) => new BroadcastTo(attributes),
  cast: (attributes) => new Cast(attributes),
  concat: (attributes) => new Concat(attributes),
  matmul: () => new Matmul(),
  result: (attributes) => new Result(attributes),
  reshape: (attributes) => new Reshape(attributes),
  slice: (attributes) => new Slice(attributes),
  softmax: (attributes) => new Softmax(attributes),
  split: (attributes) => new Split(attributes),
  transpose: (attributes) => new Transpose(attributes),
  where: () => new Where(),
  work: (attributes) => new Work(attributes),
};
for (const name of ["add", "sub", "mul", "div", "pow", "gt", "ge", "lt", "le", "eq", "ne"] as const) {
  factories[name] = () => new Binary(name);
}
for (const name of [
  "neg",
  "exp",
  "log",
  "sqrt",
  "abs",
  "sign",
  "square",
  "sigmoid",
  "tanh",
  "relu",
] as const) {
  factories[name] = () => new Unary(name);
}
for (const name of ["sum", "mean", "max"] as const) {
  factories[name] = (attributes) => new Reduce(name, attributes);
}

/** Makes a portable op anew from its name and attributes, in a worker thread. */
export function rebuildOp(name: string, attributes: Attributes): TypedOp {
  const factory = factories[name];
  if (factory === undefined) throw new Error(`no op is called ${name}`);
  return factory(attributes);
}
