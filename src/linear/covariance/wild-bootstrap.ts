import { rowHash } from "../../dataset/row-hash.js";
import { packedIndex, packedLength } from "../../stats/packed.js";
import type { ClusterSum } from "./clustered.js";

/** Whether ±1 can be dealt out to so many clusters in no more ways than there are draws. */
export function allWays(clusters: number, draws: number): boolean {
  return clusters < 31 && 2 ** clusters <= draws;
}

/** What residuals of a cluster are multiplied by in a draw: ±1; Webb's six values; Mammen's two. */
export type WildWeights = "rademacher" | "webb" | "mammen";

/** How a wild bootstrap draws. */
export interface WildDraws {
  weights: WildWeights;
  draws: number;
  seed: number;
}

/** Numerators and denominators within this share of each other are the same but for rounding: such draws do not exceed. */
const SAME = 1e-9;

/** Bisections of a bound: to the last digits of a double. */
const MOST_STEPS = 200;

/** How often the distance to a bound that is looked for is doubled before there is none. */
const MOST_DOUBLINGS = 40;

/** A salt that no draw of folds has. */
const SALT = 2;

/**
 * The wild cluster bootstrap with the null hypothesis imposed (Cameron, Gelbach & Miller 2008; Roodman, MacKinnon, Nielsen &
 * Webb 2019), of one contrast of a fit at a time, from the scores and Gram matrices of the clusters alone.
 *
 * In whitened coordinates, v = R⁻ᵀℓ, the fit under ℓᵀθ = r has the scores s̃_j = s_j + δ G_j v, δ = (ℓᵀθ̂ − r)/vᵀv. A draw
 * multiplies each by w_j: its estimate is off by a = Σ w_j s̃_j, and the scores of its own residuals are w_j s̃_j − G_j a.
 * So the square of its t is (vᵀa)²/Σ_j (w_j vᵀs̃_j − (G_jv)ᵀa)², a ratio of two polynomials in δ of degree 2, whose five
 * coefficients are all that is kept of a draw: p at any r, and the interval of the r whose p is at least α, follow from them.
 *
 * The weights of a draw come from a hash of the seed, the draw and the cluster's place among the names in order. Where ±1 have
 * no more than `draws` ways to be dealt out, each is taken once.
 */
export class WildBootstrap {
  readonly draws: number;
  /** Whether every way of ±1 was taken. */
  readonly enumerated: boolean;
  readonly #rank: number;
  readonly #scores: readonly Float64Array[];
  readonly #grams: readonly Float64Array[];
  readonly #plan: WildDraws;
  /** Σ_j w_j s_j of each draw, one after the other; made when a contrast is first asked for. */
  #sums: Float64Array | undefined;

  /** @param sums the clusters in order, with G */
  constructor(sums: readonly ClusterSum[], plan: WildDraws) {
    this.#scores = sums.map(({ scores }) => scores);
    this.#grams = sums.map(({ gram }) => gram!);
    this.#rank = this.#scores[0]!.length;
    this.enumerated = plan.weights === "rademacher" && allWays(sums.length, plan.draws);
    this.draws = this.enumerated ? 2 ** sums.length : plan.draws;
    this.#plan = plan;
  }

