import type { Kernel } from "../op.js";
import type { Data } from "../tensor.js";

/** A step as a thread computes it in one frame: kernel and operands, ready to be called. */
export interface BoundStep {
  readonly kernel: Kernel;
  readonly inputs: Data[];
  output: Data;
  /** All results, the output the first of them, of an op that has several. */
  readonly results: Data[] | undefined;
}

/** Where a value is bound: place `at` of a step's operands, or of its results. */
interface Use {
  readonly operands: Data[];
  readonly at: number;
}

/** What a thread needs to bind the steps of a frame. */
export interface FrameSource {
  readonly inputs: readonly (readonly number[])[];
  /** The leaf's number of a step, or −1. */
  leafOf(step: number): number;
  /** A leaf's value for the frame's run. */
  leaf(leaf: number): Data;
  /** The place of a step's value in the frame. */
  value(step: number): Data;
  kernel(step: number): Kernel;
  /** How many results a step has: its own value and those of the steps after it. */
  resultsOf(step: number): number;
  /** Whether a step's value may lie elsewhere in another run. */
  moves(step: number): boolean;
}

/**
 * A thread's bindings of one frame: made once for each step that the thread computes there, and mended where a leaf
 * has moved, so that a run allocates nothing.
 */
export class BoundFrame {
  private readonly source: FrameSource;
  private readonly steps: (BoundStep | undefined)[];
  private readonly values: (Data | undefined)[];
  private readonly uses: (Use[] | undefined)[];
  private readonly leafSteps: Int32Array;

  /** @param leafSteps the step of each leaf */
  constructor(source: FrameSource, leafSteps: Int32Array) {
    this.source = source;
    this.leafSteps = leafSteps;
    const { length } = source.inputs;
    this.steps = new Array(length).fill(undefined);
    this.values = new Array(length).fill(undefined);
    this.uses = new Array(length).fill(undefined);
  }

  /** The step, bound. */
  step(index: number): BoundStep {
    return this.steps[index] ?? this.bind(index);
  }

  /** The value of a step or a leaf in this frame. */
  value(index: number): Data {
    const known = this.values[index];
    if (known !== undefined) return known;
    const leaf = this.source.leafOf(index);
    const data = leaf < 0 ? this.source.value(index) : this.source.leaf(leaf);
    this.values[index] = data;
    return data;
  }

  /** Puts the value of a step or a leaf elsewhere, for the step itself and all that read it. */
  move(index: number, data: Data): void {
    this.values[index] = data;
    const step = this.steps[index];
    if (step !== undefined) step.output = data;
    const uses = this.uses[index];
    if (uses !== undefined) for (let i = 0; i < uses.length; i++) uses[i]!.operands[uses[i]!.at] = data;
  }

  /** Looks where the leaves lie now. */
  moveLeaves(): void {
    for (let leaf = 0; leaf < this.leafSteps.length; leaf++) {
      const index = this.leafSteps[leaf]!;
      const known = this.values[index];
      if (known === undefined) continue;
      const data = this.source.leaf(leaf);
      if (data !== known) this.move(index, data);
    }
  }

  private bind(index: number): BoundStep {
    const own = this.source.inputs[index]!;
    const inputs = new Array<Data>(own.length);
    for (let at = 0; at < own.length; at++) this.use(own[at]!, inputs, at);
    const count = this.source.resultsOf(index);
    const results = count === 1 ? undefined : new Array<Data>(count);
    if (results !== undefined) for (let at = 0; at < count; at++) this.use(index + at, results, at);
    const step = { kernel: this.source.kernel(index), inputs, output: this.value(index), results };
    this.steps[index] = step;
    return step;
  }

  /** Puts the value of a step at place `at` of `operands`, now and wherever it moves. */
  private use(index: number, operands: Data[], at: number): void {
    operands[at] = this.value(index);
    if (!this.source.moves(index)) return;
    const uses = this.uses[index];
    if (uses === undefined) this.uses[index] = [{ operands, at }];
    else uses.push({ operands, at });
  }
}
