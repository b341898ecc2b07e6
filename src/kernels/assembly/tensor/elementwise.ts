import { exponential, logistic, tangent } from "./doubles";

/**
 * One step of a program of elementwise ops, as the caller writes it into memory. An operand has an address, the bytes
 * from one row to the next, and a mode: `ROW`, a number for each column; `ONE`, one for the whole row; `KEPT`, numbers
 * that stay in place from block to block, which is where steps leave what later ones read.
 */
@unmanaged
class Step {
  op: i32;
  a: usize;
  aRow: usize;
  aMode: i32;
  b: usize;
  bRow: usize;
  bMode: i32;
  y: usize;
  yRow: usize;
  yMode: i32;
  alpha: f64;
  beta: f64;
}
const STEP_BYTES: usize = 56;

const ROW = 0;
const ONE = 1;

/** Columns that all steps pass before the next: what steps keep stays in the first-level cache. */
const BLOCK: usize = 512;

// The ops' numbers, those of src/machine/kernels/elementwise.ts.
const ADD = 0;
const SUB = 1;
const MUL = 2;
const DIV = 3;
const MINIMUM = 4;
const MAXIMUM = 5;
const PRELU = 6;
const FIRST_UNARY = 7;
const NEG = 7;
const ABS = 8;
const SQRT = 9;
const SQUARE = 10;
const RELU = 11;
const CLIP = 12;
const RECIPROCAL = 13;
const EXP = 14;
const SIGMOID = 15;
const TANH = 16;
const HARD_SIGMOID = 17;
const HARD_SWISH = 18;
const LEAKY_RELU = 19;
const AFFINE = 20;
const SWISH = 21;

/**
 * Passes `rows` rows of `n` columns through `count` steps, all in single precision: a row after the other, and in each a
 * block of columns after the other.
 */
export function elementwise(program: usize, count: usize, rows: usize, n: usize): void {
  const end = program + count * STEP_BYTES;
  for (let row: usize = 0; row < rows; row++) {
    for (let j: usize = 0; j < n; j += BLOCK) {
      const columns = min(BLOCK, n - j);
      for (let at = program; at < end; at += STEP_BYTES) {
        const step = changetype<Step>(at);
        const a = step.a + row * step.aRow + (step.aMode == ROW ? j * 4 : 0);
        const y = step.y + row * step.yRow + (step.yMode == ROW ? j * 4 : 0);
        if (step.op >= FIRST_UNARY) compute1(step, a, y, columns);
        else compute2(step, a, step.b + row * step.bRow + (step.bMode == ROW ? j * 4 : 0), y, columns);
      }
    }
  }
}

function compute2(step: Step, a: usize, b: usize, y: usize, n: usize): void {
  const aOne = step.aMode == ONE;
  const bOne = step.bMode == ONE;
  switch (step.op) {
    case ADD: loop2(ADD, a, aOne, b, bOne, y, n); break;
    case SUB: loop2(SUB, a, aOne, b, bOne, y, n); break;
    case MUL: loop2(MUL, a, aOne, b, bOne, y, n); break;
    case DIV: loop2(DIV, a, aOne, b, bOne, y, n); break;
    case MINIMUM: loop2(MINIMUM, a, aOne, b, bOne, y, n); break;
    case MAXIMUM: loop2(MAXIMUM, a, aOne, b, bOne, y, n); break;
    default: loop2(PRELU, a, aOne, b, bOne, y, n);
  }
}

// @ts-ignore: decorator
@inline
function loop2(op: i32, a: usize, aOne: bool, b: usize, bOne: bool, y: usize, n: usize): void {
  const as = v128.load32_splat(a);
  const bs = v128.load32_splat(b);
  let i: usize = 0;
  if (aOne && bOne) {
    const value = of2(op, as, bs);
    for (; i + 4 <= n; i += 4) v128.store(y + i * 4, value);
  } else if (aOne) for (; i + 4 <= n; i += 4) v128.store(y + i * 4, of2(op, as, v128.load(b + i * 4)));
  else if (bOne) for (; i + 4 <= n; i += 4) v128.store(y + i * 4, of2(op, v128.load(a + i * 4), bs));
  else for (; i + 4 <= n; i += 4) v128.store(y + i * 4, of2(op, v128.load(a + i * 4), v128.load(b + i * 4)));
  for (; i < n; i++) {
    const own = aOne ? as : v128.load32_splat(a + i * 4);
    v128.store_lane<f32>(y + i * 4, of2(op, own, bOne ? bs : v128.load32_splat(b + i * 4)), 0);
  }
}

// @ts-ignore: decorator
@inline
function of2(op: i32, x: v128, y: v128): v128 {
  if (op == ADD) return f32x4.add(x, y);
  if (op == SUB) return f32x4.sub(x, y);
  if (op == MUL) return f32x4.mul(x, y);
  if (op == DIV) return f32x4.div(x, y);
  if (op == MINIMUM) return f32x4.min(x, y);
  if (op == MAXIMUM) return f32x4.max(x, y);
  return v128.bitselect(f32x4.mul(x, y), x, f32x4.lt(x, f32x4.splat(0)));
}

