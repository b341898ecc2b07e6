import { DataError } from "../../errors.js";
import { type Shape, Tensor, tensor } from "../../machine/index.js";
import { Padding, Select } from "../../machine/ops/boxes.js";
import { Gather, ScatterElements } from "../../machine/ops/gathering.js";
import { Softmax } from "../../machine/ops/softmax.js";
import { sizeOf } from "../../machine/shape.js";
import type { Builder, Operand } from "../builder.js";
import type { Call, Conversion } from "../call.js";

/** The number of ONNX's element type double, as attributes name it. */
const DOUBLE = 11;

/** N × S × (heads · d) as N × heads × S × d; what has four axes is so already. */
function byHeads(build: Builder, x: Operand, heads: number | undefined, what: string): Operand {
  if (x.shape.length === 4) return x;
  if (x.shape.length !== 3 || heads === undefined || x.shape[2]! % heads !== 0)
    throw new DataError(`${what} of shape [${x.shape.join(", ")}] is not of ${heads ?? "unknown"} heads`);
  const [batch, steps, width] = x.shape as [number, number, number];
  return build.transpose(build.reshape(x, [batch, steps, heads, width / heads]), [0, 2, 1, 3]);
}

/** int64 numbers 0 to n − 1, of a shape. */
const counting = (n: number, shape: Shape) =>
  new Tensor(
    BigInt64Array.from({ length: n }, (_, i) => BigInt(i)),
    shape,
  );

/** A condition as what is added to scores: 0 where it holds, −∞ elsewhere. */
function additive(build: Builder, holds: Operand, like: Operand): Operand {
  return build.apply(
    new Select(),
    holds,
    build.scalar(0, like),
    build.scalar(Number.NEGATIVE_INFINITY, like),
  );
}

/** A mask as what is added to scores, as wide as there are keys; what is missing there is masked. */
function maskOf(build: Builder, mask: Operand, keys: number, like: Operand): Operand {
  const added = mask.dtype === "bool" ? additive(build, mask, like) : mask;
  const missing = keys - added.shape.at(-1)!;
  if (missing === 0) return added;
  if (missing < 0) throw new DataError(`a mask of ${added.shape.at(-1)} keys for ${keys}`);
  const none = added.shape.map(() => 0);
  const padding = new Padding({ before: none, after: none.with(-1, missing), mode: "constant" });
  return build.apply(padding, added, build.scalar(Number.NEGATIVE_INFINITY, added));
}

/**
 * All that is added to the scores of queries and keys; undefined where every key is seen by every query.
 *
 * Query i stands at place offset + i among the keys: after those of the past, or at the end of the keys that are no
 * padding, of which each sequence has its own number.
 */
function biasOf(call: Call, queries: number, keys: number, like: Operand): Operand | undefined {
  const { build } = call;
  const mask = call.optional(3);
  const past = call.optional(4);
  const filled = call.optional(6);
  let bias = mask === undefined ? undefined : maskOf(build, mask, keys, like);
  const addition = (own: Operand) => {
    bias = bias === undefined ? own : build.binary("add", bias, own);
  };
  const [left, right] = [call.integer("left_window_size", -1), call.integer("right_window_size", -1)];
  const causal = call.flag("is_causal");
  if (causal || left >= 0 || right >= 0) {
    const offset =
      filled === undefined
        ? new Tensor(BigInt64Array.of(BigInt(past?.shape[2] ?? 0)), [])
        : build.binary(
            "sub",
            build.reshape(filled, [filled.shape[0]!, 1, 1, 1]),
            build.scalar(queries, filled),
          );
    const place = build.binary("add", counting(queries, [queries, 1]), offset);
    // How far a key lies behind its query: not at all ahead where causal.
    const behind = build.binary("sub", place, counting(keys, [1, keys]));
    const bounds: Operand[] = [];
    if (causal || right >= 0)
      bounds.push(build.pair("isGreaterOrEqual", behind, build.scalar(causal ? 0 : -right, behind)));
    if (left >= 0) bounds.push(build.pair("isLessOrEqual", behind, build.scalar(left, behind)));
    addition(
      additive(
        build,
        bounds.reduce((a, b) => build.pair("bitAnd", a, b)),
        like,
      ),
    );
  }
  if (filled !== undefined) {
    const known = build.pair(
      "isLess",
      counting(keys, [1, 1, 1, keys]),
      build.reshape(filled, [filled.shape[0]!, 1, 1, 1]),
    );
    addition(additive(build, known, like));
  }
  return bias;
}

