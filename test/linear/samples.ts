import fc from "fast-check";

/** Rows of a regression, row-major with y first: `columns` names them. */
export interface Sample {
  columns: string[];
  X: Float64Array;
  weights: Float64Array;
}

/** Random regressions: n rows of y and k columns, correlated with each other, the scales far apart. */
export function samples(options: {
  rows: [number, number];
  columns: [number, number];
}): fc.Arbitrary<Sample> {
  return fc
    .tuple(
      fc.integer({ min: options.rows[0], max: options.rows[1] }),
      fc.integer({ min: options.columns[0], max: options.columns[1] }),
      fc.integer({ min: 1, max: 2 ** 31 - 1 }),
    )
    .map(([n, k, seed]) => {
      const random = generator(seed);
      const X = new Float64Array(n * (k + 1));
      for (let r = 0; r < n; r++) {
        const common = random();
        let y = random() * 0.5;
        for (let j = 1; j <= k; j++) {
          const x = common * 0.5 + random() + (j % 2);
          X[r * (k + 1) + j] = x * 10 ** (j % 4);
          if (j % 3 !== 0) y += x * (j % 2 === 0 ? -1 : 0.5);
        }
        X[r * (k + 1)] = y;
      }
      const columns = ["y", ...Array.from({ length: k }, (_, j) => `x${j + 1}`)];
      return { columns, X, weights: Float64Array.from({ length: n }, () => 0.2 + Math.abs(random())) };
    });
}

/** Uniform numbers from −1 to 1 (mulberry32). */
export function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}
