import { walkOf } from "../../machine/ops/strips.js";
import { broadcastStrides, type Shape } from "../../machine/shape.js";
import { unsigned } from "./elements.js";

/** An operand that is read along a shape: where it starts, how far apart its elements lie along each axis, in elements. */
export interface Strided {
  readonly name: string;
  readonly start?: number;
  readonly strides: readonly number[];
}

/**
 * Statements that set, for the element number `index` of `shape`, row-major, a constant `operand.name` to the place where
 * each operand has its own. Neighbouring axes are joined, so that most are one multiplication or none.
 */
export function places(index: string, shape: Shape, operands: readonly Strided[]): string {
  const walk = walkOf(
    shape,
    operands.map(({ strides }) => strides),
  );
  const lengths = [...walk.lengths, walk.inner];
  const strides = [...walk.strides, walk.steps];
  const lines: string[] = [];
  const axis = (i: number) => `${operands[0]?.name ?? "at"}_axis${i}`;
  const used = lengths.map((_, i) => strides[i]!.some((stride) => stride !== 0));
  const first = used.indexOf(true);
  if (lengths.length > 1 && first >= 0) {
    let rest = index;
    for (let i = lengths.length - 1; i >= first; i--) {
      if (used[i]) lines.push(`let ${axis(i)} = ${i === 0 ? rest : `${rest} % ${unsigned(lengths[i]!)}`};`);
      if (i > first) {
        lines.push(`let ${axis(i)}_rest = ${rest} / ${unsigned(lengths[i]!)};`);
        rest = `${axis(i)}_rest`;
      }
    }
  } else if (first >= 0) lines.push(`let ${axis(0)} = ${index};`);
  for (const [operand, { name, start = 0 }] of operands.entries()) {
    const terms = lengths.flatMap((_, i) => {
      const stride = strides[i]![operand]!;
      if (stride === 0) return [];
      return [stride === 1 ? axis(i) : `${axis(i)} * ${unsigned(stride)}`];
    });
    if (start !== 0 || terms.length === 0) terms.push(unsigned(start));
    lines.push(`let ${name} = ${terms.join(" + ")};`);
  }
  return lines.map((line) => `  ${line}`).join("\n");
}

/** As `places`, of operands that are broadcast to `shape`. */
export function broadcastPlaces(
  index: string,
  shape: Shape,
  operands: readonly { readonly name: string; readonly shape: Shape }[],
): string {
  return places(
    index,
    shape,
    operands.map((operand) => ({ name: operand.name, strides: broadcastStrides(operand.shape, shape) })),
  );
}
