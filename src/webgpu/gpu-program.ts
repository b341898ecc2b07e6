import type { Device, DeviceProgram, DeviceSpan, LoadedProgram } from "../machine/device/device.js";
import { DeviceError } from "../machine/device/device-error.js";
import { OpError } from "../machine/errors.js";
import type { Data } from "../machine/tensor.js";
import { wallClock } from "../machine/trace.js";
import { type CommandEncoder, type GpuBuffer, type GpuHandle, READ } from "./api.js";
import { bytesIn, type Constants } from "./constants.js";
import { FAULT_BYTES, Frame, type FrameParts, frameBytes } from "./frame.js";
import type { Pipeline, Pipelines } from "./pipelines.js";
import { slotsOf } from "./slots.js";

/** What a program needs of its device. */
export interface ProgramHost extends Pick<Device, "name" | "limits"> {
  readonly pipelines: Pipelines;
  readonly constants: Constants;
  /** @throws DeviceError where the device cannot be used any more */
  check(): void;
  /** What an error in mid-run comes from: where the device was lost, that. */
  explain(error: unknown): Promise<unknown>;
}

/**
 * A program on a GPU. Its constants are copied there once; each run under way has a frame of buffers, which the next one
 * takes again. All passes of a run go into one command buffer, and it is waited for once.
 */
export class GpuProgram implements LoadedProgram {
  private readonly device: ProgramHost;
  private readonly handle: GpuHandle;
  private readonly program: DeviceProgram;
  private readonly taken: Data[] = [];
  private readonly free: Frame[] = [];
  private readonly frames = new Set<Frame>();
  private preparing: Promise<FrameParts> | undefined;

  constructor(device: ProgramHost, handle: GpuHandle, program: DeviceProgram) {
    this.device = device;
    this.handle = handle;
    this.program = program;
  }

  async run(
    inputs: readonly Data[],
    outputs: readonly Data[],
    record?: (span: DeviceSpan) => void,
  ): Promise<void> {
    const { device } = this;
    device.check();
    let frame: Frame | undefined;
    try {
      this.preparing ??= this.prepare();
      const parts = await this.preparing;
      frame = this.free.pop() ?? (await this.newFrame(parts));
      await (record === undefined
        ? this.runIn(frame, inputs, outputs)
        : this.runTimed(frame, inputs, outputs, record));
      this.free.push(frame);
    } catch (error) {
      // Elements that an op cannot take leave the frame as good as it was.
      if (frame !== undefined && error instanceof OpError) this.free.push(frame);
      throw await device.explain(error);
    }
  }

  close(): void {
    for (const frame of this.frames) frame.destroy();
    this.frames.clear();
    this.free.length = 0;
    for (const data of this.taken.splice(0)) this.device.constants.release(data);
  }

  /** Compiles shaders and copies constants. */
  private async prepare(): Promise<FrameParts> {
    const { program, device } = this;
    const { values, steps } = program;
    const compiled = steps.map((step) =>
      Promise.all(step.kernel.passes.map(({ code }) => device.pipelines.of(code))).catch((cause) => {
        throw step.error(cause);
      }),
    );
    const pipelines: readonly (readonly Pipeline[])[] = await Promise.all(compiled);
    const wanted = values.reduce((sum, { bytes, fixed }) => sum + (fixed === undefined ? 0 : bytes), 0);
    const constants = await this.within(wanted, "constants", () => {
      const buffers = new Map<number, GpuBuffer>();
      for (const [number, { bytes, fixed }] of values.entries()) {
        if (fixed === undefined) continue;
        buffers.set(number, device.constants.take(fixed, bytes));
        this.taken.push(fixed);
      }
      return buffers;
    });
    return { program, slots: slotsOf(program), pipelines, constants, most: device.limits.bufferBytes };
  }

  private async newFrame(parts: FrameParts): Promise<Frame> {
    const frame = await this.within(frameBytes(parts), "values", () => {
      const own = new Frame(this.handle, parts);
      this.frames.add(own);
      return own;
    });
    return frame;
  }

  /** Does what takes room on the device. @throws DeviceError saying how much was wanted */
  private async within<T>(bytes: number, what: string, make: () => T): Promise<T> {
    const { handle, program } = this;
    const filters = ["validation", "out-of-memory", "internal"] as const;
    for (const filter of filters) handle.pushErrorScope(filter);
    let made: T | undefined;
    let thrown: unknown;
    try {
      made = make();
    } catch (error) {
      thrown = error;
    }
    const faults = await Promise.all(filters.map(() => handle.popErrorScope()));
    const fault = faults.find((own) => own !== null) ?? (thrown as Error | undefined);
    if (fault === undefined) return made!;
    const why = fault.message.split("\n")[0]!;
    throw new DeviceError(
      `${this.device.name} has no room for the ${what} of ${program.name}, ${inUnits(bytes)}: ${why}`,
      thrown,
    );
  }

  private async runIn(frame: Frame, inputs: readonly Data[], outputs: readonly Data[]): Promise<void> {
    const { handle } = this;
    handle.pushErrorScope("validation");
    handle.pushErrorScope("out-of-memory");
    this.upload(frame, inputs);
    const encoder = handle.createCommandEncoder();
    this.compute(frame, encoder);
    this.land(frame, encoder);
    handle.queue.submit([encoder.finish()]);
    const faults = [handle.popErrorScope(), handle.popErrorScope()];
    // Where nothing comes back, the work must be done all the same before its buffers are used again.
    if (frame.staging.length === 0) await handle.queue.onSubmittedWorkDone();
    await this.read(frame, outputs, faults);
  }

