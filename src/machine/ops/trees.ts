import { ShapeError } from "../errors.js";
import { type Attributes, checkArity, type Kernel, type TensorType, TypedOp } from "../op.js";
import { formatShape } from "../shape.js";

/** How a row is told left or right at a node: left where x ⋄ value holds. */
export type TreeComparison = "leaf" | "<=" | "<" | ">=" | ">" | "==" | "!=" | "in";

/** Trees by their nodes, in arrays of one entry a node; the children are numbers of nodes. */
export interface TreeAttributes {
  readonly roots: readonly number[];
  readonly features: readonly number[];
  readonly comparisons: readonly TreeComparison[];
  readonly values: readonly number[];
  readonly left: readonly number[];
  readonly right: readonly number[];
  /** Whether a missing value goes left. */
  readonly missingLeft: readonly boolean[];
  /** The weights of leaf i: `weights[firstWeight[i]]` to before `weights[firstWeight[i + 1]]`, each to its target. */
  readonly firstWeight: readonly number[];
  readonly weights: readonly number[];
  readonly weightTargets: readonly number[];
  readonly targets: number;
  readonly combination: "sum" | "average" | "min" | "max";
  /** What each target begins with. */
  readonly base: readonly number[];
  /** Sets of values; a node that compares by "in" has the number of its own as its value. */
  readonly sets?: readonly (readonly number[])[];
  /** The type of the result. Default: float32. */
  readonly to?: "float32" | "float64";
}

/** An ensemble of decision trees, applied to each row of x, N × p: N × targets. */
export class TreeEnsemble extends TypedOp {
  readonly name = "treeEnsemble";
  override readonly attributes: Attributes & TreeAttributes;
  override readonly portable = true;

  constructor(attributes: TreeAttributes) {
    super();
    this.attributes = { ...attributes };
  }

  infer(inputs: readonly TensorType[]): readonly TensorType[] {
    checkArity(inputs, 1);
    const { shape } = inputs[0]!;
    const { features, comparisons, targets } = this.attributes;
    const widest = features.reduce(
      (most, own, i) => (comparisons[i] === "leaf" ? most : Math.max(most, own)),
      -1,
    );
    if (shape.length !== 2 || widest >= shape[1]!)
      throw new ShapeError(`trees that read column ${widest} of ${formatShape(shape)}`);
    return [{ dtype: this.attributes.to ?? "float32", shape: [shape[0]!, targets] }];
  }

  make([input]: readonly TensorType[]): Kernel {
    const [rows, columns] = input!.shape as [number, number];
    const { roots, features, comparisons, values, left, right, missingLeft, ...own } = this.attributes;
    const { firstWeight, weights, weightTargets, targets, combination, base } = own;
    const sets = (own.sets ?? []).map((members) => new Set(members));
    const holds = comparisons.map((comparison) =>
      comparison === "in" ? (value: number, set: number) => sets[set]!.has(value) : predicates[comparison],
    );
    return {
      units: rows,
      cost: rows * roots.length * 60,
      run: ([x], out, from, to) => {
        const totals = new Float64Array(targets);
        const counts = new Float64Array(targets);
        for (let row = from; row < to; row++) {
          totals.fill(0);
          counts.fill(0);
          for (const root of roots) {
            let node = root;
            // A path is no longer than there are nodes.
            for (let steps = 0; comparisons[node] !== "leaf" && steps <= values.length; steps++) {
              const value = Number(x![row * columns + features[node]!]!);
              const goes = Number.isNaN(value) ? missingLeft[node]! : holds[node]!(value, values[node]!);
              node = goes ? left[node]! : right[node]!;
            }
            for (let i = firstWeight[node]!; i < firstWeight[node + 1]!; i++) {
              const target = weightTargets[i]!;
              const weight = weights[i]!;
              const first = counts[target]!++ === 0;
              if (combination === "min") totals[target] = first ? weight : Math.min(totals[target]!, weight);
              else if (combination === "max")
                totals[target] = first ? weight : Math.max(totals[target]!, weight);
              else totals[target]! += weight;
            }
          }
          for (let target = 0; target < targets; target++) {
            const total = combination === "average" ? totals[target]! / roots.length : totals[target]!;
            out[row * targets + target] = total + (base[target] ?? 0);
          }
        }
      },
    };
  }
}

const predicates: Readonly<Record<Exclude<TreeComparison, "in">, (x: number, value: number) => boolean>> = {
  leaf: () => false,
  "<=": (x, value) => x <= value,
  "<": (x, value) => x < value,
  ">=": (x, value) => x >= value,
  ">": (x, value) => x > value,
  "==": (x, value) => x === value,
  "!=": (x, value) => x !== value,
};
