import type { Device, Placed, Placement } from "../../../machine/index.js";

/** A device that runs a part of a graph; `placed` is told which. */
export interface OnDevice {
  readonly device: Device;
  readonly placement: Placement;
  placed(placed: Placed): void;
}
