import { float } from "../elements.js";
import { polynomial } from "./exponentials.js";

/** π/2 in three parts, of which multiples of the first two, by up to 2¹³, have no rounding. */
const PARTS = [1.5703125, 2029 / 2 ** 22, Math.PI / 2 - 1.5703125 - 2029 / 2 ** 22];

/** sin and cos of all of float32, by the quadrant and the rest of a division by π/2. */
export const circularFunctions = {
  // The rest, −π/4 to π/4, and the quadrant. Beyond 2¹³ the product of x's digits with the bits of 2/π that count: those
  // before give whole turns, those behind no digit (Payne & Hanek 1983).
  quarter_turns: `const TWO_OVER_PI = array<u32, 8>(0u, 0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu);
struct Turns { rest: f32, quadrant: i32 }
fn quarter_turns(x: f32) -> Turns {
  let size = abs(x);
  if (size < 8192.0) {
    let k = round(x * ${float(2 / Math.PI)});
    return Turns(((x - k * ${float(PARTS[0]!)}) - k * ${float(PARTS[1]!)}) - k * ${float(PARTS[2]!)}, i32(k));
  }
  let digits = digits_of(x);
  let first = u32(digits.y + 30);
  var table = TWO_OVER_PI;
  var words = vec3<u32>(0u);
  for (var i = 0u; i < 3u; i++) {
    let word = first / 32u + i;
    let shift = first % 32u;
    words[i] = table[word] << shift;
    if (shift != 0u) { words[i] |= table[word + 1u] >> (32u - shift); }
  }
  let low = multiply_wide(words.z, u32(digits.x));
  let middle = multiply_wide(words.y, u32(digits.x));
  let second = middle.x + low.y;
  let third = words.x * u32(digits.x) + middle.y + select(0u, 1u, second < middle.x);
  var quadrant = i32(third >> 30u);
  var parts = vec2<u32>((third << 2u) | (second >> 30u), (second << 2u) | (low.x >> 30u));
  let down = (parts.x >> 31u) == 1u;
  if (down) {
    quadrant++;
    parts = vec2<u32>(~parts.x, ~parts.y);
  }
  let shift = countLeadingZeros(parts.x);
  var leading = parts.y;
  if (shift < 32u) {
    leading = parts.x << shift;
    if (shift != 0u) { leading |= parts.y >> (32u - shift); }
  }
  let rest = f32(leading) * bitcast<f32>((95u - shift) << 23u) * ${float(Math.PI / 2)};
  let negative = bitcast<i32>(x) < 0;
  return Turns(select(rest, -rest, down != negative), select(quadrant, -quadrant, negative));
}`,

  near_sine: `fn near_sine(r: f32) -> f32 {
  let square = r * r;
  return r + r * square * ${polynomial("square", [-1 / 6, 1 / 120, -1 / 5040, 1 / 362880])};
}`,

  near_cosine: `fn near_cosine(r: f32) -> f32 {
  let square = r * r;
  return 1.0 - square * (0.5 - square * ${polynomial("square", [1 / 24, -1 / 720, 1 / 40320, -1 / 3628800])});
}`,

  sine: `fn sine(x: f32) -> f32 {
  if (!is_finite(x)) { return not_a_number(); }
  if (is_zero(x)) { return x; }
  let turns = quarter_turns(x);
  let value = select(near_sine(turns.rest), near_cosine(turns.rest), (turns.quadrant & 1) == 1);
  return select(value, -value, (turns.quadrant & 2) == 2);
}`,

  cosine: `fn cosine(x: f32) -> f32 {
  if (!is_finite(x)) { return not_a_number(); }
  let turns = quarter_turns(x);
  let value = select(near_cosine(turns.rest), near_sine(turns.rest), (turns.quadrant & 1) == 1);
  return select(value, -value, ((turns.quadrant + 1) & 2) == 2);
}`,

  tangent: `fn tangent(x: f32) -> f32 {
  if (!is_finite(x)) { return not_a_number(); }
  if (is_zero(x)) { return x; }
  let turns = quarter_turns(x);
  let s = near_sine(turns.rest);
  let c = near_cosine(turns.rest);
  if ((turns.quadrant & 1) == 1) { return -c / s; }
  return s / c;
}`,
} satisfies Record<string, string>;
