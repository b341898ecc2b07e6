import type { Graph, Node } from "../graph.js";
import { Binary } from "../ops/binary.js";
import { Padding } from "../ops/boxes.js";
import { Convolution, TransposedConvolution } from "../ops/convolution.js";
import { BatchNormalization } from "../ops/normalization.js";
import { sizeOf } from "../shape.js";
import { Tensor } from "../tensor.js";
import { type Fused, Rewriting, type Uses, usesOf } from "./rewriting.js";

/** Folds batch normalisations and zeros around images, where they are constants, into convolutions: see `fuse`. */
export function foldWeights(graph: Graph, outputs: readonly Node[]): Fused {
  const uses = usesOf(graph, outputs);
  const rewriting = new Rewriting();
  // Convolutions that are written when the normalisation that reads them is.
  const awaited = new Set<Node>();
  for (const node of uses.needed) if (normalised(node, uses) !== undefined) awaited.add(node.inputs[0]!);
  for (const node of uses.needed) {
    if (awaited.has(node)) continue;
    const source = normalised(node, uses);
    if (source !== undefined) writeNormalised(rewriting, node, source, uses);
    else if (node.op instanceof BatchNormalization && isAffine(node)) writeAffine(rewriting, node);
    else if (node.op instanceof Convolution)
      writeConvolution(rewriting, node, node, node.inputs.slice(1).map(of), uses);
    else if (!isAbsorbed(node, uses)) rewriting.copy(node);
  }
  return { graph: rewriting.graph, nodeOf: (node) => (rewriting.has(node) ? rewriting.of(node) : undefined) };

  function of(node: Node): Node {
    return rewriting.of(node);
  }
}

const isConstant = (node: Node): boolean => node.op === "constant";

/** The convolution of constant weights that a normalisation by constants reads, and that nobody else does. */
function normalised(node: Node, uses: Uses): Node | undefined {
  if (!(node.op instanceof BatchNormalization) || !isAffine(node)) return undefined;
  const [source] = node.inputs as [Node];
  const { op, inputs } = source;
  if (!(op instanceof Convolution || op instanceof TransposedConvolution)) return undefined;
  const alone = uses.readersOf(source).length === 1 && !uses.isOutput(source);
  return alone && inputs.slice(1).every(isConstant) ? source : undefined;
}

/** Whether a normalisation multiplies and adds numbers that are known. */
function isAffine({ dtype, shape, inputs }: Node): boolean {
  return dtype === "float32" && shape.length > 1 && inputs.slice(1).every(isConstant);
}

/** scale / √(variance + ε) and bias − mean · factor, by channels. */
function factorsOf(node: Node): { factor: Float64Array; shift: Float64Array } {
  const [scale, bias, mean, variance] = node.inputs.slice(1).map((input) => input.initial!.data);
  const { epsilon } = (node.op as BatchNormalization).attributes;
  const factor = Float64Array.from(scale!, (own, i) => own / Math.sqrt(variance![i]! + epsilon));
  return { factor, shift: Float64Array.from(bias!, (own, i) => own - mean![i]! * factor[i]!) };
}

function writeAffine(rewriting: Rewriting, node: Node): void {
  const { graph } = rewriting;
  const shape = [node.shape[1]!, ...node.shape.slice(2).map(() => 1)];
  const { scaled, added } = remembered(node.inputs.slice(1), () => {
    const { factor, shift } = factorsOf(node);
    return {
      scaled: new Tensor(Float32Array.from(factor), shape),
      added: new Tensor(Float32Array.from(shift), shape),
    };
  });
  const product = graph.apply(new Binary("mul"), [rewriting.of(node.inputs[0]!), graph.constant(scaled)]);
  rewriting.put(node, new Binary("add"), [product, graph.constant(added)]);
}

