import type { OpError } from "../errors.js";
import type { Data } from "../tensor.js";
import type { DeviceKernel, DeviceKernels } from "./device-kernel.js";

/** How fast a device is, as measured on it. */
export interface DeviceSpeed {
  /** From handing work over to knowing that it is done, of no work, in nanoseconds. */
  readonly latency: number;
  /** Bytes per nanosecond to the device, and from it. */
  readonly upload: number;
  readonly download: number;
  /** How many times as long a kernel takes as its `cost` says. */
  readonly work: number;
}

/** What a device can take at once; an op that needs more is computed by the CPU. */
export interface DeviceLimits {
  /** The bytes of one buffer. */
  readonly bufferBytes: number;
  /** The buffers of one pass. */
  readonly buffers: number;
  /** The workgroups of one pass along each axis. */
  readonly workgroups: number;
}

/** Where ops run beside the CPU, such as a GPU. Machines take it as an option; who opened it closes it. */
export interface Device {
  /** What it calls itself. */
  readonly name: string;
  /** Whether it is a program on the CPU, for tests: never chosen by cost. */
  readonly software: boolean;
  readonly limits: DeviceLimits;
  /** Undefined where it was not measured. */
  readonly speed: DeviceSpeed | undefined;
  readonly kernels: DeviceKernels;
  /** Why it cannot be used any more; undefined while it can. */
  readonly failure: Error | undefined;
  /** @internal */
  load(program: DeviceProgram): LoadedProgram;
  /** Frees all that it holds. Machines that use it go on on the CPU. */
  close(): Promise<void>;
}

/** An op in a program: the numbers of the values that it reads and writes. */
export interface DeviceStep {
  readonly kernel: DeviceKernel;
  readonly inputs: readonly number[];
  readonly results: readonly number[];
  /** The node's label and its op, for errors and traces. */
  readonly node: string;
  readonly op: string;
  readonly shape: string;
  /** An error of this step, with node, op and shapes. */
  error(cause: unknown): OpError;
}

/** A value in a program. */
export interface DeviceValue {
  /** A multiple of 4. */
  readonly bytes: number;
  /** Of a constant its elements. */
  readonly fixed: Data | undefined;
}

/** What a device runs at once: steps in order, on values that are known by their numbers. */
export interface DeviceProgram {
  /** For messages and traces. */
  readonly name: string;
  readonly values: readonly DeviceValue[];
  readonly steps: readonly DeviceStep[];
  /** The values that are given for each run, and those that it gives. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

/** When something ran, times as of `wallClock`. */
export interface DeviceSpan {
  readonly what: "upload" | "run" | "download";
  readonly label: string;
  readonly op: string;
  readonly shape: string;
  readonly started: number;
  readonly ended: number;
}

/** A program that lies on a device, ready to run; runs may overlap. */
export interface LoadedProgram {
  /**
   * @param record takes the times of copies and of work, where they are wanted
   * @throws DeviceError where the device is lost or has no room, OpError where a shader is wrong
   */
  run(inputs: readonly Data[], outputs: readonly Data[], record?: (span: DeviceSpan) => void): Promise<void>;
  /** Gives its memory back; no run may be under way. */
  close(): void;
}
