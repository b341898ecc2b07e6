import type { BenchSuite } from "./suite.js";

/** The suites by name; `goml bench` runs the default ones, `--suite` names others. */
export const suites: Record<string, { default: boolean; load: () => Promise<BenchSuite> }> = {
  train: { default: true, load: async () => (await import("./train-suite.js")).trainSuite },
  predict: { default: true, load: async () => (await import("./predict-suite.js")).predictSuite },
  csv: { default: true, load: async () => (await import("./csv-suite.js")).csvSuite },
  onnx: { default: false, load: async () => (await import("./onnx-suite.js")).onnxSuite },
  machine: { default: false, load: async () => (await import("./machine-suite.js")).machineSuite },
};
