/** Special values and comparisons by the bits of floats: exact for subnormal numbers, NaN and ∞ on every device. */
export const bitFunctions = {
  infinity: `var<private> infinity_bits: u32 = 0x7f800000u;
fn infinity() -> f32 { return bitcast<f32>(infinity_bits); }`,

  not_a_number: `var<private> nan_bits: u32 = 0x7fc00000u;
fn not_a_number() -> f32 { return bitcast<f32>(nan_bits); }`,

  is_nan: `fn is_nan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }`,

  is_finite: `fn is_finite(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) < 0x7f800000u; }`,

  is_zero: `fn is_zero(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) == 0u; }`,

  // An integer that orders floats as they are ordered, with both zeros as 0; of NaN it says nothing.
  order: `fn order(x: f32) -> i32 {
  let bits = bitcast<i32>(x);
  return select(bits, bitcast<i32>(0x80000000u) - bits, bits < 0);
}`,

  is_less: `fn is_less(x: f32, y: f32) -> bool { return order(x) < order(y) && !is_nan(x) && !is_nan(y); }`,

  is_less_or_equal: `fn is_less_or_equal(x: f32, y: f32) -> bool { return order(x) <= order(y) && !is_nan(x) && !is_nan(y); }`,

  is_equal: `fn is_equal(x: f32, y: f32) -> bool { return order(x) == order(y) && !is_nan(x) && !is_nan(y); }`,

  // NaN where one of them is, and 0 rather than −0.
  maximum: `fn maximum(x: f32, y: f32) -> f32 {
  let larger = select(y, x, order(x) > order(y) || (order(x) == order(y) && bitcast<u32>(x) == 0u));
  return select(select(larger, y, is_nan(y)), x, is_nan(x));
}`,

  minimum: `fn minimum(x: f32, y: f32) -> f32 {
  let smaller = select(y, x, order(x) < order(y) || (order(x) == order(y) && bitcast<u32>(y) == 0u));
  return select(select(smaller, y, is_nan(y)), x, is_nan(x));
}`,

  rectified: `fn rectified(x: f32) -> f32 { return select(x, 0.0, bitcast<i32>(x) < 0 && !is_nan(x)); }`,

  // −1, 0 or 1, the zeros and NaN as they are.
  // Of a subnormal number too, which floor may take for 0.
  round_down: `fn round_down(x: f32) -> f32 {
  let value = floor(x);
  return select(value, -1.0, is_zero(value) && is_less(x, 0.0));
}`,

  round_up: `fn round_up(x: f32) -> f32 {
  let value = ceil(x);
  return select(value, 1.0, is_zero(value) && is_less(0.0, x));
}`,

  sign_of: `fn sign_of(x: f32) -> f32 {
  return select(select(1.0, -1.0, bitcast<i32>(x) < 0), x, is_zero(x) || is_nan(x));
}`,

  with_sign: `fn with_sign(size: f32, like: f32) -> f32 {
  return bitcast<f32>((bitcast<u32>(size) & 0x7fffffffu) | (bitcast<u32>(like) & 0x80000000u));
}`,

  // The integer that a float is cut off to, modulo 2³²; 0 for NaN and ∞.
  to_integer: `fn to_integer(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  let exponent = i32((bits >> 23u) & 255u) - 127;
  if (exponent < 0 || exponent > 54) { return 0u; }
  let digits = (bits & 0x7fffffu) | 0x800000u;
  let size = select(digits << u32(max(exponent - 23, 0)), digits >> u32(max(23 - exponent, 0)), exponent <= 23);
  return select(size, 0u - size, (bits >> 31u) == 1u);
}`,

  multiply_wide: `fn multiply_wide(x: u32, y: u32) -> vec2<u32> {
  let low = (x & 0xffffu) * (y & 0xffffu);
  let middle = (x >> 16u) * (y & 0xffffu) + (low >> 16u);
  let other = (x & 0xffffu) * (y >> 16u) + (middle & 0xffffu);
  return vec2<u32>((other << 16u) | (low & 0xffffu), (x >> 16u) * (y >> 16u) + (middle >> 16u) + (other >> 16u));
}`,

  // x as digits·2^exponent, with 24 digits where x is no subnormal number.
  digits_of: `fn digits_of(x: f32) -> vec2<i32> {
  let bits = bitcast<u32>(x) & 0x7fffffffu;
  let exponent = bits >> 23u;
  if (exponent == 0u) { return vec2<i32>(i32(bits), -149); }
  return vec2<i32>(i32((bits & 0x7fffffu) | 0x800000u), i32(exponent) - 150);
}`,

  // The rest of x / y with the sign of x, exactly: long division, a digit at a time.
  remainder_of: `fn remainder_of(x: f32, y: f32) -> f32 {
  if (is_nan(x) || is_nan(y) || !is_finite(x) || is_zero(y)) { return not_a_number(); }
  if (!is_finite(y) || (bitcast<u32>(x) & 0x7fffffffu) < (bitcast<u32>(y) & 0x7fffffffu)) { return x; }
  let dividend = digits_of(x);
  let divisor = digits_of(y);
  var rest = u32(dividend.x);
  var exponent = dividend.y;
  var by = u32(divisor.x);
  // A subnormal divisor has fewer digits than the dividend may have.
  rest %= by;
  while (exponent > divisor.y && rest != 0u) {
    rest = (rest << 1u) % by;
    exponent--;
  }
  if (rest == 0u) { return with_sign(0.0, x); }
  let shift = min(countLeadingZeros(rest) - 8u, u32(divisor.y + 149));
  rest <<= shift;
  let power = u32(divisor.y + 149) - shift;
  let bits = select(((power + 1u) << 23u) | (rest & 0x7fffffu), rest, rest < 0x800000u);
  return with_sign(bitcast<f32>(bits), x);
}`,

  modulo_of: `fn modulo_of(x: f32, y: f32) -> f32 {
  if (!is_finite(y)) { return not_a_number(); }
  let rest = remainder_of(x, y);
  return select(rest, rest + y, !is_zero(rest) && ((bitcast<u32>(rest) ^ bitcast<u32>(y)) >> 31u) == 1u);
}`,

  // The rest of x / y with the sign of y; 0 where y is.
  integer_modulo: `fn integer_modulo(x: i32, y: i32) -> i32 {
  if (y == 0) { return 0; }
  let rest = x % y;
  return select(rest, rest + y, rest != 0 && (rest < 0) != (y < 0));
}`,
} satisfies Record<string, string>;
