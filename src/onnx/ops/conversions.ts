import type { Conversion } from "../call.js";
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
  "ai.onnx": 22,
  "ai.onnx.ml": 5,
  "ai.onnx.preview.training": 1,
};

/** How nodes of an op are converted; undefined for one that goml does not have. */
export function conversionOf(domain: string, op: string): Conversion | undefined {
  const ops = byDomain[domain];
  return ops !== undefined && Object.hasOwn(ops, op) ? ops[op] : undefined;
}

/** A domain as a table names it: the empty one is ONNX's own. */
export function domainName(domain: string | undefined): string {
  return domain === undefined || domain === "" ? "ai.onnx" : domain;
}
