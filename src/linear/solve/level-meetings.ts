import type { SparseMoments } from "../../stats/sparse-moments.js";

/** Where levels of two factors meet: a weight for each pair that does. */
export interface Meetings {
  first: Int32Array;
  second: Int32Array;
  weights: Float64Array;
}

/** The pairs of levels of tables `a` and `b`, of one factor each. */
export function meetingsOf(moments: SparseMoments, a: number, b: number): Meetings {
  const union = moments.union(a, b);
  const table = moments.tables[union]!;
  const weights = new Float64Array(table.count);
  for (let cell = 0; cell < table.count; cell++) weights[cell] = table.weight(cell);
  return { first: moments.projected(union, a), second: moments.projected(union, b), weights };
}
