import { drawOrRun, type GraphOptions } from "./draw-or-run.js";

/** `goml graph`. What knows GPUs is a script of its own, which nobody else loads. */
export async function graph(
  path: string | undefined,
  options: GraphOptions,
  signal: AbortSignal,
): Promise<number> {
  if (options.devices) return (await import("./on-gpu.js")).listDevices(path, options);
  if (options.device === "cpu") return drawOrRun(path, options, signal);
  return (await import("./on-gpu.js")).graphOnGpu(path, options, signal);
}
