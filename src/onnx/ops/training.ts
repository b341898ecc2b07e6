import type { Operand } from "../builder.js";
import type { Call, Conversion } from "../call.js";

/** Applies an optimiser's step to each of its parameters: inputs are rate, count, then all x, all gradients, states. */
function eachParameter(
  call: Call,
  states: number,
  step: (rate: Operand, count: Operand, x: Operand, gradient: Operand, states: Operand[]) => Operand[],
): Operand[] {
  const [rate, count, ...rest] = call.operands() as [Operand, Operand, ...Operand[]];
  const parameters = rest.length / (2 + states);
  const results = Array.from({ length: parameters }, (_, i) => {
    const own = Array.from({ length: states }, (_, k) => rest[(2 + k) * parameters + i]!);
    return step(rate, count, rest[i]!, rest[parameters + i]!, own);
  });
  return Array.from({ length: 1 + states }, (_, k) => results.map((own) => own[k]!)).flat();
}

/** Arithmetic on operands, numbers being of the type of what they meet. */
function arithmetic(call: Call) {
  const { build } = call;
  const of = (value: Operand | number, like: Operand) =>
    typeof value === "number" ? build.scalar(value, like) : build.cast(value, like.dtype);
  return {
    add: (x: Operand, y: Operand | number) => build.binary("add", x, of(y, x)),
    sub: (x: Operand, y: Operand | number) => build.binary("sub", x, of(y, x)),
    mul: (x: Operand, y: Operand | number) => build.binary("mul", x, of(y, x)),
    div: (x: Operand, y: Operand | number) => build.binary("div", x, of(y, x)),
    sqrt: (x: Operand) => build.unary("sqrt", x),
    square: (x: Operand) => build.unary("square", x),
  };
}

export const trainingOps: Readonly<Record<string, Conversion>> = {
  /** Polyak (1964), and Nesterov (1983) by its mode. */
  Momentum: (call) => {
    const { add, mul, sub } = arithmetic(call);
    const [alpha, beta] = [call.float("alpha", 0), call.float("beta", 0)];
    const nesterov = call.text("mode", "standard") === "nesterov";
    const first = call.numbers(1)[0] === 0;
    return eachParameter(call, 1, (rate, _count, x, gradient, [velocity]) => {
      const full = add(mul(x, call.float("norm_coefficient", 0)), gradient);
      const next = add(mul(velocity!, alpha), mul(full, first ? 1 : beta));
      const step = nesterov ? add(full, mul(next, alpha)) : next;
      return [sub(x, mul(step, rate)), next];
    });
  },
  /** Duchi, Hazan & Singer (2011). */
  Adagrad: (call) => {
    const { add, mul, sub, div, sqrt, square } = arithmetic(call);
    const count = call.numbers(1)[0]!;
    return eachParameter(call, 1, (rate, _count, x, gradient, [history]) => {
      const slower = mul(rate, 1 / (1 + count * call.float("decay_factor", 0)));
      const full = add(mul(x, call.float("norm_coefficient", 0)), gradient);
      const next = add(history!, square(full));
      return [sub(x, div(mul(full, slower), add(sqrt(next), call.float("epsilon", 1e-6)))), next];
    });
  },
  /** Kingma & Ba (2015). */
  Adam: (call) => {
    const { add, mul, sub, div, sqrt, square } = arithmetic(call);
    const count = call.numbers(1)[0]!;
    const [alpha, beta] = [call.float("alpha", 0.9), call.float("beta", 0.999)];
    return eachParameter(call, 2, (rate, _count, x, gradient, [v, h]) => {
      const full = add(mul(x, call.float("norm_coefficient", 0)), gradient);
      const mean = add(mul(v!, alpha), mul(full, 1 - alpha));
      const squares = add(mul(h!, beta), mul(square(full), 1 - beta));
      const unbiased = count > 0 ? Math.sqrt(1 - beta ** count) / (1 - alpha ** count) : 1;
      const root = add(sqrt(squares), call.float("epsilon", 1e-6));
      const next = sub(x, div(mul(mul(mean, unbiased), rate), root));
      return [mul(next, 1 - call.float("norm_coefficient_post", 0)), mean, squares];
    });
  },
};