  /** As `runIn`, each part of it waited for, so that its time is known. */
  private async runTimed(
    frame: Frame,
    inputs: readonly Data[],
    outputs: readonly Data[],
    record: (span: DeviceSpan) => void,
  ): Promise<void> {
    const { handle, program } = this;
    const { queue } = handle;
    const timed = async (what: DeviceSpan["what"], values: readonly number[], act: () => void) => {
      const started = wallClock();
      act();
      await queue.onSubmittedWorkDone();
      const bytes = values.reduce((sum, value) => sum + program.values[value]!.bytes, 0);
      const shape = what === "run" ? `${program.steps.length} ops` : inUnits(bytes);
      record({ what, label: program.name, op: what, shape, started, ended: wallClock() });
    };
    const submit = (write: (encoder: CommandEncoder) => void) => {
      const encoder = handle.createCommandEncoder();
      write(encoder);
      queue.submit([encoder.finish()]);
    };
    const faults: Promise<{ message: string } | null>[] = [];
    const scoped = (act: () => void) => () => {
      handle.pushErrorScope("validation");
      act();
      faults.push(handle.popErrorScope());
    };
    if (inputs.length > 0 || frame.faults.length > 0)
      await timed("upload", program.inputs, () => {
        this.upload(frame, inputs);
        // Alone, a copy may wait for the next work that is handed over.
        submit(() => undefined);
      });
    await timed(
      "run",
      [],
      scoped(() => submit((encoder) => this.compute(frame, encoder))),
    );
    const started = wallClock();
    submit((encoder) => this.land(frame, encoder));
    await this.read(frame, outputs, faults);
    const bytes = program.outputs.reduce((sum, value) => sum + program.values[value]!.bytes, 0);
    const span = { label: program.name, op: "download", shape: inUnits(bytes), started, ended: wallClock() };
    record({ what: "download", ...span });
  }

  private upload(frame: Frame, inputs: readonly Data[]): void {
    for (const { buffer } of frame.faults)
      this.handle.queue.writeBuffer(buffer, 0, new Uint8Array(FAULT_BYTES));
    for (const [i, data] of inputs.entries()) {
      const { byteLength } = data;
      if (byteLength === 0) continue;
      // Shared memory is not taken by every implementation; and a copy's length is a multiple of 4.
      const whole = !(data.buffer instanceof ArrayBuffer) || byteLength % 4 !== 0;
      const own = whole ? new Uint8Array(Math.ceil(byteLength / 4) * 4) : bytesIn(data);
      if (whole) own.set(bytesIn(data));
      this.handle.queue.writeBuffer(frame.inputs[i]!, 0, own);
    }
  }

  private compute(frame: Frame, encoder: CommandEncoder): void {
    const pass = encoder.beginComputePass();
    let last: object | undefined;
    for (const { pipeline, group, workgroups } of frame.dispatches) {
      if (pipeline !== last) pass.setPipeline(pipeline);
      last = pipeline;
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(...workgroups);
    }
    pass.end();
  }

  private land(frame: Frame, encoder: CommandEncoder): void {
    const raised = frame.faults.map(({ landing }) => landing);
    for (const landing of [...frame.landings, ...raised])
      if (landing !== undefined)
        encoder.copyBufferToBuffer(
          landing.source,
          0,
          frame.staging[landing.staging]!,
          landing.at,
          landing.bytes,
        );
  }

  /** Waits for a run, and copies what it gives. */
  private async read(
    frame: Frame,
    outputs: readonly Data[],
    faults: readonly Promise<{ message: string } | null>[],
  ): Promise<void> {
    const mapped = await Promise.allSettled(frame.staging.map((staging) => staging.mapAsync(READ)));
    try {
      const fault = (await Promise.all(faults)).find((own) => own !== null);
      if (fault != null)
        throw new DeviceError(
          `${this.device.name} refused ${this.program.name}: ${fault.message.split("\n")[0]}`,
        );
      const failed = mapped.find((own) => own.status === "rejected");
      if (failed !== undefined) throw failed.reason;
      this.device.check();
      const ranges = frame.staging.map((staging) => staging.getMappedRange());
      for (const { step, landing } of frame.faults) {
        const words = new Uint32Array(ranges[landing.staging]!, landing.at, FAULT_BYTES / 4);
        if (words[0] !== 0) throw step.error(step.kernel.fault!(words));
      }
      for (const [i, landing] of frame.landings.entries()) {
        if (landing === undefined) continue;
        const own = bytesIn(outputs[i]!);
        own.set(new Uint8Array(ranges[landing.staging]!, landing.at, own.length));
      }
    } finally {
      for (const [i, staging] of frame.staging.entries())
        if (mapped[i]!.status === "fulfilled") staging.unmap();
    }
  }
}

function inUnits(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const unit = bytes < 1e6 ? ["kB", 1e3] : bytes < 1e9 ? ["MB", 1e6] : ["GB", 1e9];
  return `${(bytes / (unit[1] as number)).toPrecision(3)} ${unit[0]}`;
}