  /** What p and bounds of a contrast follow from. @param v R⁻ᵀℓ */
  contrast(v: Float64Array): WildContrast {
    const p = this.#rank;
    const G = this.#scores.length;
    this.#sums ??= this.#drawn(p, (c, out) => out.set(this.#scores[c]!));
    const grams = this.#grams.map((gram) => times(gram, v));
    const z0 = this.#scores.map((s) => dot(s, v));
    const z1 = grams.map((g) => dot(g, v));
    // Σ w g, Σ w z0 g and Σ w z1 g; then Σ w² z0², Σ w² z0 z1 and Σ w² z1².
    const linear = this.#drawn(3 * p, (c, out) => {
      const g = grams[c]!;
      for (let i = 0; i < p; i++) {
        out[i] = g[i]!;
        out[p + i] = z0[c]! * g[i]!;
        out[2 * p + i] = z1[c]! * g[i]!;
      }
    });
    const squares = this.#squares((c) => [z0[c]! ** 2, z0[c]! * z1[c]!, z1[c]! ** 2]);
    const K = new Float64Array(packedLength(p));
    for (const g of grams)
      for (let i = 0, at = 0; i < p; i++) for (let j = 0; j <= i; j++, at++) K[at]! += g[i]! * g[j]!;
    const ratios = new Float64Array(5 * this.draws);
    for (let b = 0; b < this.draws; b++) {
      const A = this.#sums.subarray(b * p, (b + 1) * p);
      const at = b * 3 * p;
      const [C, P, Q] = [0, 1, 2].map((k) => linear.subarray(at + k * p, at + (k + 1) * p)) as [
        Float64Array,
        Float64Array,
        Float64Array,
      ];
      const KC = times(K, C);
      const [w00, w01, w11] = squares.subarray(3 * b, 3 * b + 3) as unknown as [number, number, number];
      ratios[5 * b] = dot(A, v);
      ratios[5 * b + 1] = dot(C, v);
      ratios[5 * b + 2] = w00 - 2 * dot(P, A) + dot(times(K, A), A);
      ratios[5 * b + 3] = 2 * (w01 - dot(P, C) - dot(Q, A) + dot(KC, A));
      ratios[5 * b + 4] = w11 - 2 * dot(Q, C) + dot(KC, C);
    }
    let square = 0;
    for (let c = 0; c < G; c++) square += z0[c]! ** 2;
    return new WildContrast(ratios, square, dot(v, v));
  }

  /** Σ_j w_j f_j of every draw, f_j being `width` numbers that `fill` writes. */
  #drawn(width: number, fill: (cluster: number, out: Float64Array) => void): Float64Array {
    const out = new Float64Array(this.draws * width);
    if (this.#plan.weights === "rademacher") this.#bySigns(width, fill, out);
    else {
      const own = new Float64Array(width);
      for (let c = 0; c < this.#scores.length; c++) {
        fill(c, own);
        for (let b = 0; b < this.draws; b++) {
          const w = this.#weight(b, c);
          const at = b * width;
          for (let i = 0; i < width; i++) out[at + i]! += w * own[i]!;
        }
      }
    }
    return out;
  }

  /**
   * The same for ±1, eight clusters at a time: of their 256 sums each draw takes one (the method of the four Russians), which
   * is a sixth of the additions.
   */
  #bySigns(width: number, fill: (cluster: number, out: Float64Array) => void, out: Float64Array): void {
    const G = this.#scores.length;
    const own = Array.from({ length: 8 }, () => new Float64Array(width));
    const table = new Float64Array(256 * width);
    for (let from = 0; from < G; from += 8) {
      const here = Math.min(8, G - from);
      table.fill(0, 0, width);
      for (let k = 0; k < here; k++) {
        fill(from + k, own[k]!);
        for (let i = 0; i < width; i++) table[i]! -= own[k]![i]!;
      }
      for (let bits = 1; bits < 1 << here; bits++) {
        const low = 31 - Math.clz32(bits & -bits);
        const before = (bits & (bits - 1)) * width;
        const at = bits * width;
        const add = own[low]!;
        for (let i = 0; i < width; i++) table[at + i] = table[before + i]! + 2 * add[i]!;
      }
      for (let b = 0; b < this.draws; b++) {
        const at = b * width;
        const row = (this.#signs(b, from >> 3) & ((1 << here) - 1)) * width;
        for (let i = 0; i < width; i++) out[at + i]! += table[row + i]!;
      }
    }
  }

  /** Σ_j w_j² f_j of every draw, f_j being three numbers. */
  #squares(of: (cluster: number) => readonly [number, number, number]): Float64Array {
    const out = new Float64Array(this.draws * 3);
    for (let c = 0; c < this.#scores.length; c++) {
      const own = of(c);
      if (this.#plan.weights === "rademacher") {
        for (let i = 0; i < 3; i++) out[i]! += own[i]!;
        continue;
      }
      for (let b = 0; b < this.draws; b++) {
        const w = this.#weight(b, c);
        for (let i = 0; i < 3; i++) out[3 * b + i]! += w * w * own[i]!;
      }
    }
    if (this.#plan.weights === "rademacher") for (let b = 1; b < this.draws; b++) out.copyWithin(3 * b, 0, 3);
    return out;
  }

  /** Eight signs of a draw, those of clusters 8k to 8k + 7, as bits. */
  #signs(draw: number, k: number): number {
    if (this.enumerated) return (draw >> (8 * k)) & 255;
    return rowHash(draw * 0x1000000 + k, this.#plan.seed, SALT) & 255;
  }

  #weight(draw: number, cluster: number): number {
    const { weights, seed } = this.#plan;
    if (weights === "rademacher") return (this.#signs(draw, cluster >> 3) >> (cluster & 7)) & 1 ? 1 : -1;
    const u = rowHash(draw * 0x1000000 + cluster, seed, SALT) / 2 ** 32;
    if (weights === "webb") return WEBB[Math.floor(6 * u)]!;
    return u < MAMMEN_SHARE ? MAMMEN_LOW : MAMMEN_HIGH;
  }
}

