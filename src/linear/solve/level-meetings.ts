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
  const [ofA, ofB] = [moments.projection(union, a), moments.projection(union, b)];
  return {
    first: Int32Array.from({ length: table.count }, (_, cell) => ofA(cell)),
    second: Int32Array.from({ length: table.count }, (_, cell) => ofB(cell)),
    weights: Float64Array.from({ length: table.count }, (_, cell) => table.weight(cell)),
  };
}
