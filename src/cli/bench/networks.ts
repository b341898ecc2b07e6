import {
  add,
  BatchNormalization,
  Convolution,
  concat,
  Graph,
  mathFunction,
  matmul,
  type Node,
  Pooling,
  Reduction,
  relu,
  reshape,
  softmax,
  Tensor,
  transpose,
} from "../../machine/index.js";

/** A network for images, its input and its output. */
export interface ImageNetwork {
  readonly graph: Graph;
  readonly input: Node;
  readonly output: Node;
}

export interface NetworkOptions {
  /** Images in a batch, and their height and width. */
  readonly batch?: number;
  readonly side?: number;
  readonly classes?: number;
  readonly seed?: number;
  /** Divides the number of channels, for small ones of the same make. */
  readonly thinner?: number;
}

/**
 * Networks as their papers lay them out, with weights from a seed: those of others can be hundreds of megabytes. Weights
 * are drawn such that sums keep their scale (He et al. 2015), and normalisations are of statistics that are off by some.
 */
class Layers {
  readonly graph = new Graph();
  readonly input: Node;
  private state: number;
  private readonly thinner: number;

  constructor({ batch = 1, side = 224, seed = 1, thinner = 1 }: NetworkOptions) {
    this.state = seed >>> 0;
    this.thinner = thinner;
    this.input = this.graph.input("x", [batch, 3, side, side], "float32");
  }

  /** As many channels, in a thinner network fewer. */
  channels(count: number): number {
    return Math.max(4, Math.round(count / this.thinner / 4) * 4);
  }

  convolution(x: Node, filters: number, size: number, stride = 1, groups = 1): Node {
    const channels = x.shape[1]! / groups;
    const pad = [(size - 1) >> 1, (size - 1) >> 1];
    const weights = this.draw([filters, channels, size, size], Math.sqrt(6 / (channels * size * size)), 0);
    const op = new Convolution({
      strides: [stride, stride],
      dilations: [1, 1],
      before: pad,
      after: pad,
      groups,
    });
    return this.graph.apply(op, [x, weights]);
  }

  normalised(x: Node): Node {
    const numbers = (spread: number, middle: number) => this.draw([x.shape[1]!], spread, middle);
    const [scale, bias, mean, variance] = [
      numbers(0.2, 0.8),
      numbers(0.1, 0),
      numbers(0.1, 0),
      numbers(0.3, 1),
    ];
    return this.graph.apply(new BatchNormalization({ epsilon: 1e-5 }), [x, scale, bias, mean, variance]);
  }

  /** Convolution and normalisation. */
  block(x: Node, filters: number, size: number, stride = 1, groups = 1): Node {
    return this.normalised(this.convolution(x, filters, size, stride, groups));
  }

  pool(x: Node, name: "maxPooling" | "averagePooling", size: number, stride: number, padding = 0): Node {
    const both = (value: number) => [value, value];
    const window = { kernel: both(size), strides: both(stride), dilations: both(1), before: both(padding) };
    return this.graph.apply(new Pooling(name, { ...window, after: both(padding), ceil: false }), [x]);
  }

  /** The mean of every channel, and classes by a matrix. */
  classified(x: Node, classes: number): ImageNetwork {
    const mean = this.graph.apply(new Reduction("meanOf", { axes: [2, 3], keepAxes: false }), [x]);
    const channels = x.shape[1]!;
    const weights = this.draw([channels, classes], Math.sqrt(3 / channels), 0);
    const output = add(matmul(mean, weights), this.draw([classes], 0.1, 0));
    return { graph: this.graph, input: this.input, output };
  }

  /** Numbers around a middle. */
  private draw(shape: readonly number[], spread: number, middle: number): Node {
    const size = shape.reduce((product, length) => product * length, 1);
    const data = new Float32Array(size);
    for (let i = 0; i < size; i++) {
      // A linear congruential generator (Numerical Recipes), of which the upper bits are used.
      this.state = (Math.imul(this.state, 1664525) + 1013904223) >>> 0;
      data[i] = middle + spread * ((this.state >>> 8) / 2 ** 23 - 1);
    }
    return this.graph.constant(new Tensor(data, [...shape]));
  }
}

/** ResNet-18 or ResNet-50 (He et al. 2016). */
export function resnet(depth: 18 | 50, options: NetworkOptions = {}): ImageNetwork {
  const layers = new Layers(options);
  let x = relu(layers.block(layers.input, layers.channels(64), 7, 2));
  x = layers.pool(x, "maxPooling", 3, 2, 1);
  const blocks = depth === 18 ? [2, 2, 2, 2] : [3, 4, 6, 3];
  for (const [stage, count] of blocks.entries()) {
    const width = layers.channels(64 * 2 ** stage);
    const filters = depth === 18 ? width : 4 * width;
    for (let i = 0; i < count; i++) {
      const stride = i === 0 && stage > 0 ? 2 : 1;
      const inner =
        depth === 18
          ? layers.block(relu(layers.block(x, width, 3, stride)), filters, 3)
          : layers.block(relu(layers.block(relu(layers.block(x, width, 1)), width, 3, stride)), filters, 1);
      const same = stride === 1 && x.shape[1] === filters;
      x = relu(add(inner, same ? x : layers.block(x, filters, 1, stride)));
    }
  }
  return layers.classified(x, options.classes ?? 1000);
}

