import { ShapeError } from "../errors.js";
import { finish } from "../kernels/convolution.js";
import { ElementProgram, type ElementStep, type Operand } from "../kernels/elementwise.js";
import { broadcast, broadcastStrides, type Shape, sameShape, sizeOf, stridesOf } from "../shape.js";
import type { Data } from "../tensor.js";

/** How an operand lies beside a result of images × channels × positions: elements apart, positions in a row or none. */
interface Placement {
  readonly image: number;
  readonly channel: number;
  readonly step: 0 | 1;
}

/**
 * Where an operand of `shape` lies beside a result of which axis `axis` are the channels, the axes before the images,
 * those behind the positions; undefined where it is repeated along some of the positions or images alone.
 */
export function placementOf(shape: Shape, result: Shape, axis: number): Placement | undefined {
  const joint = broadcast([shape, result]);
  if (joint === undefined || !sameShape(joint, result)) return undefined;
  const strides = broadcastStrides(shape, result);
  const own = stridesOf(result);
  const beside = (from: number, to: number, size: number): number | undefined => {
    // One stride for all of these axes: none, or as the result's, `size` being that of one index.
    let stride: number | undefined;
    for (let i = from; i < to; i++) {
      if (result[i] === 1) continue;
      const unit = strides[i] === 0 ? 0 : strides[i]! / (own[i]! / size);
      if (!Number.isInteger(unit) || (stride !== undefined && unit !== stride)) return undefined;
      stride = unit;
    }
    return stride ?? 0;
  };
  const positions = sizeOf(result.slice(axis + 1));
  const step = beside(axis + 1, result.length, 1);
  const image = beside(0, axis, result[axis]! * positions);
  if (image === undefined || (step !== 0 && step !== 1)) return undefined;
  return { image, channel: strides[axis]!, step };
}

/**
 * What follows a convolution or a product while its result is still in the cache: a bias for each channel, then
 * elementwise ops, the first value of which is the result; each is rounded, as if it came by itself.
 */
export class Epilogue {
  /** Nanoseconds per element, about. */
  readonly cost: number;
  private readonly program: ElementProgram | undefined;
  /** What `finish` does in one go: an operand like the result is added, then bounds. */
  private readonly simple:
    | { readonly residual: boolean; readonly low: number; readonly high: number }
    | undefined;
  private readonly placements: readonly Placement[];

  /**
   * @param extras the shapes of the ops' other operands
   * @param axis the result's channels
   * @throws ShapeError where an operand does not lie regularly beside the result
   */
  constructor(
    steps: readonly ElementStep[],
    biased: boolean,
    extras: readonly Shape[],
    result: Shape,
    axis: number,
  ) {
    this.placements = extras.map((shape) => {
      const placement = placementOf(shape, result, axis);
      if (placement === undefined)
        throw new ShapeError("an operand of what follows does not lie beside the result");
      return placement;
    });
    this.simple = simpleOf(steps, extras, result);
    const bias = biased ? 1 : 0;
    const given = 1 + bias + extras.length;
    const moved = (input: number) => {
      if (input === 0) return biased ? given : 0;
      return input <= extras.length ? input + bias : input + 2 * bias;
    };
    const own: ElementStep[] = steps.map((step) => ({ ...step, inputs: step.inputs.map(moved) }));
    if (biased) own.unshift({ op: "add", inputs: [0, 1] });
    this.program = this.simple === undefined && own.length > 0 ? new ElementProgram(own, given) : undefined;
    this.cost = this.program?.cost ?? 0.1;
  }

  /**
   * Finishes channels `channel` on of an image, `rows` of them, at n positions from `from` on.
   *
   * @param at where the image's first channel begins in `out`, channels being `positions` apart
   */
  run(
    out: Data,
    at: number,
    positions: number,
    image: number,
    [channel, rows]: readonly [number, number],
    [from, n]: readonly [number, number],
    bias: Data | undefined,
    extras: readonly Data[],
  ): void {
    const first = at + channel * positions + from;
    if (this.simple !== undefined) {
      const { residual, low, high } = this.simple;
      finish({ data: out, at: first }, positions, rows, n, {
        bias: bias && { data: bias, at: channel },
        residual: residual ? { data: extras[0]!, at: first } : undefined,
        low,
        high,
      });
      return;
    }
    const operands: Operand[] = [{ data: out, at: first, row: positions, step: 1 }];
    if (bias !== undefined) operands.push({ data: bias, at: channel, row: 1, step: 0 });
    for (const [i, { image: images, channel: row, step }] of this.placements.entries())
      operands.push({ data: extras[i]!, at: image * images + channel * row + step * from, row, step });
    this.program?.run(operands, out, first, positions, rows, n);
  }
}

/** Steps as bounds after an operand of the result's shape has been added, where they are no more than that. */
function simpleOf(steps: readonly ElementStep[], extras: readonly Shape[], result: Shape) {
  const [first, ...others] = steps;
  const residual =
    first?.op === "add" &&
    extras.length === 1 &&
    sameShape(extras[0]!, result) &&
    first.inputs.includes(0) &&
    first.inputs.includes(1);
  const rest = residual ? others : steps;
  if ((!residual && extras.length > 0) || rest.length > 1) return undefined;
  const [bounds] = rest;
  if (bounds === undefined) return { residual, low: -Infinity, high: Infinity };
  if (bounds.op === "relu") return { residual, low: 0, high: Infinity };
  if (bounds.op !== "clip") return undefined;
  return { residual, low: bounds.alpha ?? 0, high: bounds.beta ?? 0 };
}
