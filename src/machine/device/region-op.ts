import { OpError } from "../errors.js";
import { type Attributes, type Kernel, type TensorType, TypedOp } from "../op.js";
import type { Device, DeviceProgram, DeviceSpan, LoadedProgram } from "./device.js";

/** What a machine knows of the regions that it runs. */
export interface RegionWatch {
  /** A program that is loaded, to be closed with the machine. */
  loaded(program: LoadedProgram): void;
  /** A region did not run; the device cannot be used any more, or not for it. */
  failed(error: unknown): void;
  /** When something of a run ran, by the number that its last input has; undefined where nobody wants to know. */
  readonly record: ((run: number, span: DeviceSpan) => void) | undefined;
}

export const REGION = "gpu";

/** A region of a graph as one op: copies its inputs to the device, runs there, and copies its results back. */
export class RegionOp extends TypedOp {
  readonly name = REGION;
  override readonly attributes: Attributes;
  private readonly device: Device;
  private readonly program: DeviceProgram;
  private readonly types: readonly TensorType[];
  private readonly watch: RegionWatch;

  constructor(device: Device, program: DeviceProgram, types: readonly TensorType[], watch: RegionWatch) {
    super();
    this.attributes = { nodes: program.steps.length };
    this.device = device;
    this.program = program;
    this.types = types;
    this.watch = watch;
  }

  infer(): readonly TensorType[] {
    return this.types;
  }

  make(): Kernel {
    const { record, failed } = this.watch;
    const loaded = this.device.load(this.program);
    this.watch.loaded(loaded);
    const { length } = this.program.inputs;
    return {
      units: 1,
      cost: 0,
      run: (inputs, first, _from, _to, results = [first]) => {
        const own = record && ((span: DeviceSpan) => record(inputs[length]![0]!, span));
        return loaded.run(inputs.slice(0, length), results, own).catch((error) => {
          // Elements that an op cannot take, such as an index out of range, say nothing of the device.
          if (!(error instanceof OpError && error.cause instanceof RangeError)) failed(error);
          throw error;
        });
      },
    };
  }
}
