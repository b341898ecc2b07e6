import { applyOp, type Node } from "../graph.js";
import { Convolution, type ConvolutionAttributes, TransposedConvolution } from "../ops/convolution.js";
import { reshape, transpose } from "../ops/layout.js";
import { sum } from "../ops/reduce.js";
import type { Derivative } from "./derivative.js";

/** Of y = x ∗ w + b: x's is the transposed convolution of the upstream derivative with w, w's its correlation with x. */
export const convolved: Derivative = (inputs, output, upstream, wanted) => {
  const [x, w, bias] = inputs as [Node, Node, Node?];
  const { strides, dilations, before, after, groups } = (output.op as Convolution).attributes;
  // What the last window did not reach of x.
  const outputPadding = x.shape.slice(2).map((length, axis) => {
    const reach = (w.shape[2 + axis]! - 1) * dilations[axis]! + 1;
    return length + before[axis]! + after[axis]! - reach - (output.shape[2 + axis]! - 1) * strides[axis]!;
  });
  const back = new TransposedConvolution({ strides, dilations, before, after, groups, outputPadding });
  return [
    wanted[0] ? applyOp(back, [upstream, w]) : undefined,
    wanted[1]
      ? correlation(x, upstream, w.shape.slice(2), { strides, dilations, before, groups })
      : undefined,
    bias !== undefined && wanted[2] ? sumOfPlanes(upstream) : undefined,
  ];
};

/** As `convolved`, with x and y exchanged. */
export const transposedConvolved: Derivative = (inputs, output, upstream, wanted) => {
  const [x, w, bias] = inputs as [Node, Node, Node?];
  const { strides, dilations, before, after, groups, outputPadding } = (output.op as TransposedConvolution)
    .attributes;
  const back = new Convolution({
    strides,
    dilations,
    before,
    after: after.map((padding, axis) => padding - (outputPadding[axis] ?? 0)),
    groups,
  });
  return [
    wanted[0] ? applyOp(back, [upstream, w]) : undefined,
    wanted[1]
      ? correlation(upstream, x, w.shape.slice(2), { strides, dilations, before, groups })
      : undefined,
    bias !== undefined && wanted[2] ? sumOfPlanes(upstream) : undefined,
  ];
};

/**
 * c[m, c, k] = Σ_n Σ_o g[n, m, o]·x[n, c, o·stride + k·dilation − before] for k below `kernel`: a convolution in which
 * images and channels change places, and strides and dilations.
 */
function correlation(
  x: Node,
  g: Node,
  kernel: readonly number[],
  { strides, dilations, before, groups }: Omit<ConvolutionAttributes, "after" | "next">,
): Node {
  const [images, channels, ...lengths] = x.shape as [number, number, ...number[]];
  const spatial = lengths.map((_, axis) => axis);
  const own = channels / groups;
  const byChannel = transpose(reshape(x, [images, groups, own, ...lengths]), [
    2,
    1,
    0,
    ...spatial.map((axis) => axis + 3),
  ]);
  const swapped = [1, 0, ...spatial.map((axis) => axis + 2)];
  const windows = new Convolution({
    strides: dilations,
    dilations: strides,
    before,
    // As many windows as the kernel has elements: what lies beyond was read by none.
    after: lengths.map(
      (length, axis) =>
        (kernel[axis]! - 1) * dilations[axis]! +
        (g.shape[2 + axis]! - 1) * strides[axis]! +
        1 -
        length -
        before[axis]!,
    ),
    groups,
  });
  const images2 = reshape(byChannel, [own, groups * images, ...lengths]);
  return transpose(applyOp(windows, [images2, transpose(g, swapped)]), swapped);
}

function sumOfPlanes(upstream: Node): Node {
  return sum(
    upstream,
    upstream.shape.map((_, axis) => axis).filter((axis) => axis !== 1),
  );
}