/**
 * softmax(QKᵀ/√d + bias)·V by heads (Vaswani et al. 2017). Heads of queries may be more than those of keys and values,
 * which then serve several, next to each other (Ainslie et al. 2023). A query that sees no key gives 0.
 *
 * The results are the values, the keys and values that there are now, and the scores at a stage that is asked for.
 */
const attention: Conversion = (call) => {
  const { build } = call;
  const given = call.input(0);
  const count = (name: string) => (call.has(name) ? call.integer(name, 1) : undefined);
  const q = byHeads(build, given, count("q_num_heads"), "a query");
  const ownK = byHeads(build, call.input(1), count("kv_num_heads"), "a key");
  const ownV = byHeads(build, call.input(2), count("kv_num_heads"), "a value");
  const [pastK, pastV] = [call.optional(4), call.optional(5)];
  if ((pastK === undefined) !== (pastV === undefined))
    throw new DataError("a past key goes with a past value");
  if (pastK !== undefined && call.optional(6) !== undefined)
    throw new DataError("a past does not go with numbers of keys that are no padding");
  const k = pastK === undefined ? ownK : build.concat([pastK, ownK], 2);
  const v = pastV === undefined ? ownV : build.concat([pastV, ownV], 2);
  const [batch, heads, queries, width] = q.shape as [number, number, number, number];
  const [, shared, keys] = k.shape as [number, number, number, number];
  if (heads % shared !== 0 || v.shape[1] !== shared)
    throw new DataError(`${heads} heads of queries for ${shared} of keys and ${v.shape[1]} of values`);
  // As scores are products of both, each takes the root of the scale, which keeps them in range.
  const root = Math.sqrt(call.float("scale", 1 / Math.sqrt(width)));
  const scaled = (x: Operand) => build.binary("mul", x, build.scalar(root, x));
  // Heads that share keys are further rows of one product.
  const joint = (x: Operand) =>
    build.reshape(x, [batch, shared, (heads / shared) * queries, x.shape.at(-1)!]);
  const apart = (x: Operand) => build.reshape(x, [batch, heads, queries, x.shape.at(-1)!]);
  const raw = apart(build.matmul(joint(scaled(q)), build.transpose(scaled(k), [0, 1, 3, 2])));
  const cap = call.float("softcap", 0);
  const capped =
    cap > 0
      ? build.binary(
          "mul",
          build.unary("tanh", build.binary("div", raw, build.scalar(cap, raw))),
          build.scalar(cap, raw),
        )
      : raw;
  const bias = biasOf(call, queries, keys, q);
  const scores = bias === undefined ? capped : build.binary("add", capped, bias);
  const exact = call.integer("softmax_precision", 1) === DOUBLE ? build.cast(scores, "float64") : scores;
  let shares = build.cast(build.apply(new Softmax({ axis: -1 }), exact), q.dtype);
  if (bias !== undefined) {
    const greatest = build.reduce("maxOf", bias, [bias.shape.length - 1], true);
    const blind = build.pair("isEqual", greatest, build.scalar(Number.NEGATIVE_INFINITY, bias));
    shares = build.apply(new Select(), blind, build.scalar(0, shares), shares);
  }
  const values = apart(build.matmul(joint(shares), v));
  const result =
    given.shape.length === 4
      ? values
      : build.reshape(build.transpose(values, [0, 2, 1, 3]), [batch, queries, heads * v.shape[3]!]);
  const stages = [raw, capped, scores, shares];
  return [result, k, v, stages[call.integer("qk_matmul_output_mode", 0)]];
};

