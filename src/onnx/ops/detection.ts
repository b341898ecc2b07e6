import { Tensor } from "../../machine/index.js";
import type { Conversion } from "../call.js";

/** Corners of a box, least first. */
function cornersOf(boxes: ArrayLike<number>, at: number, centred: boolean): [number, number, number, number] {
  const [a, b, c, d] = [boxes[at]!, boxes[at + 1]!, boxes[at + 2]!, boxes[at + 3]!];
  // Centre x and y, width, height; else two opposite corners, y first.
  if (centred) return [b - d / 2, a - c / 2, b + d / 2, a + c / 2];
  return [Math.min(a, c), Math.min(b, d), Math.max(a, c), Math.max(b, d)];
}

function overlap(a: readonly number[], b: readonly number[]): number {
  const height = Math.min(a[2]!, b[2]!) - Math.max(a[0]!, b[0]!);
  const width = Math.min(a[3]!, b[3]!) - Math.max(a[1]!, b[1]!);
  if (height <= 0 || width <= 0) return 0;
  const area = (box: readonly number[]) => (box[2]! - box[0]!) * (box[3]! - box[1]!);
  const joint = height * width;
  return joint / (area(a) + area(b) - joint);
}

/** The boxes of each class by score, without those that overlap one chosen before. How many is known in a run only. */
const suppression: Conversion = (call) => {
  const boxes = call.known(0);
  const scores = call.known(1);
  const most = call.optionalNumbers(2)?.[0] ?? 0;
  const overlapping = call.optionalNumbers(3)?.[0] ?? 0;
  const least = call.optionalNumbers(4)?.[0] ?? Number.NEGATIVE_INFINITY;
  const centred = call.flag("center_point_box");
  const [batches, classes, count] = scores.shape as [number, number, number];
  const chosen: number[] = [];
  for (let batch = 0; batch < batches; batch++) {
    for (let own = 0; own < classes; own++) {
      const first = (batch * classes + own) * count;
      const order = Array.from({ length: count }, (_, i) => i)
        .filter((i) => scores.data[first + i]! > least)
        .sort((i, j) => scores.data[first + j]! - scores.data[first + i]! || i - j);
      const kept: number[][] = [];
      for (const i of order) {
        if (kept.length >= most) break;
        const box = cornersOf(boxes.data, (batch * count + i) * 4, centred);
        if (kept.some((other) => overlap(box, other) > overlapping)) continue;
        kept.push(box);
        chosen.push(batch, own, i);
      }
    }
  }
  return new Tensor(BigInt64Array.from(chosen, BigInt), [chosen.length / 3, 3]);
};

export const detection: Readonly<Record<string, Conversion>> = { NonMaxSuppression: suppression };
