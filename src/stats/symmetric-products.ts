/**
 * Sums of products of variables, Σ w z_i z_j or Σ w z_i z_j z_k z_l, one for each set of `degree` variables with
 * repetition, in the order of the combinatorial number system: (i, j), i ≥ j, is at i(i + 1)/2 + j, and (i, j, k, l),
 * i ≥ j ≥ k ≥ l, at C(i + 3, 4) + C(j + 2, 3) + C(k + 1, 2) + l. A variable can be appended without moving what is there.
 * Variable 0 is the constant 1, so that sums of lower degree are among them.
 */

/** How many products of `degree` of m variables there are: C(m + degree − 1, degree). */
export function productCount(m: number, degree: number): number {
  let count = 1;
  for (let d = 1; d <= degree; d++) count = (count * (m + d - 1)) / d;
  return count;
}

/** Where the product of variables lies, which stand in descending order. */
function indexOf(variables: ArrayLike<number>): number {
  let at = 0;
  const degree = variables.length;
  for (let d = 0; d < degree; d++) at += productCount(variables[d]!, degree - d);
  return at;
}

/** Where the product of variables in any order lies. */
export function productIndex(variables: readonly number[]): number {
  return indexOf([...variables].sort((a, b) => b - a));
}

/** Adds w times the products of a row's values z, z₀ = 1, to sums of degree 2 or 4 that begin at `from`. */
export function addProducts(
  sums: Float64Array,
  from: number,
  z: Float64Array,
  w: number,
  degree: 2 | 4,
): void {
  let at = from;
  for (let i = 0; i < z.length; i++) {
    const first = w * z[i]!;
    for (let j = 0; j <= i; j++) {
      const second = first * z[j]!;
      if (degree === 2) {
        sums[at++]! += second;
        continue;
      }
      for (let k = 0; k <= j; k++) {
        const third = second * z[k]!;
        for (let l = 0; l <= k; l++) sums[at++]! += third * z[l]!;
      }
    }
  }
}

/** Calls for each product in order, with its variables in descending order. */
function eachProduct(m: number, degree: number, call: (variables: Int32Array, at: number) => void): void {
  const variables = new Int32Array(degree);
  let at = 0;
  const descend = (d: number, most: number) => {
    for (let v = 0; v <= most; v++) {
      variables[d] = v;
      if (d + 1 === degree) call(variables, at++);
      else descend(d + 1, v);
    }
  };
  descend(0, m - 1);
}

/**
 * The sums of other variables: variable v is what was number `from[v]`, and zero in every row where that is −1. The
 * constant stays the first.
 */
export function chosenProducts(
  sums: ArrayLike<number>,
  from: readonly number[],
  degree: number,
): Float64Array {
  const chosen = new Float64Array(productCount(from.length, degree));
  const old: number[] = new Array(degree);
  eachProduct(from.length, degree, (variables, at) => {
    for (let d = 0; d < degree; d++) {
      old[d] = from[variables[d]!]!;
      if (old[d]! < 0) return;
    }
    chosen[at] = sums[productIndex(old)]!;
  });
  return chosen;
}

/** The sums of variables that are moved: z_v + shift[v], by the binomial theorem; shift[0] has no meaning. */
export function movedProducts(sums: Float64Array, shift: ArrayLike<number>, degree: number): Float64Array {
  const m = shift.length;
  let moved = sums;
  const other: number[] = new Array(degree);
  for (let v = 1; v < m; v++) {
    const by = shift[v]!;
    if (by === 0) continue;
    const before = moved;
    moved = before.slice();
    eachProduct(m, degree, (variables, at) => {
      let times = 0;
      for (let d = 0; d < degree; d++) if (variables[d] === v) times++;
      if (times === 0) return;
      // One after the other of them is replaced by the constant, which stands last.
      let [sum, binomial, power] = [0, 1, 1];
      for (let taken = 1; taken <= times; taken++) {
        binomial = (binomial * (times - taken + 1)) / taken;
        power *= by;
        let left = taken;
        let n = 0;
        for (let d = 0; d < degree; d++) {
          if (variables[d] === v && left > 0) left--;
          else other[n++] = variables[d]!;
        }
        while (n < degree) other[n++] = 0;
        sum += binomial * power * before[indexOf(other)]!;
      }
      moved[at]! += sum;
    });
  }
  return moved;
}
