import { applyOp, type Node } from "../graph.js";
import { add, mul, sub } from "../ops/binary.js";
import { Select } from "../ops/boxes.js";
import { cast } from "../ops/cast.js";
import { mathFunction } from "../ops/functions.js";
import { concat, reshape, slice, transpose } from "../ops/layout.js";
import { matmul } from "../ops/matmul.js";
import { pairwise } from "../ops/pairwise.js";
import type { ActivationName, Recurrent, RecurrentOperand } from "../ops/recurrent.js";
import { sum } from "../ops/reduce.js";
import { relu, sigmoid, tanh } from "../ops/unary.js";
import { Tensor } from "../tensor.js";
import type { Derivative } from "./derivative.js";

const activations: Readonly<Record<ActivationName, (x: Node, alpha: number, beta: number) => Node>> = {
  relu: (x) => relu(x),
  tanh: (x) => tanh(x),
  sigmoid: (x) => sigmoid(x),
  affine: (x, alpha, beta) => mathFunction("affine", x, { alpha, beta }),
  leakyRelu: (x, alpha) => mathFunction("leakyRelu", x, { alpha }),
  thresholdedRelu: (x, alpha) => mathFunction("thresholdedRelu", x, { alpha }),
  scaledTanh: (x, alpha, beta) => mul(alpha, tanh(mul(beta, x))),
  hardSigmoid: (x, alpha, beta) => mathFunction("hardSigmoid", x, { alpha, beta }),
  elu: (x, alpha) => mathFunction("elu", x, { alpha }),
  softsign: (x) => mathFunction("softsign", x),
  softplus: (x) => mathFunction("softplus", x),
};

/**
 * A recurrent layer as the matrix products and elementwise ops that it is made of, step by step: some
 * thirty nodes a step and direction. Gives its results, of S steps, B sequences and H states: S × D × B × H, D × B × H, and of an LSTM D × B × H.
 */
function unrolled(op: Recurrent, inputs: readonly Node[]): readonly Node[] {
  const { direction, given } = op.attributes;
  const [x, w, r] = inputs as [Node, Node, Node];
  const operand = (name: RecurrentOperand) => {
    const at = given.indexOf(name);
    return at < 0 ? undefined : inputs[3 + at];
  };
  const [steps, batch] = x.shape as [number, number];
  const hidden = r.shape[2]!;
  const lengths = operand("lengths");
  /** Whether sequences go on at a step: B × 1. */
  const goesOn = Array.from({ length: steps }, (_, t) => {
    if (lengths === undefined) return undefined;
    const step = x.graph.constant(t, lengths.dtype);
    return pairwise("isLess", step, reshape(lengths, [batch, 1]));
  });
  const directions = Array.from({ length: w.shape[0]! }, (_, d) => {
    const own = (value: Node | undefined) => value && reshape(part(value, 0, d, d + 1), value.shape.slice(1));
    const bias = own(operand("bias"));
    const rows = w.shape[1]!;
    const biased = (product: Node, from: number, to: number) =>
      bias === undefined ? product : add(product, part(bias, 0, from, to));
    // What the inputs give to all gates of all steps.
    const ofInputs = biased(matmul(x, transpose(own(w)!, [1, 0])), 0, rows);
    const recurrent = transpose(own(r)!, [1, 0]);
    const cell = new Cell(op, d, hidden, own(operand("peepholes")), (h, from, to) =>
      biased(
        matmul(h, from === 0 && to === rows ? recurrent : part(recurrent, 1, from, to)),
        rows + from,
        rows + to,
      ),
    );
    const zeros = x.graph.constant(new Tensor(new Float64Array(batch * hidden), [batch, hidden]));
    const none = x.dtype === "float64" ? zeros : cast(zeros, x.dtype);
    let h = own(operand("hidden")) ?? none;
    let c = own(operand("cell")) ?? none;
    const all = new Array<Node>(steps);
    const backward = direction === "reverse" || d === 1;
    for (let s = 0; s < steps; s++) {
      const t = backward ? steps - 1 - s : s;
      const next = cell.advance(reshape(part(ofInputs, 0, t, t + 1), [batch, rows]), h, c);
      const going = goesOn[t];
      const held = (now: Node, before: Node) =>
        going === undefined ? now : applyOp(new Select(), [going, now, before]);
      h = held(next.h, h);
      c = held(next.c, c);
      all[t] = reshape(held(next.h, none), [1, 1, batch, hidden]);
    }
    return { all: concat(all, 0), h: reshape(h, [1, batch, hidden]), c: reshape(c, [1, batch, hidden]) };
  });
  const joined = (name: "all" | "h" | "c", axis: number) =>
    concat(
      directions.map((own) => own[name]),
      axis,
    );
  const results = [joined("all", 1), joined("h", 0)];
  return op.name === "lstm" ? [...results, joined("c", 0)] : results;
}

