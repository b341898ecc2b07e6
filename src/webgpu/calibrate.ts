import type {
  Device,
  DeviceProgram,
  DeviceSpeed,
  DeviceStep,
  DeviceValue,
} from "../machine/device/device.js";
import { OpError } from "../machine/errors.js";
import { Matmul } from "../machine/ops/matmul.js";
import type { Data } from "../machine/tensor.js";

/** Bytes that a copy is timed with. */
const COPIED = 8 << 20;
/** The product that stands for work: of two square matrices, several times in a row. */
const SIDE = 512;
const REPEATED = 17;
/** The least of so many times counts. */
const TRIES = 5;

/**
 * How fast a device is: a copy of 8 MiB each way, a product of two numbers for the latency, and 17 products of 512 × 512
 * matrices less one for work, each the least of five times. Takes some tens of milliseconds on a GPU.
 *
 * @param side of the matrices; smaller ones say less
 */
export async function calibrate(device: Device, side = SIDE): Promise<DeviceSpeed> {
  const latency = await least(device, products(device, 1, 1), [matrix(1), matrix(1)], [matrix(1)]);
  const copied = Math.min(COPIED, device.limits.bufferBytes);
  const data = new Float32Array(copied / 4);
  const value: DeviceValue = { bytes: data.byteLength, fixed: undefined };
  const copy = { name: "a copy", values: [value], steps: [] };
  const up = await least(device, { ...copy, inputs: [0], outputs: [] }, [data], []);
  const down = await least(device, { ...copy, inputs: [], outputs: [0] }, [], [data]);
  const speed = (time: number) => copied / Math.max(time - latency, time / 10);
  const work = await workOf(device, side);
  return { latency, upload: speed(up), download: speed(down), work };
}

async function workOf(device: Device, side: number): Promise<number> {
  const inputs = [matrix(side), matrix(side)];
  const outputs = [matrix(side)];
  const one = products(device, side, 1);
  if (one.steps.length === 0) return 1;
  const once = await least(device, one, inputs, outputs);
  const all = await least(device, products(device, side, REPEATED), inputs, outputs);
  const own = Math.max(all - once, all / 10) / (REPEATED - 1);
  return own / one.steps[0]!.kernel.cost;
}

function matrix(side: number): Data {
  return new Float32Array(side * side).fill(1 / side);
}

/** A product of two matrices, and of the result with the second, and so on. */
function products(device: Device, side: number, count: number): DeviceProgram {
  const type = { dtype: "float32", shape: [side, side] } as const;
  const value: DeviceValue = { bytes: 4 * side * side, fixed: undefined };
  const kernel = device.kernels(new Matmul(), [type, type], [type]);
  const steps = Array.from(
    { length: kernel === undefined ? 0 : count },
    (_, i): DeviceStep => ({
      kernel: kernel!,
      inputs: [i === 0 ? 0 : i + 1, 1],
      results: [i + 2],
      node: "calibration",
      op: "matmul",
      shape: `${side}×${side}`,
      error: (cause) => new OpError("calibration", "matmul", [type.shape, type.shape], cause),
    }),
  );
  const values = Array.from({ length: 2 + Math.max(1, steps.length) }, () => value);
  return { name: "calibration", values, steps, inputs: [0, 1], outputs: [values.length - 1] };
}

/** The least time of some runs after a first one, in nanoseconds. */
async function least(
  device: Device,
  program: DeviceProgram,
  inputs: readonly Data[],
  outputs: readonly Data[],
): Promise<number> {
  const loaded = device.load(program);
  try {
    await loaded.run(inputs, outputs);
    let best = Number.POSITIVE_INFINITY;
    for (let i = 0; i < TRIES; i++) {
      const began = performance.now();
      await loaded.run(inputs, outputs);
      best = Math.min(best, performance.now() - began);
    }
    return best * 1e6;
  } finally {
    loaded.close();
  }
}
