import { float } from "../elements.js";

/** c₀ + x·(c₁ + x·(…)) in WGSL. */
export const polynomial = (x: string, coefficients: readonly number[]): string =>
  coefficients
    .slice(0, -1)
    .reduceRight((inner, c) => `(${float(c)} + ${x} * ${inner})`, float(coefficients.at(-1)!));

const factorials = (from: number, to: number, step = 1): number[] => {
  const result: number[] = [];
  for (let n = from; n <= to; n += step) {
    let product = 1;
    for (let i = 2; i <= n; i++) product *= i;
    result.push(1 / product);
  }
  return result;
};

/** ln 2 in two parts, of which multiples of the first, by up to 2¹⁴, have no rounding. */
const [LN2_HIGH, LN2_LOW] = [0.693359375, Math.LN2 - 0.693359375];

export const exponentialFunctions = {
  power_of_two: `fn power_of_two(k: i32) -> f32 { return bitcast<f32>(u32(k + 127) << 23u); }`,

  // e^(k·ln 2 + r), |r| ≤ ln 2 / 2, by the Taylor series of degree 7.
  exponential: `fn exponential(x: f32) -> f32 {
  let own = clamp(select(x, 0.0, is_nan(x)), -104.0, 89.0);
  let k = round(own * ${float(Math.LOG2E)});
  let r = (own - k * ${float(LN2_HIGH)}) - k * ${float(LN2_LOW)};
  let sum = 1.0 + (r + r * r * ${polynomial("r", factorials(2, 7))});
  // In two steps: 2¹²⁸ is no float32, but e⁸⁸ is.
  let half = i32(k) >> 1u;
  return select(sum * power_of_two(half) * power_of_two(i32(k) - half), x, is_nan(x));
}`,

  // eˣ − 1.
  exponential_less_one: `fn exponential_less_one(x: f32) -> f32 {
  if (abs(x) < 0.5) { return x + x * x * ${polynomial("x", factorials(2, 10))}; }
  return exponential(x) - 1.0;
}`,

  // log(1 + f) for 1 + f from √½ to √2: f − f²/2 + s·(f²/2 + r), with s = f / (2 + f) and the series of artanh s.
  logarithm_near_one: `fn logarithm_near_one(f: f32) -> f32 {
  let s = f / (2.0 + f);
  let square = s * s;
  let half = 0.5 * f * f;
  let r = square * ${polynomial("square", [2 / 3, 2 / 5, 2 / 7, 2 / 9, 2 / 11])};
  return f - (half - s * (half + r));
}`,

  logarithm: `fn logarithm(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  if (is_nan(x)) { return x; }
  if (is_zero(x)) { return -infinity(); }
  if (bits >= 0x80000000u) { return not_a_number(); }
  if (bits == 0x7f800000u) { return x; }
  // A subnormal number is 2⁻¹⁴⁹ times its bits.
  let small = bits < 0x800000u;
  let own = select(bits, bitcast<u32>(f32(bits)), small);
  let offset = own - 0x3f3504f3u;
  let exponent = f32((bitcast<i32>(offset) >> 23u) - select(0, 149, small));
  let f = bitcast<f32>(0x3f3504f3u + (offset & 0x7fffffu)) - 1.0;
  return exponent * ${float(LN2_HIGH)} + (logarithm_near_one(f) + exponent * ${float(LN2_LOW)});
}`,

  // log(1 + x).
  logarithm_of_one_more: `fn logarithm_of_one_more(x: f32) -> f32 {
  if (x > -0.25 && x < 0.375) { return logarithm_near_one(x); }
  return logarithm(1.0 + x);
}`,

  // xʸ as JavaScript has it: x^0 is 1, and 1^±∞ is no number.
  power: `fn power(x: f32, y: f32) -> f32 {
  if (is_zero(y)) { return 1.0; }
  if (is_nan(x) || is_nan(y)) { return not_a_number(); }
  let size = abs(x);
  let infinite = !is_finite(y);
  if (infinite && size == 1.0) { return not_a_number(); }
  let whole = infinite || floor(y) == y;
  let odd = !infinite && whole && abs(y) < 16777216.0 && (i32(y) & 1) == 1;
  let negative = bitcast<i32>(x) < 0;
  if (is_zero(x) || !is_finite(x) || infinite) {
    let grows = select(is_less(1.0, size), !is_finite(x), is_zero(x) || !is_finite(x)) == (y > 0.0);
    let value = select(0.0, infinity(), grows);
    return select(value, -value, negative && odd);
  }
  if (negative && !whole) { return not_a_number(); }
  var value = 0.0;
  if (whole && abs(y) <= 64.0) {
    var base = size;
    var left = u32(abs(y));
    value = 1.0;
    while (left != 0u) {
      if ((left & 1u) == 1u) { value *= base; }
      left >>= 1u;
      if (left != 0u) { base *= base; }
    }
    if (y < 0.0) { value = 1.0 / value; }
  } else if (y == 0.5) { value = sqrt(size); }
  else { value = exponential(y * logarithm(size)); }
  return select(value, -value, negative && odd);
}`,

  hyperbolic_sine: `fn hyperbolic_sine(x: f32) -> f32 {
  if (abs(x) < 1.0) {
    let square = x * x;
    return x + x * square * ${polynomial("square", factorials(3, 11, 2))};
  }
  let root = exponential(0.5 * abs(x));
  return with_sign(0.5 * root * root - 0.5 / (root * root), x);
}`,

  hyperbolic_cosine: `fn hyperbolic_cosine(x: f32) -> f32 {
  let root = exponential(0.5 * abs(x));
  return 0.5 * root * root + 0.5 / (root * root);
}`,

  // e / (e + 2), e being e²ˣ − 1.
  hyperbolic_tangent: `fn hyperbolic_tangent(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  if (abs(x) > 10.0) { return with_sign(1.0, x); }
  let e = exponential_less_one(2.0 * abs(x));
  return with_sign(e / (e + 2.0), x);
}`,

  logistic: `fn logistic(x: f32) -> f32 {
  let e = exponential(-abs(x));
  return select(1.0, e, bitcast<i32>(x) < 0 && !is_nan(x)) / (1.0 + e);
}`,

  // log(1 + eˣ).
  soft_plus: `fn soft_plus(x: f32) -> f32 { return rectified(x) + logarithm_of_one_more(exponential(-abs(x))); }`,

  // x·σ(αx), that is x / (1 + e^−αx); ∞ and −∞ as they are, as on the CPU, whose exponentials are finite.
  swish_of: `fn swish_of(x: f32, alpha: f32) -> f32 {
  return select(x, x / (1.0 + exponential(-(alpha * x))), is_finite(x));
}`,
} satisfies Record<string, string>;