/** Webb (2023): mean 0, variance 1, and the third moment 0. */
const WEBB = [-Math.sqrt(1.5), -1, -Math.sqrt(0.5), Math.sqrt(0.5), 1, Math.sqrt(1.5)];
/** Mammen (1993): mean 0, variance and third moment 1. */
const ROOT = Math.sqrt(5);
const MAMMEN_SHARE = (ROOT + 1) / (2 * ROOT);
const [MAMMEN_LOW, MAMMEN_HIGH] = [(1 - ROOT) / 2, (1 + ROOT) / 2];

/** The draws of one contrast. */
export class WildContrast {
  readonly #ratios: Float64Array;
  readonly #square: number;
  readonly #length: number;

  /** @param square Σ (vᵀs_j)²; @param length vᵀv */
  constructor(ratios: Float64Array, square: number, length: number) {
    this.#ratios = ratios;
    this.#square = square;
    this.#length = length;
  }

  /** The share of draws whose |t| exceeds that of ℓᵀθ = r. @param difference ℓᵀθ̂ − r */
  p(difference: number): number {
    const ratios = this.#ratios;
    const delta = difference / this.#length;
    const observed = (difference * difference) / this.#square;
    let beyond = 0;
    for (let at = 0; at < ratios.length; at += 5) {
      const top = (ratios[at]! + delta * ratios[at + 1]!) ** 2;
      const below = ratios[at + 2]! + delta * (ratios[at + 3]! + delta * ratios[at + 4]!);
      if (top > observed * Math.max(0, below) * (1 + SAME)) beyond++;
    }
    return beyond / (ratios.length / 5);
  }

  /**
   * The r around ℓᵀθ̂ whose p is at least 1 − level: where it crosses that on either side; infinite where it does not.
   *
   * @param scale a distance to begin with, that of a standard error
   */
  interval(estimate: number, scale: number, level: number): { lower: number; upper: number } {
    const alpha = 1 - level;
    const bound = (side: 1 | -1) => {
      let inside = 0;
      let outside = scale;
      for (let k = 0; this.p(-side * outside) >= alpha; k++) {
        if (k === MOST_DOUBLINGS) return side * Number.POSITIVE_INFINITY;
        inside = outside;
        outside *= 2;
      }
      for (let k = 0; k < MOST_STEPS; k++) {
        const middle = (inside + outside) / 2;
        if (middle <= inside || middle >= outside) break;
        if (this.p(-side * middle) >= alpha) inside = middle;
        else outside = middle;
      }
      return estimate + side * inside;
    };
    return { lower: bound(-1), upper: bound(1) };
  }
}

function times(S: Float64Array, v: Float64Array): Float64Array {
  const out = new Float64Array(v.length);
  for (let i = 0; i < v.length; i++) {
    let sum = 0;
    for (let j = 0; j < v.length; j++) sum += S[packedIndex(i, j)]! * v[j]!;
    out[i] = sum;
  }
  return out;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
