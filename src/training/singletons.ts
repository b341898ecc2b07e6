import type { SparseMoments } from "../stats/sparse-moments.js";

/** The levels whose rows say nothing of the coefficients, and how many rows these are. */
export interface Singletons {
  /** Per factor of the moments, the names of such levels. */
  levels: string[][];
  rows: number;
}

/**
 * Finds the rows of which a level of an absorbed factor has no other, and those of which that is so once such rows are
 * left out, until there are none (Correia 2015). From the cells: a level's only row tells by its pairs of levels which
 * levels of the other factors it has.
 *
 * @param families the families of the absorbed factors' indicators
 */
export function singletonsOf(moments: SparseMoments, families: readonly number[]): Singletons {
  const { shape, tables } = moments;
  const own = families.map((family) => shape.families[family]!.table);
  const counts = own.map((t) =>
    Float64Array.from({ length: tables[t]!.count }, (_, l) => tables[t]!.rows(l)),
  );
  const pairs = own.map((a, f) => own.map((b, g) => (f === g ? undefined : meetingRows(moments, a, b))));
  const open: { factor: number; level: number }[] = [];
  counts.forEach((rows, factor) => {
    rows.forEach((n, level) => {
      if (n === 1) open.push({ factor, level });
    });
  });
  const single = counts.map(() => new Set<number>());
  let rows = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { factor, level } = next;
    // The other level of the same row may have been found before.
    if (counts[factor]![level] !== 1) continue;
    rows++;
    single[factor]!.add(level);
    const levels = own.map((_, g) =>
      g === factor ? level : pairs[factor]![g]!.of(level).find((other) => isLeft(factor, g, level, other))!,
    );
    levels.forEach((l, g) => {
      if (--counts[g]![l]! === 1) open.push({ factor: g, level: l });
      levels.forEach((m, h) => {
        if (g < h) take(g, h, l, m);
      });
    });
  }
  const levels = shape.factors.map(() => [] as string[]);
  single.forEach((found, f) => {
    const { factors } = shape.tables[own[f]!]!;
    const { codes } = tables[own[f]!]!;
    for (const level of found) levels[factors[0]!]!.push(moments.levels[factors[0]!]!.names[codes[level]!]!);
  });
  return { levels, rows };

  /** Whether rows of both levels are left, of two factors in either order. */
  function isLeft(f: number, g: number, level: number, other: number): boolean {
    const cell = pairs[f]![g]!.cell(level, other);
    return pairs[Math.min(f, g)]![Math.max(f, g)]!.rows[cell]! > 0;
  }

  function take(f: number, g: number, level: number, other: number): void {
    const { cell, rows: left } = pairs[f]![g]!;
    left[cell(level, other)]!--;
  }
}

/** Where levels of two factors meet: per level of the first those of the second, and the rows of each pair. */
function meetingRows(moments: SparseMoments, a: number, b: number) {
  const union = moments.union(a, b);
  const table = moments.tables[union]!;
  const [ofA, ofB] = [moments.projection(union, a), moments.projection(union, b)];
  const first = Int32Array.from({ length: table.count }, (_, cell) => ofA(cell));
  const second = Int32Array.from({ length: table.count }, (_, cell) => ofB(cell));
  const from = new Int32Array(moments.tables[a]!.count + 1);
  for (const level of first) from[level + 1]!++;
  for (let level = 1; level < from.length; level++) from[level]! += from[level - 1]!;
  const cells = new Int32Array(table.count);
  const end = from.slice();
  first.forEach((level, cell) => {
    cells[end[level]!++] = cell;
  });
  return {
    rows: Float64Array.from({ length: table.count }, (_, cell) => table.rows(cell)),
    of: (level: number) =>
      Array.from(cells.subarray(from[level]!, from[level + 1]!), (cell) => second[cell]!),
    cell: (level: number, other: number) => {
      for (let at = from[level]!; at < from[level + 1]!; at++)
        if (second[cells[at]!] === other) return cells[at]!;
      return -1;
    },
  };
}
