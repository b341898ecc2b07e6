import { GomlError, UsageError } from "../errors.js";
import { formatShape, type Shape } from "./shape.js";

/** Shapes do not fit an op or a leaf. The message names the op, the nodes and their shapes. */
export class ShapeError extends UsageError {}

/** The machine was closed. */
export class MachineClosedError extends UsageError {
  constructor() {
    super("the machine is closed", { hint: "make a new machine, or call close() later" });
  }
}

/** An op failed while the graph ran; `cause` is what it threw. */
export class OpError extends GomlError {
  /** The node's label. */
  readonly node: string;
  readonly op: string;
  /** The shapes of the op's inputs. */
  readonly shapes: readonly Shape[];

  constructor(node: string, op: string, shapes: readonly Shape[], cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super("internal", `node ${node}: ${op}(${shapes.map(formatShape).join(", ")}) failed: ${why}`, { cause });
    this.node = node;
    this.op = op;
    this.shapes = shapes;
  }
}
