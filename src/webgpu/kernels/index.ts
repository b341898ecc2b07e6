import type { DeviceKernel, DeviceKernels } from "../../machine/device/device-kernel.js";
import { sameShape, sizeOf } from "../../machine/shape.js";

const INVOCATIONS = 64;

/** The kernels in WGSL: so far sums of two float32 tensors of one shape. */
export const kernels: DeviceKernels = (op, inputs, [result]) => {
  const [x, y] = inputs;
  if (op.name !== "add" || x?.dtype !== "float32" || y?.dtype !== "float32") return undefined;
  if (!sameShape(x.shape, y.shape)) return undefined;
  return add(sizeOf(result!.shape));
};

function add(size: number): DeviceKernel {
  const code = `
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> y: array<f32>;
@group(0) @binding(2) var<storage, read_write> z: array<f32>;
@compute @workgroup_size(${INVOCATIONS})
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = id.x + id.y * groups.x * ${INVOCATIONS}u;
  if (i < ${size}u) { z[i] = x[i] + y[i]; }
}`;
  const groups = Math.ceil(size / INVOCATIONS);
  const rows = Math.ceil(groups / 65_535);
  const buffers = [
    { of: "input", index: 0 },
    { of: "input", index: 1 },
    { of: "result", index: 0 },
  ] as const;
  const passes =
    size === 0 ? [] : [{ code, workgroups: [Math.ceil(groups / rows), rows, 1] as const, buffers }];
  return { passes, scratch: [], cost: size * 0.05 };
}
