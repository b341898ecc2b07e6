/** Steps of the double-exponential rule on each side; halving them changes no digit. */
const STEPS = 100;
const STEP = 3.25 / STEPS;
/** Roots are found in some eight; farther out, t grows by e with each. */
const MOST_STEPS = 800;

/** Nodes and weights of the tanh–sinh rule on (0, 1), each node with its distance from 1 (Takahasi & Mori 1974). */
const RULE = Array.from({ length: 2 * STEPS + 1 }, (_, i) => {
  const u = (i - STEPS) * STEP;
  const v = (Math.PI / 2) * Math.sinh(u);
  return {
    node: 1 / (1 + Math.exp(-2 * v)),
    weight: (STEP * (Math.PI / 4) * Math.cosh(u)) / Math.cosh(v) ** 2,
  };
});

/**
 * The t > 0 with P(|T| ≤ t) = `level` for Student's t with `df` > 0 degrees of freedom, R's `qt((1 + level)/2, df)`;
 * 0 < level < 1. Without the special functions, which are three times as much code as all of predicting: for
 * `goml/predict`. Elsewhere it is `tCritical` of distributions.ts, of whose bits frozen models' intervals are; the two
 * agree to 12 digits and more.
 */
export function tCritical(level: number, df: number): number {
  if (level === 0) return 0;
  const tails = 1 - level;
  if (tails === 0) return Number.POSITIVE_INFINITY;
  const inner = level < 0.5;
  const sought = inner ? level : tails;
  const density = densityOf(df);
  const whole = below(1, density) + beyond(1, density);
  // Newton's steps in logarithms, which are nearly straight, within what is known of where the root is.
  let [u, low, high] = [0, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let i = 0; i < MOST_STEPS; i++) {
    const t = Math.exp(u);
    // Each part is summed where it is smooth, and the other is the rest.
    const central = t < 1 ? below(t, density) : whole - beyond(t, density);
    const outside = t < 1 ? whole - central : beyond(t, density);
    const share = inner ? central : outside;
    const excess = Math.log(share / whole / sought);
    if (excess > 0 === inner) high = u;
    else low = u;
    const slope = ((inner ? 1 : -1) * t * density(t)) / share;
    let next = Math.min(u + 1, Math.max(u - 1, u - excess / slope));
    if (!(next >= low && next <= high)) next = Number.isFinite(high - low) ? (low + high) / 2 : u;
    if (Math.abs(next - u) <= Number.EPSILON) return Math.exp(next);
    u = next;
  }
  return Math.exp(u);
}

/** The density but for its constant, (1 + s²/ν)^(−(ν + 1)/2). */
function densityOf(df: number): (s: number) => number {
  // Beyond it the distribution is the normal one, to all digits.
  const freedom = Math.min(df, 1e17);
  return (s) => Math.exp((-(freedom + 1) / 2) * Math.log1p((s / freedom) * s));
}

/** Its mass on (0, t), t ≤ 1. */
function below(t: number, density: (s: number) => number): number {
  return t * RULE.reduce((sum, { node, weight }) => sum + weight * density(t * node), 0);
}

/** Its mass on (t, ∞), t ≥ 1: s = t/y makes that (0, 1). As y → 0 the density vanishes at least as fast as 1/y² grows. */
function beyond(t: number, density: (s: number) => number): number {
  return RULE.reduce((sum, { node, weight }) => sum + weight * density(t / node) * (t / node / node), 0);
}
