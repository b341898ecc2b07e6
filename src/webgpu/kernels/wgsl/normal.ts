import { float } from "../elements.js";
import { polynomial } from "./exponentials.js";

/** erf(x)/x as a polynomial of x² on [0, 1], and e^x²·erfc x as one of (x − 2)/(x + 2) on [1, 10.2]: least relative errors. */
const SMALL = [
  1.12837917, -0.376126258, 0.112835851, -0.0268538119, 0.00518832755, -0.000801019246, 0.0000785385749,
];
const TAIL = [
  0.255395675, -0.427185824, 0.241658304, -0.0789801051, 0.00373229143, 0.00702259025, -0.000879557194,
  -0.00108609079, 0.000318935235,
];

/** The error function and what is made of it. */
export const normalFunctions = {
  // erfc x for x ≥ 1; x² in two parts, as e^−x² takes an error of it in full.
  error_tail: `fn error_tail(x: f32) -> f32 {
  let own = min(x, 10.2);
  let t = (own - 2.0) / (own + 2.0);
  let high = bitcast<f32>(bitcast<u32>(own) & 0xfffff000u);
  let rest = (own - high) * (own + high);
  return exponential(-high * high) * exponential(-rest) * ${polynomial("t", TAIL)};
}`,

  error_function: `fn error_function(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  let size = abs(x);
  if (size < 1.0) { return x * ${polynomial("(x * x)", SMALL)}; }
  return with_sign(1.0 - error_tail(size), x);
}`,

  // x·Φ(x), with Φ by the tail on either side, so that nothing cancels.
  gaussian_unit: `fn gaussian_unit(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  let z = ${float(Math.SQRT1_2)} * x;
  if (abs(z) < 1.0) { return 0.5 * x * (1.0 + error_function(z)); }
  let tail = 0.5 * error_tail(abs(z));
  return x * select(1.0 - tail, tail, x < 0.0);
}`,

  gaussian_unit_by_tangent: `fn gaussian_unit_by_tangent(x: f32) -> f32 {
  let inner = ${float(Math.sqrt(2 / Math.PI))} * (x + 0.044715 * x * x * x);
  return x * logistic(2.0 * inner);
}`,
} satisfies Record<string, string>;
