import type { Conversion } from "../call.js";
import { attentions } from "./attention.js";
import { classical } from "./classical.js";
import { control } from "./control.js";
import { detection } from "./detection.js";
import { elementwise } from "./elementwise.js";
import { layout } from "./layout.js";
import { losses } from "./losses.js";
import { neural } from "./neural.js";
import { quantized } from "./quantized.js";
import { recurrences } from "./recurrent.js";
import { reductions } from "./reductions.js";
import { signals } from "./signal.js";
import { supports } from "./supports.js";
import { text } from "./text.js";
import { trainingOps } from "./training.js";

/** What nodes become, by domain and op. */
const byDomain: Readonly<Record<string, Readonly<Record<string, Conversion>>>> = {
  "ai.onnx": {
    ...elementwise,
    ...layout,
    ...reductions,
    ...neural,
    ...attentions,
    ...recurrences,
    ...control,
    ...losses,
    ...quantized,
    ...detection,
    ...signals,
    ...text,
  },
  "ai.onnx.ml": { ...classical, ...supports },
  "ai.onnx.preview.training": trainingOps,
};

/** The newest operator sets that conversions know. */
export const NEWEST: Readonly<Record<string, number>> = {
  "ai.onnx": 25,
  "ai.onnx.ml": 5,
  "ai.onnx.preview.training": 1,
};

/** How nodes of an op are converted; undefined for one that goml does not have. */
export function conversionOf(domain: string, op: string): Conversion | undefined {
  const ops = byDomain[domain];
  return ops !== undefined && Object.hasOwn(ops, op) ? ops[op] : undefined;
}

const RANDOM = "random numbers, which no two runs would agree on";

const MAP = "maps are no tensors; give their values as columns";

/** Why goml leaves out ops of ONNX, rather than not having them yet. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  Bernoulli: RANDOM,
  Multinomial: RANDOM,
  RandomNormal: RANDOM,
  RandomNormalLike: RANDOM,
  RandomUniform: RANDOM,
  RandomUniformLike: RANDOM,
  ImageDecoder:
    "each picture's own size would make a plan of its own; decode it before, as pictures that are inputs are",
  Gradient: "a graph of its own by grad(cost, wrt)",
  CastMap: MAP,
  DictVectorizer: MAP,
};

/** Why an op is not there and will not be, where that has a reason. */
export function reasonAgainst(op: string): string | undefined {
  return Object.hasOwn(LEFT_OUT, op) ? LEFT_OUT[op] : undefined;
}

/** A domain as a table names it: the empty one is ONNX's own. */
export function domainName(domain: string | undefined): string {
  return domain === undefined || domain === "" ? "ai.onnx" : domain;
}
