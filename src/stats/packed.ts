/** The number of entries in the packed lower triangle of a p × p matrix: p(p + 1)/2. */
export function packedLength(p: number): number {
  return (p * (p + 1)) / 2;
}

/** Where entry (i, j) of a symmetric matrix lies in its packed lower triangle, in either order of i and j. */
export function packedIndex(i: number, j: number): number {
  return i >= j ? (i * (i + 1)) / 2 + j : (j * (j + 1)) / 2 + i;
}