function compute1(step: Step, a: usize, y: usize, n: usize): void {
  if (step.aMode == ONE) {
    // A number for the whole row: it is computed once, and repeated.
    compute1At(step, a, y, 1);
    const value = v128.load32_splat(y);
    let i: usize = 0;
    for (; i + 4 <= n; i += 4) v128.store(y + i * 4, value);
    for (; i < n; i++) v128.store_lane<f32>(y + i * 4, value, 0);
  } else compute1At(step, a, y, n);
}

function compute1At(step: Step, a: usize, y: usize, n: usize): void {
  const alpha = step.alpha;
  const beta = step.beta;
  switch (step.op) {
    case NEG: loop1(NEG, a, y, n, alpha, beta); break;
    case ABS: loop1(ABS, a, y, n, alpha, beta); break;
    case SQRT: loop1(SQRT, a, y, n, alpha, beta); break;
    case SQUARE: loop1(SQUARE, a, y, n, alpha, beta); break;
    case RELU: loop1(RELU, a, y, n, alpha, beta); break;
    case CLIP: loop1(CLIP, a, y, n, alpha, beta); break;
    case RECIPROCAL: loop1(RECIPROCAL, a, y, n, alpha, beta); break;
    case EXP: loop1(EXP, a, y, n, alpha, beta); break;
    case SIGMOID: loop1(SIGMOID, a, y, n, alpha, beta); break;
    case TANH: loop1(TANH, a, y, n, alpha, beta); break;
    case HARD_SIGMOID: loop1(HARD_SIGMOID, a, y, n, alpha, beta); break;
    case HARD_SWISH: loop1(HARD_SWISH, a, y, n, alpha, beta); break;
    case LEAKY_RELU: loop1(LEAKY_RELU, a, y, n, alpha, beta); break;
    case AFFINE: loop1(AFFINE, a, y, n, alpha, beta); break;
    default: loop1(SWISH, a, y, n, alpha, beta);
  }
}

// @ts-ignore: decorator
@inline
function loop1(op: i32, a: usize, y: usize, n: usize, alpha: f64, beta: f64): void {
  let i: usize = 0;
  for (; i + 4 <= n; i += 4) v128.store(y + i * 4, of1(op, v128.load(a + i * 4), alpha, beta));
  for (; i < n; i++)
    v128.store_lane<f32>(y + i * 4, of1(op, v128.load32_splat(a + i * 4), alpha, beta), 0);
}

// @ts-ignore: decorator
@inline
function of1(op: i32, x: v128, alpha: f64, beta: f64): v128 {
  if (op == NEG) return f32x4.neg(x);
  if (op == ABS) return f32x4.abs(x);
  if (op == SQRT) return f32x4.sqrt(x);
  if (op == SQUARE) return f32x4.mul(x, x);
  if (op == RELU) return f32x4.max(x, f32x4.splat(0));
  if (op == CLIP) return f32x4.min(f32x4.max(x, f32x4.splat(<f32>alpha)), f32x4.splat(<f32>beta));
  if (op == RECIPROCAL) return f32x4.div(f32x4.splat(1), x);
  const low = f64x2.promote_low_f32x4(x);
  const high = f64x2.promote_low_f32x4(v128.shuffle<f32>(x, x, 2, 3, 2, 3));
  return v128.shuffle<f32>(
    f32x4.demote_f64x2_zero(inDouble(op, low, alpha, beta)),
    f32x4.demote_f64x2_zero(inDouble(op, high, alpha, beta)),
    0, 1, 4, 5,
  );
}

// @ts-ignore: decorator
@inline
function inDouble(op: i32, x: v128, alpha: f64, beta: f64): v128 {
  if (op == EXP) return exponential(x);
  if (op == SIGMOID) return logistic(x);
  if (op == TANH) return tangent(x);
  const zero = f64x2.splat(0);
  const one = f64x2.splat(1);
  const scaled = f64x2.mul(f64x2.splat(alpha), x);
  if (op == HARD_SIGMOID) return f64x2.max(zero, f64x2.min(one, f64x2.add(scaled, f64x2.splat(beta))));
  if (op == HARD_SWISH) {
    const gate = f64x2.add(f64x2.div(x, f64x2.splat(6)), f64x2.splat(0.5));
    return f64x2.mul(x, f64x2.max(zero, f64x2.min(one, gate)));
  }
  if (op == LEAKY_RELU) return v128.bitselect(scaled, x, f64x2.lt(x, zero));
  if (op == AFFINE) return f64x2.add(scaled, f64x2.splat(beta));
  // Swish: x·σ(αx).
  return f64x2.div(x, f64x2.add(one, exponential(f64x2.neg(scaled))));
}