function writeNormalised(rewriting: Rewriting, node: Node, source: Node, uses: Uses): void {
  const { graph } = rewriting;
  const [w, bias] = source.inputs.slice(1);
  const { scaled, added } = remembered([w!, ...(bias ? [bias] : []), ...node.inputs.slice(1)], () => {
    const { factor, shift } = factorsOf(node);
    return {
      scaled: scaledWeights(w!.initial!, factor, source),
      added: new Tensor(
        Float32Array.from(shift, (own, i) => own + (bias?.initial?.data[i] ?? 0) * factor[i]!),
        [shift.length],
      ),
    };
  });
  const weights = [graph.constant(scaled, undefined, w!.name), graph.constant(added, undefined, bias?.name)];
  if (source.op instanceof Convolution) writeConvolution(rewriting, node, source, weights, uses);
  else rewriting.put(node, source.op as TransposedConvolution, [rewriting.of(source.inputs[0]!), ...weights]);
}

/** The weights of each output channel times its factor. */
function scaledWeights({ data, shape }: Tensor, factor: Float64Array, { op }: Node): Tensor {
  const scaled = new Float32Array(data.length);
  if (op instanceof Convolution) {
    const size = data.length / Math.max(1, shape[0]!);
    for (let i = 0; i < data.length; i++) scaled[i] = data[i]! * factor[Math.floor(i / size)]!;
  } else {
    // C × M/groups × …: the output channel of channel c of the input is one of its group's.
    const { groups } = (op as TransposedConvolution).attributes;
    const [channels, filters] = shape as [number, number];
    const size = sizeOf(shape.slice(2));
    for (let i = 0; i < data.length; i++) {
      const c = Math.floor(i / (filters * size));
      const group = Math.floor((c * groups) / channels);
      scaled[i] = data[i]! * factor[group * filters + (Math.floor(i / size) % filters)]!;
    }
  }
  return new Tensor(scaled, shape);
}

/** A convolution in the place of `node`, with the zeros around its image within its window. */
function writeConvolution(
  rewriting: Rewriting,
  node: Node,
  source: Node,
  weights: readonly Node[],
  uses: Uses,
): void {
  const op = source.op as Convolution;
  const [image] = source.inputs as [Node];
  const { attributes } = op;
  if (!isAbsorbed(image, uses)) {
    rewriting.put(node, op, [rewriting.of(image), ...weights]);
    return;
  }
  const padding = (image.op as Padding).attributes;
  const wider = new Convolution({
    ...attributes,
    before: attributes.before.map((own, axis) => own + padding.before[2 + axis]!),
    after: attributes.after.map((own, axis) => own + padding.after[2 + axis]!),
  });
  rewriting.put(node, wider, [rewriting.of(image.inputs[0]!), ...weights]);
}

/** Whether a node puts zeros around images that convolutions of float32 alone read, which may as well do that. */
function isAbsorbed(node: Node, uses: Uses): boolean {
  if (!(node.op instanceof Padding) || node.dtype !== "float32" || node.shape.length > 4) return false;
  const { before, after, mode } = node.op.attributes;
  const [, value] = node.inputs;
  const zeros = value === undefined || (isConstant(value) && value.initial!.data[0] === 0);
  const around = [...before, ...after].every((own) => own >= 0);
  if (mode !== "constant" || !zeros || !around || before[0] !== 0 || before[1] !== 0) return false;
  if (after[0] !== 0 || after[1] !== 0 || uses.isOutput(node)) return false;
  return uses
    .readersOf(node)
    .every(({ op, inputs }) => op instanceof Convolution && inputs[0] === node && inputs[1] !== node);
}

interface Folded {
  readonly scaled: Tensor;
  readonly added: Tensor;
}

/** What was made of the same constants before, so that all plans of a model share it. */
const made = new WeakMap<Tensor, { readonly of: readonly Tensor[]; readonly folded: Folded }[]>();

function remembered(nodes: readonly Node[], make: () => Folded): Folded {
  const of = nodes.map((node) => node.initial!);
  const own = made.get(of[0]!) ?? [];
  made.set(of[0]!, own);
  const known = own.find((each) => each.of.length === of.length && each.of.every((one, i) => one === of[i]));
  if (known !== undefined) return known.folded;
  const folded = make();
  own.push({ of, folded });
  return folded;
}
