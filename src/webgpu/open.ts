import { DataError } from "../errors.js";
import type { Device, DeviceSpeed } from "../machine/device/device.js";
import { calibrate } from "./calibrate.js";
import { entriesHere, type Finding, wantedLimits } from "./find.js";
import { GpuDevice } from "./gpu-device.js";

/** What was measured of GPUs in this process, by their names and drivers. */
const measured = new Map<string, DeviceSpeed>();

/**
 * The GPUs that WebGPU finds here, by `navigator.gpu` where there is one, else by the package `webgpu`; or why there is none.
 *
 * @example
 * ```js
 * import { findGpus } from "goml/webgpu";
 *
 * const { gpus, missing } = await findGpus();
 * console.log(gpus.length > 0 || missing.why.length > 0); // true
 * ```
 */
export async function findGpus(): Promise<Finding> {
  const { source, gpus, missing } = await entriesHere();
  return { source, gpus, missing };
}

/**
 * Opens a GPU for machines' option `device`: the fastest that WebGPU finds, by `navigator.gpu` where there is one, else by
 * the package `webgpu`. Close it when the machines that use it are closed.
 *
 * Its speed is measured, once per process and GPU, but for one that is a program on the CPU.
 *
 * @throws DataError where there is none, with the reason and what to do
 * @example
 * ```js
 * import { GoMachine, Graph, matmul, tensor } from "goml/machine";
 * import { openGpu } from "goml/webgpu";
 *
 * const graph = new Graph();
 * const x = graph.input("x", [2, 2], "float32");
 * const y = matmul(x, x);
 * const device = await openGpu().catch(() => undefined); // undefined: no GPU here
 * const machine = new GoMachine(graph, { device, placement: "gpu" });
 * machine.let(x, tensor(Float32Array.of(1, 1, 0, 1), [2, 2]));
 * console.log((await machine.runAll()).value(y).toArray()); // [ [ 1, 2 ], [ 0, 1 ] ]
 * await machine.close();
 * await device?.close();
 * ```
 */
export async function openGpu(): Promise<Device> {
  const { entries, missing } = await entriesHere();
  const entry = entries[0];
  if (entry === undefined) throw new DataError(`no GPU: ${missing!.why}`, { hint: missing!.hint });
  const { gpu, adapter, found } = entry;
  const { name, software, driver } = found;
  let device: GpuDevice;
  try {
    const handle = await adapter.requestDevice({ requiredLimits: wantedLimits(adapter.limits) });
    device = new GpuDevice(gpu, handle, { name, software });
  } catch (cause) {
    const why = (cause as Error).message.split("\n")[0];
    throw new DataError(`no GPU: ${name} cannot be opened: ${why}`, { cause });
  }
  if (software) return device;
  const key = `${name} ${driver}`;
  try {
    device.speed = measured.get(key) ?? (await calibrate(device));
  } catch (error) {
    await device.close();
    throw error;
  }
  measured.set(key, device.speed);
  return device;
}
