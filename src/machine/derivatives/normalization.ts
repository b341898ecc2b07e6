import { applyOp, type Node } from "../graph.js";
import { resolveAxis } from "../op.js";
import { add, div, mul, pow, sub } from "../ops/binary.js";
import { Padding } from "../ops/boxes.js";
import { reshape, slice } from "../ops/layout.js";
import type {
  BatchNormalization,
  LayerNormalization,
  LocalResponseNormalization,
} from "../ops/normalization.js";
import { mean, sum } from "../ops/reduce.js";
import { neg, sqrt, square } from "../ops/unary.js";
import type { Derivative } from "./derivative.js";

/** Of y = (x − μ)/√(v + ε)·s + b with respect to x, s, b, μ and v, as if each stood for itself. */
export const batchNormalised: Derivative = (inputs, output, upstream, wanted) => {
  const [x, scale, , average, variance] = inputs as [Node, Node, Node, Node, Node];
  const { epsilon } = (output.op as BatchNormalization).attributes;
  const channels = [x.shape[1] ?? 1, ...x.shape.slice(2).map(() => 1)];
  const others = x.shape.map((_, axis) => axis).filter((axis) => axis !== 1);
  const spread = (value: Node) => reshape(value, channels);
  const total = (value: Node, like: Node) => reshape(sum(value, others), like.shape);
  const inverse = div(1, sqrt(add(variance, epsilon)));
  const factor = mul(scale, inverse);
  const centred = () => sub(x, spread(average));
  return [
    wanted[0] ? mul(upstream, spread(factor)) : undefined,
    wanted[1] ? mul(total(mul(upstream, centred()), scale), inverse) : undefined,
    wanted[2] ? total(upstream, inputs[2]!) : undefined,
    wanted[3] ? neg(mul(total(upstream, average), factor)) : undefined,
    wanted[4]
      ? mul(-0.5, mul(total(mul(upstream, centred()), variance), mul(factor, square(inverse))))
      : undefined,
  ];
};

/** Of y = (x − μ)/σ over the axes from `axis` on: (g − mean g − y·mean(g·y))/σ. */
export const layerNormalised: Derivative = (inputs, output, upstream) => {
  const [x] = inputs as [Node];
  const { axis, epsilon } = (output.op as LayerNormalization).attributes;
  const own = x.shape.map((_, i) => i).slice(resolveAxis(axis, x.shape));
  const over = (value: Node) => mean(value, own, true);
  const deviation = sqrt(add(over(square(sub(x, over(x)))), epsilon));
  return [div(sub(sub(upstream, over(upstream)), mul(output, over(mul(upstream, output)))), deviation)];
};

/** Of y = x·d^−β, d = bias + α/size·Σ x² over the channels around: g·d^−β − 2αβ/size·x·Σ g·x·d^(−β−1) over those that see it. */
export const locallyNormalised: Derivative = (inputs, output, upstream) => {
  const [x] = inputs as [Node];
  const { size, alpha, beta, bias } = (output.op as LocalResponseNormalization).attributes;
  const [below, above] = [Math.floor((size - 1) / 2), Math.ceil((size - 1) / 2)];
  const d = add(mul(channelSums(square(x), below, above), alpha / size), bias);
  const seen = channelSums(mul(mul(upstream, x), pow(d, -beta - 1)), above, below);
  return [sub(mul(upstream, pow(d, -beta)), mul(mul(x, seen), (2 * alpha * beta) / size))];
};

/** For each channel the sum of those from `below` before it to `above` after it. */
function channelSums(x: Node, below: number, above: number): Node {
  const channels = x.shape[1]!;
  const by = (length: number) => x.shape.map((_, axis) => (axis === 1 ? length : 0));
  const zero = x.graph.constant(0, x.dtype);
  const padding = new Padding({ before: by(below), after: by(above), mode: "constant" });
  const padded = applyOp(padding, [x, zero]);
  const from = (start: number) =>
    slice(
      padded,
      x.shape.map((length, axis) => (axis === 1 ? [start, start + channels] : [0, length])),
    );
  let total = from(0);
  for (let k = 1; k <= below + above; k++) total = add(total, from(k));
  return total;
}
