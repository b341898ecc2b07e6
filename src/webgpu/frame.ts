import type { DeviceProgram, DeviceStep } from "../machine/device/device.js";
import { COPY_DST, COPY_SRC, type GpuBuffer, type GpuHandle, MAP_READ, STORAGE } from "./api.js";
import type { Pipeline } from "./pipelines.js";
import type { Slots } from "./slots.js";

/** A pass made ready: what it runs, on which buffers, in how many workgroups. */
export interface Dispatch {
  readonly pipeline: object;
  readonly group: object;
  readonly workgroups: readonly [number, number, number];
}

/** Where an output is copied to, for the CPU to read it. */
interface Landing {
  readonly source: GpuBuffer;
  readonly staging: number;
  readonly at: number;
  readonly bytes: number;
}

/** The words in which a step raises a fault, which are cleared before each run and read after it. */
interface StepFault {
  readonly step: DeviceStep;
  readonly buffer: GpuBuffer;
  readonly landing: Landing;
}

/** The words of a fault: whether there is one, and what it is of. */
export const FAULT_BYTES = 8;

/** What is in a program's buffers before any run. */
export interface FrameParts {
  readonly program: DeviceProgram;
  readonly slots: Slots;
  /** For each step its passes' pipelines. */
  readonly pipelines: readonly (readonly Pipeline[])[];
  /** The buffers of constants, by the numbers of their values. */
  readonly constants: ReadonlyMap<number, GpuBuffer>;
  /** The bytes of one buffer at most. */
  readonly most: number;
}

/** The buffers of one run of a program under way, and the passes that are bound to them. */
export class Frame {
  readonly dispatches: readonly Dispatch[];
  readonly inputs: readonly GpuBuffer[];
  readonly staging: readonly GpuBuffer[];
  /** One for each output that has elements; undefined for others. */
  readonly landings: readonly (Landing | undefined)[];
  readonly faults: readonly StepFault[];
  private readonly buffers: GpuBuffer[];

  constructor(handle: GpuHandle, { program, slots, pipelines, constants, most }: FrameParts) {
    const usage = STORAGE | COPY_SRC | COPY_DST;
    const buffers = slots.bytes.map((size) => handle.createBuffer({ size, usage }));
    const bufferOf = (value: number) => constants.get(value) ?? buffers[slots.ofValue[value]!]!;
    const raised = new Map<DeviceStep, GpuBuffer>();
    for (const step of program.steps)
      if (step.kernel.fault !== undefined)
        raised.set(step, handle.createBuffer({ size: FAULT_BYTES, usage }));
    this.buffers = [...buffers, ...raised.values()];
    this.inputs = program.inputs.map(bufferOf);
    this.dispatches = program.steps.flatMap((step, at) =>
      step.kernel.passes.map((pass, i): Dispatch => {
        const { pipeline, layout } = pipelines[at]![i]!;
        const entries = pass.buffers.map(({ of, index }, binding) => {
          if (of === "fault") return resource(binding, raised.get(step)!, FAULT_BYTES);
          if (of === "scratch") {
            const buffer = buffers[slots.ofScratch[at]![index]!]!;
            return resource(binding, buffer, step.kernel.scratch[index]!);
          }
          const value = (of === "input" ? step.inputs : step.results)[index]!;
          return resource(binding, bufferOf(value), program.values[value]!.bytes);
        });
        return { pipeline, group: handle.createBindGroup({ layout, entries }), workgroups: pass.workgroups };
      }),
    );
    const sizes: number[] = [];
    const landingOf = (source: GpuBuffer, bytes: number): Landing => {
      if (sizes.length === 0 || sizes.at(-1)! + bytes > most) sizes.push(0);
      const at = sizes.at(-1)!;
      sizes[sizes.length - 1] = at + Math.ceil(bytes / 8) * 8;
      return { source, staging: sizes.length - 1, at, bytes };
    };
    this.landings = program.outputs.map((value) => {
      const { bytes } = program.values[value]!;
      return bytes === 0 ? undefined : landingOf(bufferOf(value), bytes);
    });
    this.faults = [...raised].map(([step, buffer]) => {
      return { step, buffer, landing: landingOf(buffer, FAULT_BYTES) };
    });
    this.staging = sizes.map((size) => handle.createBuffer({ size, usage: MAP_READ | COPY_DST }));
  }

  /** Gives all buffers back. */
  destroy(): void {
    for (const buffer of [...this.buffers, ...this.staging]) buffer.destroy();
  }
}

function resource(binding: number, buffer: GpuBuffer, bytes: number) {
  return { binding, resource: { buffer, offset: 0, size: Math.max(4, Math.ceil(bytes / 4) * 4) } };
}

/** The bytes that a frame takes. */
export function frameBytes({ program, slots }: Pick<FrameParts, "program" | "slots">): number {
  const landed = program.outputs.reduce((sum, value) => sum + program.values[value]!.bytes, 0);
  return slots.bytes.reduce((sum, own) => sum + own, landed);
}
