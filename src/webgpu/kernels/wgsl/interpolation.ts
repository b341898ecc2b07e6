/** What resizing and grids of places need. */
export const interpolationFunctions = {
  floor_divide: `fn floor_divide(n: i32, by: i32) -> i32 {
  let quotient = n / by;
  return select(quotient, quotient - 1, n % by < 0);
}`,

  // Cubic convolution (Keys 1981) at a distance from 0 to 2.
  cubic_weight: `fn cubic_weight(d: f32, a: f32) -> f32 {
  if (d <= 1.0) { return ((a + 2.0) * d - (a + 3.0)) * d * d + 1.0; }
  if (d < 2.0) { return ((a * d - 5.0 * a) * d + 8.0 * a) * d - 4.0 * a; }
  return 0.0;
}`,

  // A place turned back at the ends, which are \`range\` apart.
  reflected: `fn reflected(at: f32, low: f32, range: f32) -> f32 {
  if (range == 0.0) { return 0.0; }
  let distance = abs(at - low);
  let rest = distance - 2.0 * range * floor(distance / (2.0 * range));
  return low + select(rest, 2.0 * range - rest, rest > range);
}`,
} satisfies Record<string, string>;
