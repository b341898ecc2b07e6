// The tiles of tile.ts in double-double arithmetic: a tile of high parts, and one of low parts `low` bytes behind it.
import { joinLanes, productError, sumError, topOf } from "../double-double";
import { add, divide, fastTwoSum, multiply, rest, twoProduct } from "../twofold";

/** Σ_{t < n} a[t] b[t]; the low part is `rest`. Two lanes of compensated sums, then what is left of an odd n. */
function dot(a: usize, b: usize, low: usize, n: i32): f64 {
  let s = f64x2.splat(0);
  let c = s;
  const even = <usize>(n & ~1) << 3;
  for (let t: usize = 0; t < even; t += 16) {
    const x = v128.load(a + t);
    const y = v128.load(b + t);
    const x1 = topOf(x);
    const y1 = topOf(y);
    const p = f64x2.mul(x, y);
    let e = productError(x1, f64x2.sub(x, x1), y1, f64x2.sub(y, y1), p);
    e = f64x2.add(e, f64x2.add(f64x2.mul(x, v128.load(b + t + low)), f64x2.mul(y, v128.load(a + t + low))));
    const u = f64x2.add(s, p);
    c = f64x2.add(c, f64x2.add(sumError(s, p, u), e));
    s = u;
  }
  const sum = joinLanes(s, c);
  if (!(n & 1)) return sum;
  const sumLow = rest;
  const last = multiply(load<f64>(a + even), load<f64>(a + even + low), load<f64>(b + even), load<f64>(b + even + low));
  return add(sum, sumLow, last, rest);
}

/** The entry at an address, −(high, low) added to it. */
// @ts-ignore: decorator
@inline
function less(at: usize, low: usize, high: f64, highLow: f64): f64 {
  return add(load<f64>(at), load<f64>(at + low), -high, -highLow);
}

/** (high, low) divided by the entry at an address; 0 where that is +Infinity. */
function over(high: f64, highLow: f64, at: usize, low: usize): f64 {
  const pivot = load<f64>(at);
  if (pivot == Infinity) return fastTwoSum(0, 0);
  return divide(high, highLow, pivot, load<f64>(at + low));
}

/** The upper 26 bits of a tile's high parts to `top`, and the other 27 to `tail`. */
export function splitTile(x: usize, top: usize, tail: usize, size: i32): void {
  for (let i: usize = 0, bytes = <usize>(size * size) << 3; i < bytes; i += 16) {
    const high = v128.load(x + i);
    const upper = topOf(high);
    v128.store(top + i, upper);
    v128.store(tail + i, f64x2.sub(high, upper));
  }
}

/** C −= A Bᵀ; `splitA` and `splitB` are the addresses of A and B split in two, tail behind top. */
export function subtractProductExtended(
  c: usize,
  a: usize,
  b: usize,
  splitA: usize,
  splitB: usize,
  low: usize,
  size: i32,
): void {
  const row = <usize>size << 3;
  const tail = <usize>size * row;
  for (let j = 0; j < size; j++) {
    const y = <usize>j * row;
    for (let i = 0; i < size; i++) {
      const x = <usize>i * row;
      let s = f64x2.splat(0);
      let k = s;
      for (let t: usize = 0; t < row; t += 16) {
        const u = v128.load(a + x + t);
        const v = v128.load(b + y + t);
        const p = f64x2.mul(u, v);
        let e = productError(
          v128.load(splitA + x + t),
          v128.load(splitA + tail + x + t),
          v128.load(splitB + y + t),
          v128.load(splitB + tail + y + t),
          p,
        );
        e = f64x2.add(e, f64x2.add(f64x2.mul(u, v128.load(b + y + t + low)), f64x2.mul(v, v128.load(a + x + t + low))));
        const w = f64x2.add(s, p);
        k = f64x2.add(k, f64x2.add(sumError(s, p, w), e));
        s = w;
      }
      const at = c + x + (<usize>j << 3);
      const sum = joinLanes(s, k);
      store<f64>(at, less(at, low, sum, rest));
      store<f64>(at + low, rest);
    }
  }
}

/** (high, low)^½, by one step of Newton's iteration. */
function root(high: f64, highLow: f64): f64 {
  const x = sqrt(high);
  const square = twoProduct(x, x);
  const left = high - square - rest + highLow;
  return fastTwoSum(x, left / (2 * x));
}

