/**
 * The part of WebGPU (W3C Candidate Recommendation) that goml uses. Spelled out here, because a user's compiler need not know
 * WebGPU's types.
 */

export interface Gpu {
  requestAdapter(options?: { powerPreference?: "high-performance" | "low-power" }): Promise<Adapter | null>;
}

export interface Limits {
  readonly maxBufferSize: number;
  readonly maxStorageBufferBindingSize: number;
  readonly maxStorageBuffersPerShaderStage: number;
  readonly maxComputeWorkgroupsPerDimension: number;
  readonly maxComputeWorkgroupStorageSize: number;
  readonly maxComputeInvocationsPerWorkgroup: number;
}

export interface AdapterInfo {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  readonly isFallbackAdapter?: boolean;
}

export interface Adapter {
  readonly info: AdapterInfo;
  readonly limits: Limits;
  requestDevice(descriptor: { requiredLimits: Partial<Record<keyof Limits, number>> }): Promise<GpuHandle>;
}

interface GpuFault {
  readonly message: string;
}

/** A `GPUDevice`. */
export interface GpuHandle {
  readonly limits: Limits;
  readonly queue: Queue;
  readonly lost: Promise<{ readonly reason: string; readonly message: string }>;
  createBuffer(descriptor: { size: number; usage: number; mappedAtCreation?: boolean }): GpuBuffer;
  createShaderModule(descriptor: { code: string }): ShaderModule;
  createBindGroupLayout(descriptor: {
    entries: readonly {
      binding: number;
      visibility: number;
      buffer: { type: "storage" | "read-only-storage" };
    }[];
  }): object;
  createPipelineLayout(descriptor: { bindGroupLayouts: readonly object[] }): object;
  createComputePipelineAsync(descriptor: {
    layout: object;
    compute: { module: ShaderModule; entryPoint: string };
  }): Promise<object>;
  createBindGroup(descriptor: {
    layout: object;
    entries: readonly {
      binding: number;
      resource: { buffer: GpuBuffer; offset: number; size: number };
    }[];
  }): object;
  createCommandEncoder(): CommandEncoder;
  pushErrorScope(filter: "validation" | "out-of-memory" | "internal"): void;
  popErrorScope(): Promise<GpuFault | null>;
  addEventListener(type: "uncapturederror", listener: (event: { readonly error: GpuFault }) => void): void;
  destroy(): void;
}

interface Queue {
  submit(commands: readonly object[]): void;
  writeBuffer(buffer: GpuBuffer, offset: number, data: Uint8Array): void;
  onSubmittedWorkDone(): Promise<void>;
}

export interface GpuBuffer {
  readonly size: number;
  mapAsync(mode: number): Promise<void>;
  getMappedRange(): ArrayBuffer;
  unmap(): void;
  destroy(): void;
}

interface ShaderModule {
  getCompilationInfo(): Promise<{
    readonly messages: readonly {
      readonly type: string;
      readonly message: string;
      readonly lineNum: number;
    }[];
  }>;
}

export interface CommandEncoder {
  beginComputePass(): ComputePass;
  copyBufferToBuffer(from: GpuBuffer, fromAt: number, to: GpuBuffer, toAt: number, size: number): void;
  finish(): object;
}

interface ComputePass {
  setPipeline(pipeline: object): void;
  setBindGroup(index: number, group: object): void;
  dispatchWorkgroups(x: number, y: number, z: number): void;
  end(): void;
}

/** Flags of `GPUBufferUsage`, `GPUMapMode` and `GPUShaderStage`. */
export const MAP_READ = 1;
export const COPY_SRC = 4;
export const COPY_DST = 8;
export const STORAGE = 128;
export const READ = 1;
export const COMPUTE = 4;
