import type { Answer } from "./moments-of-cells.js";

/** So much of a sum of squares about the common shift may be of the shift: the rest has 9 digits and more. */
const MOST_OF_SHIFT = 1e7;

/**
 * A group whose numbers lie so far from the shift, which all groups have in common, that the squares about their own mean
 * have lost their digits; undefined where there is none. Numbers that are constant in a group are the shift's alone, exactly.
 *
 * @param answer sums in double
 */
export function lostGroup({ choice, cells, groups, names }: Answer): string | undefined {
  const squares = choice.columns.map((i) => choice.pairs.findIndex(([a, b]) => a === i && b === i));
  const size = choice.columns.length;
  const totals = new Map<string, { weight: number; b: Float64Array; c: Float64Array }>();
  for (const [r, cell] of cells.entries()) {
    const group = groups![r];
    if (group === undefined || names[r]!.includes(undefined)) continue;
    let total = totals.get(group);
    if (total === undefined) {
      total = { weight: 0, b: new Float64Array(size), c: new Float64Array(size) };
      totals.set(group, total);
    }
    total.weight += Number(cell.weight);
    for (let k = 0; k < size; k++) {
      total.b[k]! += Number(cell.b[k]);
      total.c[k]! += Number(cell.c[squares[k]!]);
    }
  }
  for (const [group, { weight, b, c }] of totals)
    for (let k = 0; k < size; k++) {
      const ofShift = (b[k]! * b[k]!) / weight;
      const rest = c[k]! - ofShift;
      if (weight > 0 && rest !== 0 && ofShift > MOST_OF_SHIFT * Math.abs(rest)) return group;
    }
  return undefined;
}