/** What states give to the gates `from` to before `to`, counted in rows of weights. */
type OfState = (h: Node, from: number, to: number) => Node;

/** The equations of one step of one direction, for all sequences at once. */
class Cell {
  private readonly op: Recurrent;
  private readonly hidden: number;
  private readonly peepholes: Node | undefined;
  private readonly ofState: OfState;
  /** The functions of the direction's gates. */
  private readonly functions: readonly ((x: Node) => Node)[];

  constructor(op: Recurrent, d: number, hidden: number, peepholes: Node | undefined, ofState: OfState) {
    this.op = op;
    this.hidden = hidden;
    this.peepholes = peepholes;
    this.ofState = ofState;
    const count = { rnn: 1, gru: 2, lstm: 3 }[op.name];
    this.functions = op.attributes.activations.slice(d * count, (d + 1) * count).map(
      ({ name, alpha, beta }) =>
        (x) =>
          activations[name](x, alpha, beta),
    );
  }

  /** @param ofX what the step's input gives to all gates, B × gH */
  advance(ofX: Node, h: Node, c: Node): { h: Node; c: Node } {
    const { hidden, ofState, peepholes } = this;
    const { coupled, linearBeforeReset, clip } = this.op.attributes;
    const [f, g, k] = this.functions as [(x: Node) => Node, (x: Node) => Node, (x: Node) => Node];
    const clipped = (x: Node) => (clip > 0 ? mathFunction("clip", x, { alpha: -clip, beta: clip }) : x);
    const gate = (all: Node, i: number) => part(all, 1, i * hidden, (i + 1) * hidden);
    if (this.op.name === "rnn") return { h: f(clipped(add(ofX, ofState(h, 0, hidden)))), c };
    if (this.op.name === "gru") {
      const state = ofState(h, 0, (linearBeforeReset ? 3 : 2) * hidden);
      const [update, reset] = [0, 1].map((i) => f(clipped(add(gate(ofX, i), gate(state, i))))) as [
        Node,
        Node,
      ];
      const past = linearBeforeReset
        ? mul(reset, gate(state, 2))
        : ofState(mul(reset, h), 2 * hidden, 3 * hidden);
      const candidate = g(clipped(add(gate(ofX, 2), past)));
      return { h: add(mul(sub(1, update), candidate), mul(update, h)), c };
    }
    const both = add(ofX, ofState(h, 0, 4 * hidden));
    const peep = (i: number, cell: Node) =>
      peepholes === undefined
        ? gate(both, i)
        : add(gate(both, i), mul(part(peepholes, 0, i * hidden, (i + 1) * hidden), cell));
    const input = f(clipped(peep(0, c)));
    const forget = coupled ? sub(1, input) : f(clipped(peep(2, c)));
    const cell = add(mul(forget, c), mul(input, g(clipped(gate(both, 3)))));
    return { h: mul(f(clipped(peep(1, cell))), k!(cell)), c: cell };
  }
}

/**
 * Of a recurrent layer: that of what it is made of (backpropagation through time, Werbos 1990). It computes the steps
 * again, for the layer itself keeps no gates, and may be differentiated in turn.
 */
export const throughTime: Derivative = (inputs, output, _upstream, wanted, upstreams, gradients) => {
  // Copies, so that no path leads from what comes from above to them.
  if (inputs[0]!.shape[0] === 0) return [];
  const copies = inputs.map((input, i) => (wanted[i] ? mul(input, 1) : input));
  const results = unrolled(output.op as Recurrent, copies);
  const terms = results.flatMap((result, i) => {
    const upstream = upstreams[i];
    return upstream === undefined ? [] : [sum(mul(result, upstream))];
  });
  const chosen = copies.filter((_, i) => wanted[i]);
  const found = gradients(terms.reduce(add), chosen);
  return inputs.map((_, i) => (wanted[i] ? found[chosen.indexOf(copies[i]!)] : undefined));
};

function part(x: Node, axis: number, start: number, end: number): Node {
  return slice(
    x,
    x.shape.map((length, i) => (i === axis ? [start, end] : [0, length])),
  );
}
