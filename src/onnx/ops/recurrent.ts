import { DataError } from "../../errors.js";
import {
  type ActivationName,
  Recurrent,
  type RecurrentAttributes,
  type RecurrentOperand,
} from "../../machine/ops/recurrent.js";
import type { Operand } from "../builder.js";
import type { Call, Conversion } from "../call.js";

const OPERANDS: readonly RecurrentOperand[] = ["bias", "lengths", "hidden", "cell", "peepholes"];

/** ONNX's names of functions, in lower case, with their default parameters. */
const FUNCTIONS: Readonly<Record<string, readonly [ActivationName, number, number]>> = {
  relu: ["relu", 0, 0],
  tanh: ["tanh", 0, 0],
  sigmoid: ["sigmoid", 0, 0],
  affine: ["affine", 1, 0],
  leakyrelu: ["leakyRelu", 0.01, 0],
  thresholdedrelu: ["thresholdedRelu", 1, 0],
  scaledtanh: ["scaledTanh", 1, 1],
  hardsigmoid: ["hardSigmoid", 0.2, 0.5],
  elu: ["elu", 1, 0],
  softsign: ["softsign", 0, 0],
  softplus: ["softplus", 0, 0],
};

/** Which functions take parameters, in the order in which lists of them give them. */
const WITH_ALPHA = ["affine", "leakyrelu", "thresholdedrelu", "scaledtanh", "hardsigmoid", "elu"];
const WITH_BETA = ["affine", "scaledtanh", "hardsigmoid"];

function activationsOf(call: Call, defaults: readonly string[]): RecurrentAttributes["activations"] {
  const names = call.texts("activations") ?? [...defaults, ...defaults];
  const alphas = [...(call.floats("activation_alpha") ?? [])];
  const betas = [...(call.floats("activation_beta") ?? [])];
  return names.map((given) => {
    const key = given.toLowerCase();
    const known = FUNCTIONS[key];
    if (known === undefined) throw new DataError(`activation ${given} is not supported`);
    const [name, alpha, beta] = known;
    return {
      name,
      alpha: (WITH_ALPHA.includes(key) ? alphas.shift() : undefined) ?? alpha,
      beta: (WITH_BETA.includes(key) ? betas.shift() : undefined) ?? beta,
    };
  });
}

const recurrent =
  (name: "rnn" | "gru" | "lstm", defaults: readonly string[]): Conversion =>
  (call) => {
    const { build } = call;
    const batchFirst = call.integer("layout", 0) === 1;
    const x = call.input(0);
    const turned = (value: Operand) => (batchFirst ? build.transpose(value, [1, 0, 2]) : value);
    const given: RecurrentOperand[] = [];
    const operands: Operand[] = [turned(x), call.input(1), call.input(2)];
    for (const [i, operand] of OPERANDS.entries()) {
      const value = call.optional(3 + i);
      if (value === undefined) continue;
      given.push(operand);
      operands.push(operand === "hidden" || operand === "cell" ? turned(value) : value);
    }
    const direction = call.text("direction", "forward") as RecurrentAttributes["direction"];
    const op = new Recurrent(name, {
      direction,
      given,
      activations: activationsOf(call, defaults),
      clip: call.float("clip", 0),
      coupled: call.flag("input_forget"),
      linearBeforeReset: call.flag("linear_before_reset"),
    });
    const [all, ...last] = build.applyAll(op, operands);
    if (!batchFirst) return [all, ...last];
    return [build.transpose(all!, [2, 0, 1, 3]), ...last.map((state) => build.transpose(state, [1, 0, 2]))];
  };

export const recurrences: Readonly<Record<string, Conversion>> = {
  RNN: recurrent("rnn", ["tanh"]),
  GRU: recurrent("gru", ["sigmoid", "tanh"]),
  LSTM: recurrent("lstm", ["sigmoid", "tanh", "tanh"]),
};