/** MobileNetV2 (Sandler et al. 2018). */
export function mobilenetV2(options: NetworkOptions = {}): ImageNetwork {
  const layers = new Layers(options);
  const relu6 = (x: Node) => mathFunction("clip", x, { alpha: 0, beta: 6 });
  let x = relu6(layers.block(layers.input, layers.channels(32), 3, 2));
  for (const [expansion, channels, count, first] of [
    [1, 16, 1, 1],
    [6, 24, 2, 2],
    [6, 32, 3, 2],
    [6, 64, 4, 2],
    [6, 96, 3, 1],
    [6, 160, 3, 2],
    [6, 320, 1, 1],
  ] as const) {
    const filters = layers.channels(channels);
    for (let i = 0; i < count; i++) {
      const stride = i === 0 ? first : 1;
      const inner = expansion * x.shape[1]!;
      const wide = expansion === 1 ? x : relu6(layers.block(x, inner, 1));
      const deep = relu6(layers.block(wide, inner, 3, stride, inner));
      const y = layers.block(deep, filters, 1);
      x = stride === 1 && x.shape[1] === filters ? add(x, y) : y;
    }
  }
  return layers.classified(relu6(layers.block(x, layers.channels(1280), 1)), options.classes ?? 1000);
}

/** SqueezeNet 1.1 (Iandola et al. 2016). */
export function squeezenet(options: NetworkOptions = {}): ImageNetwork {
  const layers = new Layers(options);
  const fire = (x: Node, squeezed: number, expanded: number) => {
    const narrow = relu(layers.convolution(x, layers.channels(squeezed), 1));
    const wide = layers.channels(expanded);
    return concat([relu(layers.convolution(narrow, wide, 1)), relu(layers.convolution(narrow, wide, 3))], 1);
  };
  const smaller = (x: Node) => layers.pool(x, "maxPooling", 3, 2);
  let x = smaller(relu(layers.convolution(layers.input, layers.channels(64), 3, 2)));
  x = smaller(fire(fire(x, 16, 64), 16, 64));
  x = smaller(fire(fire(x, 32, 128), 32, 128));
  x = fire(fire(fire(fire(x, 48, 192), 48, 192), 64, 256), 64, 256);
  return layers.classified(x, options.classes ?? 1000);
}

/** DenseNet-121 (Huang et al. 2017). */
export function densenet(options: NetworkOptions = {}): ImageNetwork {
  const layers = new Layers(options);
  const growth = layers.channels(32);
  let x = relu(layers.block(layers.input, 2 * growth, 7, 2));
  x = layers.pool(x, "maxPooling", 3, 2, 1);
  const blocks = [6, 12, 24, 16];
  for (const [stage, count] of blocks.entries()) {
    for (let i = 0; i < count; i++) {
      const narrow = layers.convolution(relu(layers.normalised(x)), 4 * growth, 1);
      x = concat([x, layers.convolution(relu(layers.normalised(narrow)), growth, 3)], 1);
    }
    if (stage === blocks.length - 1) break;
    x = layers.convolution(relu(layers.normalised(x)), x.shape[1]! >> 1, 1);
    x = layers.pool(x, "averagePooling", 2, 2);
  }
  return layers.classified(relu(layers.normalised(x)), options.classes ?? 1000);
}

/** ShuffleNet with three groups (Zhang et al. 2018). */
export function shufflenet(options: NetworkOptions = {}): ImageNetwork {
  const layers = new Layers(options);
  const groups = 3;
  const shuffled = (x: Node) => {
    const [n, c, h, w] = x.shape as [number, number, number, number];
    return reshape(transpose(reshape(x, [n, groups, c / groups, h, w]), [0, 2, 1, 3, 4]), x.shape);
  };
  let x = relu(layers.block(layers.input, 24, 3, 2));
  x = layers.pool(x, "maxPooling", 3, 2, 1);
  for (const [stage, [filters, count]] of (
    [
      [240, 4],
      [480, 8],
      [960, 4],
    ] as const
  ).entries()) {
    for (let i = 0; i < count; i++) {
      const stride = i === 0 ? 2 : 1;
      const own = i === 0 ? filters - x.shape[1]! : filters;
      const narrow = 12 * Math.round(filters / 48);
      const first = relu(layers.block(x, narrow, 1, 1, stage === 0 && i === 0 ? 1 : groups));
      const deep = layers.block(shuffled(first), narrow, 3, stride, narrow);
      const y = layers.block(deep, own, 1, 1, groups);
      x = relu(i === 0 ? concat([layers.pool(x, "averagePooling", 3, 2, 1), y], 1) : add(x, y));
    }
  }
  return layers.classified(x, options.classes ?? 1000);
}

/** A transformer's encoder block on sequences: attention of some heads and two layers. */
export function attention(length = 128, width = 256, heads = 4, seed = 1): ImageNetwork {
  const layers = new Layers({ seed, side: 1 });
  const { graph } = layers;
  const input = graph.input("tokens", [length, width], "float32");
  const size = width / heads;
  let state = seed;
  const weights = (rows: number, columns: number) => {
    const data = new Float32Array(rows * columns);
    for (let i = 0; i < data.length; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      data[i] = Math.sqrt(3 / rows) * ((state >>> 8) / 2 ** 23 - 1);
    }
    return graph.constant(new Tensor(data, [rows, columns]));
  };
  const split = (x: Node) => transpose(reshape(x, [length, heads, size]), [1, 0, 2]);
  const [q, k, v] = [0, 1, 2].map(() => split(matmul(input, weights(width, width)))) as [Node, Node, Node];
  const scores = mathFunction("affine", matmul(q, transpose(k, [0, 2, 1])), { alpha: size ** -0.5, beta: 0 });
  const mixed = reshape(transpose(matmul(softmax(scores), v), [1, 0, 2]), [length, width]);
  const x = add(input, matmul(mixed, weights(width, width)));
  const output = add(x, matmul(relu(matmul(x, weights(width, 4 * width))), weights(4 * width, width)));
  return { graph, input, output };
}