/**
 * `factorDiagonal` from row `from` on. Stops before a column whose pivot is above `tolerance` and below `suspicious`, and
 * returns its row: its pivot stands on the diagonal then, for the caller to judge (`keepColumn`, `leaveOut`), and to go
 * on from the row after it. Returns `size` at the end.
 */
export function factorDiagonalExtended(
  c: usize,
  low: usize,
  size: i32,
  from: i32,
  tolerance: f64,
  suspicious: f64,
): i32 {
  const row = <usize>size << 3;
  for (let j = from; j < size; j++) {
    const own = c + <usize>j * row;
    for (let i = 0; i < j; i++) {
      const other = c + <usize>i * row;
      const at = own + (<usize>i << 3);
      const sum = dot(own, other, low, i);
      const left = less(at, low, sum, rest);
      store<f64>(at, over(left, rest, other + (<usize>i << 3), low));
      store<f64>(at + low, rest);
    }
    const at = own + (<usize>j << 3);
    const sum = dot(own, own, low, j);
    const pivot = less(at, low, sum, rest);
    store<f64>(at + low, rest);
    store<f64>(at, pivot);
    if (!(pivot > tolerance)) leaveOut(at, low);
    else if (pivot < suspicious) return j;
    else keepColumn(at, low);
  }
  return size;
}

/** The root of the pivot at an address, in its place. */
export function keepColumn(at: usize, low: usize): void {
  store<f64>(at, root(load<f64>(at), load<f64>(at + low)));
  store<f64>(at + low, rest);
}

/** Leaves a column out of the factor. */
export function leaveOut(at: usize, low: usize): void {
  store<f64>(at, Infinity);
  store<f64>(at + low, 0);
}

/** X ← X L⁻ᵀ, L being the factor in a diagonal tile. */
export function solveRightExtended(x: usize, l: usize, low: usize, size: i32): void {
  const row = <usize>size << 3;
  for (let i = 0; i < size; i++, x += row) forwardTileExtended(l, x, low, size);
}

/** b −= A x. */
export function subtractColumnExtended(b: usize, a: usize, x: usize, low: usize, size: i32): void {
  const row = <usize>size << 3;
  for (let i = 0; i < size; i++, a += row, b += 8) {
    const sum = dot(a, x, low, size);
    store<f64>(b, less(b, low, sum, rest));
    store<f64>(b + low, rest);
  }
}

/** b −= Aᵀ x. */
export function subtractTransposedExtended(b: usize, a: usize, x: usize, low: usize, size: i32): void {
  const row = <usize>size << 3;
  for (let i = 0; i < size; i++, a += row, x += 8) {
    const f = load<f64>(x);
    const fl = load<f64>(x + low);
    for (let t: usize = 0; t < row; t += 8) {
      const p = multiply(load<f64>(a + t), load<f64>(a + t + low), f, fl);
      store<f64>(b + t, less(b + t, low, p, rest));
      store<f64>(b + t + low, rest);
    }
  }
}

/** b ← L⁻¹ b. */
export function forwardTileExtended(l: usize, b: usize, low: usize, size: i32): void {
  const row = <usize>size << 3;
  for (let i = 0; i < size; i++, l += row) {
    const at = <usize>i << 3;
    const sum = dot(l, b, low, i);
    const left = less(b + at, low, sum, rest);
    store<f64>(b + at, over(left, rest, l + at, low));
    store<f64>(b + at + low, rest);
  }
}

/** b ← L⁻ᵀ b. */
export function backTileExtended(l: usize, b: usize, low: usize, size: i32): void {
  const row = <usize>size << 3;
  for (let i = size - 1; i >= 0; i--) {
    const own = l + <usize>i * row;
    const at = <usize>i << 3;
    const x = over(load<f64>(b + at), load<f64>(b + at + low), own + at, low);
    const xl = rest;
    store<f64>(b + at, x);
    store<f64>(b + at + low, xl);
    for (let t: usize = 0; t < at; t += 8) {
      const p = multiply(load<f64>(own + t), load<f64>(own + t + low), x, xl);
      store<f64>(b + t, less(b + t, low, p, rest));
      store<f64>(b + t + low, rest);
    }
  }
}
