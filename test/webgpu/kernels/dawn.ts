import type { DeviceKernel } from "../../../src/machine/device/device-kernel.js";
import type { TensorType, TypedOp } from "../../../src/machine/op.js";
import { sizeOf } from "../../../src/machine/shape.js";
import { bytesOf, dataAt, Tensor } from "../../../src/machine/tensor.js";
import {
  COMPUTE,
  COPY_DST,
  COPY_SRC,
  type Gpu,
  type GpuBuffer,
  type GpuHandle,
  MAP_READ,
  READ,
  STORAGE,
} from "../../../src/webgpu/api.js";
import { kernels } from "../../../src/webgpu/kernels/index.js";
import { hasGpu } from "../software-gpu.js";

/** Runs kernels on Dawn, one after another, without the machine: what it gives is what the shaders say. */
export class Dawn {
  private readonly handle: GpuHandle;
  private readonly pipelines = new Map<string, Promise<{ pipeline: object; layout: object }>>();

  /** Kept: its devices do not outlive it. */
  private readonly gpu: Gpu;

  private constructor(gpu: Gpu, handle: GpuHandle) {
    this.gpu = gpu;
    this.handle = handle;
  }

  /** Undefined where no driver is found. */
  static async open(): Promise<Dawn | undefined> {
    if (!hasGpu) return undefined;
    const { create } = (await import("webgpu")) as unknown as { create(options: string[]): Gpu };
    const gpu = create([]);
    const adapter = await gpu.requestAdapter();
    if (adapter === null) throw new Error("the driver in software gives no adapter");
    return new Dawn(gpu, await adapter.requestDevice({ requiredLimits: {} }));
  }

  close(): void {
    this.handle.destroy();
  }

  get name(): string {
    return Object.prototype.toString.call(this.gpu);
  }

  /** The results of an op, or undefined where it has no kernel for these types. */
  async apply(op: TypedOp, inputs: readonly Tensor[]): Promise<Tensor[] | undefined> {
    const types = op.infer(inputs);
    const kernel = kernels(op, inputs, types);
    return kernel && this.run(kernel, inputs, types);
  }

  async run(
    kernel: DeviceKernel,
    inputs: readonly Tensor[],
    types: readonly TensorType[],
  ): Promise<Tensor[]> {
    const { handle } = this;
    const made: GpuBuffer[] = [];
    const create = (bytes: number, usage: number) => {
      const buffer = handle.createBuffer({ size: Math.max(4, Math.ceil(bytes / 4) * 4), usage });
      made.push(buffer);
      return buffer;
    };
    const usage = STORAGE | COPY_SRC | COPY_DST;
    const given = inputs.map(({ data }) => {
      const bytes = new Uint8Array(Math.ceil(data.byteLength / 4) * 4);
      bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      const buffer = create(bytes.length, usage);
      handle.queue.writeBuffer(buffer, 0, bytes);
      return buffer;
    });
    // Whatever was there before must not matter.
    const filled = (bytes: number) => {
      const buffer = create(bytes, usage);
      handle.queue.writeBuffer(buffer, 0, new Uint8Array(buffer.size).fill(0xa7));
      return buffer;
    };
    const lengths = types.map(({ dtype, shape }) => bytesOf(dtype) * sizeOf(shape));
    const places = {
      input: given,
      result: lengths.map(filled),
      scratch: kernel.scratch.map(filled),
      fault: [create(8, usage)],
    };
    const compiled = await Promise.all(kernel.passes.map(({ code }) => this.pipelineOf(code)));
    handle.pushErrorScope("validation");
    const encoder = handle.createCommandEncoder();
    for (const [i, { workgroups, buffers }] of kernel.passes.entries()) {
      const { pipeline, layout } = compiled[i]!;
      const entries = buffers.map(({ of, index }, binding) => {
        const buffer = places[of][index]!;
        return { binding, resource: { buffer, offset: 0, size: buffer.size } };
      });
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, handle.createBindGroup({ layout, entries }));
      pass.dispatchWorkgroups(...workgroups);
      pass.end();
    }
    const copies = [...places.result, ...places.fault].map((buffer) => {
      const copy = create(buffer.size, MAP_READ | COPY_DST);
      encoder.copyBufferToBuffer(buffer, 0, copy, 0, buffer.size);
      return copy;
    });
    handle.queue.submit([encoder.finish()]);
    const fault = await handle.popErrorScope();
    if (fault !== null) throw new Error(fault.message);
    const results: Tensor[] = [];
    for (const [i, copy] of copies.entries()) {
      await copy.mapAsync(READ);
      const bytes = copy.getMappedRange().slice(0, lengths[i]);
      if (i === types.length) {
        const words = new Uint32Array(bytes);
        if (words[0] !== 0) throw kernel.fault!(words);
        break;
      }
      const { dtype, shape } = types[i]!;
      results.push(new Tensor(dataAt(dtype, bytes, 0, sizeOf(shape)), shape, dtype));
    }
    for (const buffer of made) buffer.destroy();
    return results;
  }

  private pipelineOf(code: string): Promise<{ pipeline: object; layout: object }> {
    let own = this.pipelines.get(code);
    if (own === undefined) {
      own = this.compile(code);
      this.pipelines.set(code, own);
    }
    return own;
  }

  private async compile(code: string): Promise<{ pipeline: object; layout: object }> {
    const { handle } = this;
    const entries = [...code.matchAll(/var<storage, (read|read_write)>/g)].map(([, access], binding) => ({
      binding,
      visibility: COMPUTE,
      buffer: { type: access === "read" ? ("read-only-storage" as const) : ("storage" as const) },
    }));
    handle.pushErrorScope("validation");
    const module = handle.createShaderModule({ code });
    const layout = handle.createBindGroupLayout({ entries });
    const pipeline = await handle
      .createComputePipelineAsync({
        layout: handle.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module, entryPoint: "main" },
      })
      .catch((error: Error) => error);
    const fault = await handle.popErrorScope();
    if (fault !== null || pipeline instanceof Error)
      throw new Error(`${fault?.message ?? (pipeline as Error).message}\n${code}`);
    return { pipeline, layout };
  }
}
