/** Integers of 64 bits as two words, the lower one first. */
export const wordFunctions = {
  is_less_unsigned: `fn is_less_unsigned(x: vec2<u32>, y: vec2<u32>) -> bool {
  return x.y < y.y || (x.y == y.y && x.x < y.x);
}`,

  is_less_signed: `fn is_less_signed(x: vec2<u32>, y: vec2<u32>) -> bool {
  return bitcast<i32>(x.y) < bitcast<i32>(y.y) || (x.y == y.y && x.x < y.x);
}`,

  add_words: `fn add_words(x: vec2<u32>, y: vec2<u32>) -> vec2<u32> {
  let low = x.x + y.x;
  return vec2<u32>(low, x.y + y.y + select(0u, 1u, low < x.x));
}`,

  negate_words: `fn negate_words(x: vec2<u32>) -> vec2<u32> { return add_words(~x, vec2<u32>(1u, 0u)); }`,

  multiply_words: `fn multiply_words(x: vec2<u32>, y: vec2<u32>) -> vec2<u32> {
  let low = multiply_wide(x.x, y.x);
  return vec2<u32>(low.x, low.y + x.x * y.y + x.y * y.x);
}`,

  // To the float beside it: 32 digits are converted, the last of them 1 where others follow that are not 0.
  words_to_float: `fn words_to_float(x: vec2<u32>) -> f32 {
  if (x.y == 0u) { return f32(x.x); }
  let shift = countLeadingZeros(x.y);
  if (shift == 0u) { return f32(x.y | select(0u, 1u, x.x != 0u)) * 4294967296.0; }
  let digits = (x.y << shift) | (x.x >> (32u - shift));
  return f32(digits | select(0u, 1u, (x.x << shift) != 0u)) * power_of_two(i32(32u - shift));
}`,

  signed_words_to_float: `fn signed_words_to_float(x: vec2<u32>) -> f32 {
  if (bitcast<i32>(x.y) < 0) { return -words_to_float(negate_words(x)); }
  return words_to_float(x);
}`,

  // The integer that a float is cut off to, modulo 2⁶⁴; 0 for NaN and ∞.
  float_to_words: `fn float_to_words(x: f32) -> vec2<u32> {
  let bits = bitcast<u32>(x);
  let exponent = i32((bits >> 23u) & 255u) - 127;
  if (exponent < 0 || exponent > 86) { return vec2<u32>(0u); }
  let digits = (bits & 0x7fffffu) | 0x800000u;
  var size = vec2<u32>(0u);
  let up = u32(max(exponent - 23, 0));
  if (exponent <= 23) { size.x = digits >> u32(23 - exponent); }
  else if (up < 32u) { size = vec2<u32>(digits << up, (digits >> 1u) >> (31u - up)); }
  else { size.y = digits << (up - 32u); }
  if ((bits >> 31u) == 1u) { return negate_words(size); }
  return size;
}`,
} satisfies Record<string, string>;
