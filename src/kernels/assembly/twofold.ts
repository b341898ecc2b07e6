// Double-double arithmetic on scalars: a number is the unevaluated sum of two doubles, about 106 bits. A function
// returns the high part and leaves the low one in `rest`.

/** Veltkamp's constant, 2²⁷ + 1: splits a double into two of 26 bits. */
export const SPLITTER: f64 = 134217729;

/** The low part of the last scalar operation below; the high one is what it returns. */
export let rest: f64 = 0;

export function twoSum(a: f64, b: f64): f64 {
  const s = a + b;
  const v = s - a;
  rest = a - (s - v) + (b - v);
  return s;
}

// @ts-ignore: decorator
@inline
export function fastTwoSum(a: f64, b: f64): f64 {
  const s = a + b;
  rest = b - (s - a);
  return s;
}

export function twoProduct(a: f64, b: f64): f64 {
  const p = a * b;
  const ca = SPLITTER * a;
  const cb = SPLITTER * b;
  const a1 = ca - (ca - a);
  const b1 = cb - (cb - b);
  const a2 = a - a1;
  const b2 = b - b1;
  rest = a1 * b1 - p + a1 * b2 + a2 * b1 + a2 * b2;
  return p;
}

export function add(a: f64, al: f64, b: f64, bl: f64): f64 {
  const t = twoSum(al, bl);
  const f = rest;
  const s = twoSum(a, b);
  const h = fastTwoSum(s, rest + t);
  return fastTwoSum(h, rest + f);
}

export function multiply(a: f64, al: f64, b: f64, bl: f64): f64 {
  const p = twoProduct(a, b);
  return fastTwoSum(p, rest + (a * bl + al * b));
}

export function divide(a: f64, al: f64, b: f64, bl: f64): f64 {
  const q1 = a / b;
  let p = multiply(q1, 0, b, bl);
  let r = add(a, al, -p, -rest);
  let rl = rest;
  const q2 = r / b;
  p = multiply(q2, 0, b, bl);
  r = add(r, rl, -p, -rest);
  const q3 = r / b;
  const q = fastTwoSum(q1, q2);
  return add(q, rest, q3, 0);
}
