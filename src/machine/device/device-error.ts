import { GomlError } from "../../errors.js";

/** A device was lost in mid-run, or had no room. The machine that it happened to goes on on the CPU. */
export class DeviceError extends GomlError {
  constructor(message: string, cause?: unknown) {
    super("data", message, { hint: "the machine's next run is computed by the CPU", cause });
  }
}
