/**
 * The root of a continuous function between `a` and `b`, where f(a) and f(b) differ in sign, to the last bits of a
 * double: inverse quadratic interpolation and secants, guarded by bisection. Source: Brent 1973, chapter 4.
 */
export function findRoot(f: (x: number) => number, a: number, b: number): number {
  let [x0, x1] = [a, b];
  let [f0, f1] = [f(a), f(b)];
  // (x1, f1) is the best guess, x0 the guess before, and the root lies between x1 and x2.
  let [x2, f2] = [x0, f0];
  let step = x1 - x0;
  let before = step;
  for (let i = 0; i < 200; i++) {
    if (Math.abs(f2) < Math.abs(f1)) {
      [x0, x1, x2] = [x1, x2, x1];
      [f0, f1, f2] = [f1, f2, f1];
    }
    const tolerance = Number.EPSILON * Math.abs(x1);
    const half = (x2 - x1) / 2;
    if (f1 === 0 || Math.abs(half) <= tolerance) return x1;
    let next = half;
    if (Math.abs(before) > tolerance && Math.abs(f0) > Math.abs(f1)) {
      const interpolated = interpolate(x0, f0, x1, f1, x2, f2);
      const limit = Math.min(0.75 * Math.abs(x2 - x1), Math.abs(before) / 2);
      if (interpolated * half > 0 && Math.abs(interpolated) < limit) next = interpolated;
    }
    before = next === half ? half : step;
    step = next;
    [x0, f0] = [x1, f1];
    x1 += Math.abs(step) > tolerance ? step : Math.sign(half) * tolerance;
    f1 = f(x1);
    if (f1 > 0 === f2 > 0) {
      [x2, f2] = [x0, f0];
      step = x1 - x0;
      before = step;
    }
  }
  return x1;
}

/** The step from x1 that the inverse parabola through three points suggests, or the secant through two. */
function interpolate(x0: number, f0: number, x1: number, f1: number, x2: number, f2: number): number {
  const s = f1 / f0;
  if (x0 === x2) return (s * (x2 - x1)) / (1 - s);
  const q = f0 / f2;
  const r = f1 / f2;
  const p = s * ((x2 - x1) * q * (q - r) - (x1 - x0) * (r - 1));
  return -p / ((q - 1) * (r - 1) * (s - 1)) || 0;
}

/** exp(u) at the root of an increasing f(u), whose bracket is found by doubling. */
export function positiveRoot(f: (u: number) => number): number {
  let low = -1;
  let high = 1;
  while (f(low) > 0) low *= 2;
  while (f(high) < 0) high *= 2;
  return Math.exp(findRoot(f, low, high));
}