/** Pairs of elements of each head turned by the angles of their places (Su et al. 2021). */
const rotaryEmbedding: Conversion = (call) => {
  const { build } = call;
  const given = call.input(0);
  const heads = call.integer("num_heads", 0);
  const x = byHeads(build, given, heads === 0 ? undefined : heads, "an embedding");
  const [batch, , steps, width] = x.shape as [number, number, number, number];
  const turned = call.integer("rotary_embedding_dim", 0) || width;
  const half = turned / 2;
  const places = call.optional(3);
  const angles = (i: number) => {
    const cache = call.input(i);
    const own = places === undefined ? cache : build.apply(new Gather({ axis: 0 }), cache, places);
    if (own.shape.at(-1) !== half) throw new DataError(`${own.shape.at(-1)} angles for ${half} pairs`);
    return build.reshape(own, [batch, 1, steps, half]);
  };
  const [cos, sin] = [angles(1), angles(2)];
  const rotated = build.part(x, 3, 0, turned);
  const interleaved = call.flag("interleaved");
  const pairs = interleaved ? build.reshape(rotated, [...x.shape.slice(0, 3), half, 2]) : rotated;
  const element = (k: number) =>
    interleaved
      ? build.reshape(build.part(pairs, 4, k, k + 1), [...x.shape.slice(0, 3), half])
      : build.part(pairs, 3, k * half, (k + 1) * half);
  const [a, b] = [element(0), element(1)];
  const real = build.binary("sub", build.binary("mul", cos, a), build.binary("mul", sin, b));
  const imaginary = build.binary("add", build.binary("mul", sin, a), build.binary("mul", cos, b));
  const column = (part: Operand) => build.reshape(part, [...part.shape, 1]);
  const joined = interleaved
    ? build.reshape(build.concat([column(real), column(imaginary)], 4), rotated.shape)
    : build.concat([real, imaginary], 3);
  const whole = turned === width ? joined : build.concat([joined, build.part(x, 3, turned, width)], 3);
  if (given.shape.length === 4) return whole;
  return build.reshape(build.transpose(whole, [0, 2, 1, 3]), given.shape);
};

/** x over its root mean square over the axes from `axis` on, by a scale (Zhang & Sennrich 2019). */
const rootMeanSquare: Conversion = (call) => {
  const { build } = call;
  const x = call.input(0);
  const first = call.axis(call.integer("axis", -1), x.shape);
  const axes = x.shape.map((_, axis) => axis).slice(first);
  const squares = build.reduce("meanOf", build.unary("square", x), axes, true);
  const root = build.unary(
    "sqrt",
    build.binary("add", squares, build.scalar(call.float("epsilon", 1e-5), squares)),
  );
  return build.binary("mul", build.binary("div", x, root), build.cast(call.input(1), x.dtype));
};

/** A cache, each sequence of which is written over from a place of its own on. */
const cacheUpdate: Conversion = (call) => {
  const { build } = call;
  const [cache, update] = [call.input(0), call.input(1)];
  const axis = call.axis(call.integer("axis", -2), cache.shape);
  if (axis === 0) throw new DataError("axis 0 is that of sequences");
  const [room, steps] = [cache.shape[axis]!, update.shape[axis]!];
  const along = update.shape.map((_, i) => (i === axis ? steps : 1));
  let places: Operand = counting(steps, along);
  const starts = call.optional(2);
  if (starts !== undefined) {
    const first = build.cast(
      build.reshape(
        starts,
        update.shape.map((length, i) => (i === 0 ? length : 1)),
      ),
      "int64",
    );
    places = build.binary("add", first, places);
  }
  if (call.text("mode", "linear") === "circular")
    places = build.pair("modulo", places, tensor([room], [], "int64"));
  if (sizeOf(update.shape) === 0) return cache;
  return build.apply(
    new ScatterElements({ axis, combination: "none" }),
    cache,
    build.broadcastTo(places, update.shape),
    update,
  );
};

export const attentions: Readonly<Record<string, Conversion>> = {
  Attention: attention,
  RotaryEmbedding: rotaryEmbedding,
  RMSNormalization: rootMeanSquare,
  TensorScatter: cacheUpdate,
};
