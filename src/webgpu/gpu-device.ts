import type {
  Device,
  DeviceLimits,
  DeviceProgram,
  DeviceSpeed,
  LoadedProgram,
} from "../machine/device/device.js";
import { DeviceError } from "../machine/device/device-error.js";
import type { DeviceKernels } from "../machine/device/device-kernel.js";
import { OpError } from "../machine/errors.js";
import type { Gpu, GpuHandle } from "./api.js";
import { Constants } from "./constants.js";
import { GpuProgram, type ProgramHost } from "./gpu-program.js";
import { kernels } from "./kernels/index.js";
import { Pipelines } from "./pipelines.js";

/** A GPU that WebGPU gives, with its shaders and constants. */
export class GpuDevice implements Device, ProgramHost {
  readonly name: string;
  readonly software: boolean;
  readonly limits: DeviceLimits;
  readonly kernels: DeviceKernels = kernels;
  speed: DeviceSpeed | undefined = undefined;
  failure: Error | undefined = undefined;
  readonly pipelines: Pipelines;
  readonly constants: Constants;
  private readonly handle: GpuHandle;
  /** An implementation in Node lives for as long as somebody holds it. */
  protected readonly gpu: Gpu;
  private closed = false;

  constructor(gpu: Gpu, handle: GpuHandle, { name, software }: { name: string; software: boolean }) {
    this.gpu = gpu;
    this.handle = handle;
    this.name = name;
    this.software = software;
    const { maxBufferSize, maxStorageBufferBindingSize } = handle.limits;
    this.limits = {
      bufferBytes: Math.min(maxBufferSize, maxStorageBufferBindingSize),
      buffers: handle.limits.maxStorageBuffersPerShaderStage,
      workgroups: handle.limits.maxComputeWorkgroupsPerDimension,
    };
    this.pipelines = new Pipelines(handle);
    this.constants = new Constants(handle);
    void handle.lost.then(({ message }) => {
      const why = message.split("\n")[0]!;
      this.failure ??= new DeviceError(this.closed ? `${name} was closed` : `${name} was lost: ${why}`);
    });
    handle.addEventListener("uncapturederror", ({ error }) => {
      this.failure ??= new DeviceError(`${name} failed: ${error.message.split("\n")[0]}`);
    });
  }

  load(program: DeviceProgram): LoadedProgram {
    return new GpuProgram(this, this.handle, program);
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.failure ??= new DeviceError(`${this.name} was closed`);
    this.handle.destroy();
    await this.handle.lost;
  }

  check(): void {
    if (this.failure !== undefined) throw this.failure;
  }

  async explain(error: unknown): Promise<unknown> {
    // Calls that are under way fail before the loss is told.
    for (let turn = 0; turn < 3 && this.failure === undefined; turn++)
      await new Promise((resolve) => setTimeout(resolve, turn));
    if (this.failure !== undefined) return this.failure;
    if (error instanceof OpError || error instanceof DeviceError) return error;
    return new DeviceError(`${this.name} failed: ${error instanceof Error ? error.message : error}`, error);
  }
}
