import { float } from "../elements.js";
import { polynomial } from "./exponentials.js";

const series = Array.from({ length: 9 }, (_, i) => (i % 2 === 0 ? -1 : 1) / (2 * i + 3));

/** Inverse circular and hyperbolic functions. */
export const inverseFunctions = {
  // The series of arctan up to tan π/8; beyond, arctan x = π/4 + arctan((x − 1) / (x + 1)), and π/2 − arctan(1 / x).
  arc_tangent: `fn arc_tangent(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  let size = abs(x);
  if (size > 1e8) { return with_sign(${float(Math.PI / 2)}, x); }
  var start = 0.0;
  var t = size;
  if (size > 2.4142135) { start = ${float(Math.PI / 2)}; t = -1.0 / size; }
  else if (size > 0.41421357) { start = ${float(Math.PI / 4)}; t = (size - 1.0) / (size + 1.0); }
  let square = t * t;
  return with_sign(start + (t + t * square * ${polynomial("square", series)}), x);
}`,

  // Up to ½.
  small_arc_sine: `fn small_arc_sine(x: f32) -> f32 { return arc_tangent(x / sqrt((1.0 - x) * (1.0 + x))); }`,

  arc_sine: `fn arc_sine(x: f32) -> f32 {
  let size = abs(x);
  if (!is_less_or_equal(size, 1.0)) { return not_a_number(); }
  if (size <= 0.5) { return select(small_arc_sine(x), x, is_zero(x)); }
  return with_sign(${float(Math.PI / 2)} - 2.0 * small_arc_sine(sqrt(0.5 * (1.0 - size))), x);
}`,

  arc_cosine: `fn arc_cosine(x: f32) -> f32 {
  let size = abs(x);
  if (!is_less_or_equal(size, 1.0)) { return not_a_number(); }
  if (size <= 0.5) { return ${float(Math.PI / 2)} - small_arc_sine(x); }
  let value = 2.0 * small_arc_sine(sqrt(0.5 * (1.0 - size)));
  return select(value, ${float(Math.PI)} - value, x < 0.0);
}`,

  area_hyperbolic_sine: `fn area_hyperbolic_sine(x: f32) -> f32 {
  if (!is_finite(x) || is_zero(x)) { return x; }
  let size = abs(x);
  if (size > 1e9) { return with_sign(logarithm(size) + ${float(Math.LN2)}, x); }
  let square = size * size;
  return with_sign(logarithm_of_one_more(size + square / (1.0 + sqrt(1.0 + square))), x);
}`,

  area_hyperbolic_cosine: `fn area_hyperbolic_cosine(x: f32) -> f32 {
  if (!is_less_or_equal(1.0, x)) { return not_a_number(); }
  if (x > 1e9) { return logarithm(x) + ${float(Math.LN2)}; }
  let t = x - 1.0;
  return logarithm_of_one_more(t + sqrt(t * (t + 2.0)));
}`,

  area_hyperbolic_tangent: `fn area_hyperbolic_tangent(x: f32) -> f32 {
  let size = abs(x);
  if (!is_less_or_equal(size, 1.0)) { return not_a_number(); }
  if (size == 1.0) { return with_sign(infinity(), x); }
  return with_sign(0.5 * logarithm_of_one_more(2.0 * size / (1.0 - size)), x);
}`,
} satisfies Record<string, string>;
