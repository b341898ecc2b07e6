import { type Expression, ofDates } from "../dataset/formula/spec.js";
import { ModelError } from "../errors.js";
import type { LinearModel } from "../linear/model/model.js";
import { ModelGroup } from "../linear/model/model-group.js";
import { atHand } from "../stats/combined-columns.js";
import { option, verb, wording } from "../wording.js";
import { type Block, type Equation, type Factor, isPlain, ofDatesError, type Power } from "./equation.js";
import { anyEquation } from "./group-equation.js";
import { OnnxGraph } from "./onnx-graph.js";

/** Options of `toOnnx`; all may be left out. */
export interface OnnxOptions {
  /** Whether to compute in single precision, by the operator LinearRegressor. Default: double, MatMul + Add. */
  float32?: boolean | undefined;
}

/**
 * A model as an ONNX file (operator set 17, ai.onnx.ml 3), with one output: `prediction`, N × 1.
 *
 * A model of columns as they stand has one input `X`, N × p, the columns in the order of the file's property
 * `columns` (a JSON list). Any other has an input for each raw column by its name, N × 1, of numbers or of strings;
 * levels, expressions and interactions are computed inside. A missing number is NaN. A row with NaN, or with a level
 * that was not in the training data, gives NaN, as does one outside what a fit of deficient rank determines.
 *
 * @throws ModelError where the graph cannot have the model: no input, levels that single precision cannot tell
 * apart, or functions of dates, for its operators cannot cut texts
 *
 * @example
 * ```js
 * import { fit, toOnnx } from "goml";
 *
 * const model = fit([[1], [2], [4]], [1, 2, 3]);
 * console.log(toOnnx(model) instanceof Uint8Array); // true
 * ```
 */
export function toOnnx(model: LinearModel | ModelGroup, options: OnnxOptions = {}): Uint8Array {
  const equation = anyEquation(model);
  const { numeric, text, target, formula } = equation;
  const columns = [...numeric, ...text];
  if (columns.length === 0)
    throw new ModelError("the model reads no column: an ONNX graph has no input to give the number of rows", {
      hint: wording`its only coefficient is the intercept; ${verb("exportTerms")} has it`,
    });
  if (columns.includes(""))
    throw new ModelError("a column has no name, and ONNX cannot have an input without one", {
      hint: "give the column a name in the file's header",
    });
  const builder = new Builder(equation, options.float32 === true ? "float" : "double");
  const output = builder.build();
  return builder.graph.encode(output, {
    goml: "linear regression",
    target,
    formula,
    columns: JSON.stringify(columns),
  });
}

/** The share of the target's spread from which on the rounding of single precision is told. */
const TELLING = 1e-3;

/**
 * What to say of a model in single precision: where columns lie far from 0, or their contributions cancel, rounding inputs
 * and coefficients to 24 bits costs about 2⁻²⁴ (|β₀| + Σ |β| (|x̄| + s)) of each prediction.
 */
export function singlePrecisionNotes(model: LinearModel | ModelGroup): string[] {
  const all = model instanceof ModelGroup ? [...model.models.values()] : [model];
  for (const { coefficients, intercept, moments, regression, terms, n, tss } of all) {
    const columns = atHand(moments, regression.terms);
    const constant = intercept ? coefficients[0]! : 0;
    const sizes = regression.terms.map((key, j) => {
      const beta = Math.abs(coefficients[j + (intercept ? 1 : 0)]!);
      const at = columns.index(key);
      const size =
        at < 0 ? 1 : Math.abs(columns.mean[at]!) + Math.sqrt(columns.product(at, at) / columns.sumW);
      return Number.isNaN(beta) ? 0 : beta * size;
    });
    const off = 2 ** -24 * sizes.reduce((sum, size) => sum + size, Math.abs(constant));
    const spread = Math.sqrt(tss / n);
    if (!(off > TELLING * spread)) continue;
    const largest = terms[sizes.indexOf(Math.max(...sizes))];
    return [
      `in single precision predictions are off by about ${off.toPrecision(2)}, where ${model.target} varies by ` +
        `${spread.toPrecision(2)}: ${largest} lies far from 0; shift the column before training, or export in double precision`,
    ];
  }
  return [];
}

/** How much more an aliased column may be off in single precision. */
const SINGLE_TOLERANCE = 1000;

/** Blocks of more entries than this become no indicators: a row would have a number for each. */
const MOST_INDICATORS = 256;

class Builder {
  readonly graph: OnnxGraph;
  readonly #equation: Equation;
  readonly #type: "float" | "double";
  readonly #inputs = new Map<string, string>();
  readonly #expressions = new Map<string, string>();
  readonly #codes: string[] = [];
  readonly #output: string;

  constructor(equation: Equation, type: "float" | "double") {
    const columns = [...equation.numeric, ...equation.text];
    let output = "prediction";
    while (columns.includes(output)) output += "_";
    this.graph = new OnnxGraph([...columns, output, "X"]);
    this.#equation = equation;
    this.#type = type;
    this.#output = output;
  }

  build(): { name: string; type: "float" | "double" } {
    const output = { name: this.#output, type: this.#type };
    const { numeric, text, blocks, factors } = this.#equation;
    const { graph } = this;
    if (isPlain(this.#equation)) {
      const X = graph.input("X", this.#type, numeric.length, numeric.join(", "));
      const { intercept, conditions } = this.#equation;
      if (conditions.length === 0) {
        this.#linear(X, intercept, this.#plainCoefficients(blocks), this.#output);
        return output;
      }
      let y = this.#linear(X, intercept, this.#plainCoefficients(blocks));
      conditions.forEach(({ constant, blocks: own, limit }, c) => {
        const off = this.#exactly(X, constant, this.#plainCoefficients(own));
        y = this.#unlessOff(y, off, limit, c === conditions.length - 1 ? this.#output : undefined);
      });
      return output;
    }
    for (const name of numeric) this.#inputs.set(name, graph.input(name, this.#type, 1));
    for (const name of text) this.#inputs.set(name, graph.input(name, "string", 1));
    for (const factor of factors) this.#codes.push(this.#code(factor));
    const { intercept, conditions } = this.#equation;
    let y = this.#sum(blocks, intercept, (X, constant, own) => this.#linear(X, constant, own));
    for (const { constant, blocks: own, limit } of conditions) {
      const off = this.#sum(own, constant, (X, start, a) => this.#exactly(X, start, a));
      y = this.#unlessOff(y, off, limit);
    }
    for (const code of this.#codes) y = graph.add("Add", [y, this.#unlessKnown(code)]);
    // 0 · y is NaN where y is infinite: an expression that is not finite has no prediction.
    graph.add("Add", [y, graph.add("Mul", [y, this.#constant([0])])], {}, this.#output);
    return output;
  }

  /** A constant and what blocks add to it; those of many entries by looking a row's own up, the others by `linear`. */
  #sum(
    blocks: readonly Block[],
    constant: number,
    linear: (X: string, constant: number, coefficients: number[]) => string,
  ): string {
    const few = blocks.filter(({ entries }) => entries.length <= MOST_INDICATORS);
    let y =
      few.length === 0
        ? this.#constant([constant])
        : linear(this.#columns(few), constant, coefficientsOf(few));
    for (const block of blocks)
      if (!few.includes(block)) y = this.graph.add("Add", [y, this.#lookedUp(block)]);
    return y;
  }

  /** What a block adds, N × 1: the coefficient of the row's levels, 0 where these have none, times its powers. */
  #lookedUp(block: Block): string {
    const { graph } = this;
    const { code, sizes } = this.#combined(block);
    const table = new Array<number>(sizes.reduce((a, b) => a * b, 1)).fill(0);
    for (const { codes, coefficient } of block.entries) table[place(codes, sizes)] = coefficient;
    this.#checkRange(table);
    // An unknown level's code is below 0; what it gives is made NaN in the end.
    const at = graph.add("Max", [code, this.#integer(0)]);
    const own = graph.add("Gather", [this.#constant(table), at]);
    return block.powers.reduce((product, power) => graph.add("Mul", [product, this.#power(power)]), own);
  }

  /** The code of a row's combination of a block's levels, and how many each factor has. */
  #combined({ factors }: Block): { code: string; sizes: number[] } {
    const { graph } = this;
    const sizes = factors.map((f) => this.#equation.factors[f]!.levels.length);
    const code = factors
      .map((f) => this.#codes[f]!)
      .reduce((at, own, i) => graph.add("Add", [graph.add("Mul", [at, this.#integer(sizes[i]!)]), own]));
    return { code, sizes };
  }

  /**
   * The columns of some blocks. Even those of a single one go through Concat: onnxruntime would move a constant factor
   * into the product as a float.
   */
  #columns(blocks: readonly Block[]): string {
    return this.graph.add(
      "Concat",
      blocks.map((block) => this.#block(block)),
      { axis: { i: 1 } },
    );
  }

  /** c + Xa by MatMul and Add, which are of the graph's precision whatever the operator for predictions. */
  #exactly(X: string, constant: number, coefficients: number[]): string {
    const a = this.#constant(coefficients, [coefficients.length, 1]);
    return this.graph.add("Add", [this.graph.add("MatMul", [X, a]), this.#constant([constant])]);
  }

  /** y where |off| ≤ limit, NaN elsewhere. Single precision cannot tell as much as double. */
  #unlessOff(y: string, off: string, limit: number, output?: string): string {
    const { graph } = this;
    const most = this.#type === "float" ? limit * SINGLE_TOLERANCE : limit;
    const within = graph.add("LessOrEqual", [graph.add("Abs", [off]), this.#constant([most])]);
    return graph.add("Where", [within, y, this.#constant([Number.NaN])], {}, output);
  }

  /** β₀ + Xβ. */
  #linear(X: string, intercept: number, coefficients: number[], output?: string): string {
    const { graph } = this;
    if (this.#type === "float") {
      this.#checkRange([intercept, ...coefficients]);
      return graph.add(
        "LinearRegressor",
        [X],
        { coefficients: { floats: coefficients }, intercepts: { floats: [intercept] }, targets: { i: 1 } },
        output,
      );
    }
    const beta = graph.constant("double", coefficients, [coefficients.length, 1]);
    return graph.add("Add", [graph.add("MatMul", [X, beta]), this.#constant([intercept])], {}, output);
  }

  /** Throws ModelError for a coefficient that the graph's precision cannot hold. */
  #checkRange(coefficients: readonly number[]): void {
    if (this.#type === "double") return;
    const large = coefficients.find((value) => !Number.isFinite(Math.fround(value)));
    if (large === undefined) return;
    throw new ModelError(`the coefficient ${large} is beyond single precision`, {
      hint: wording`export without ${option("float32")}`,
    });
  }

  /** The coefficients of plain columns in the order of all. */
  #plainCoefficients(blocks: readonly Block[]): number[] {
    const { numeric } = this.#equation;
    const coefficients = new Array<number>(numeric.length).fill(0);
    for (const { powers, entries } of blocks) {
      const { expression } = powers[0]!;
      if ("column" in expression) coefficients[numeric.indexOf(expression.column)] = entries[0]!.coefficient;
    }
    return coefficients;
  }

  /** The columns of a block: N × its number of entries. */
  #block(block: Block): string {
    const { graph } = this;
    const { powers, factors, entries } = block;
    let product: string | undefined;
    for (const power of powers) {
      const value = this.#power(power);
      product = product === undefined ? value : graph.add("Mul", [product, value]);
    }
    if (factors.length === 0) return product!;
    const { code, sizes } = this.#combined(block);
    const codes = entries.map((entry) => place(entry.codes, sizes));
    const equal = graph.add("Equal", [code, graph.constant("int64", codes, [1, codes.length])]);
    const indicators = graph.cast(equal, this.#type);
    return product === undefined ? indicators : graph.add("Mul", [indicators, product]);
  }

  /** The code of a factor's level, N × 1; −1 where it was not in the training data. */
  #code({ column, of, by, levels }: Factor): string {
    if (by !== undefined) throw ofDatesError(`${by}(${column})`, "ONNX");
    const { graph } = this;
    const input = this.#inputs.get(column)!;
    const codes = levels.map((_, code) => code);
    if (of === "text")
      return graph.add("LabelEncoder", [input], {
        keys_strings: { strings: [...levels] },
        values_int64s: { ints: codes },
        default_int64: { i: -1 },
      });
    const numbers = levels.map(Number);
    if (this.#type === "float" && new Set(numbers.map(Math.fround)).size < numbers.length)
      throw new ModelError(`single precision cannot tell all levels of ${column} apart`, {
        hint: wording`export without ${option("float32")}`,
      });
    const equal = graph.add("Equal", [input, this.#constant(numbers, [1, numbers.length])]);
    const places = this.#constant(
      codes.map((code) => code + 1),
      [codes.length, 1],
    );
    const place = graph.add("MatMul", [graph.cast(equal, this.#type), places]);
    return graph.add("Sub", [graph.cast(place, "int64"), this.#integer(1)]);
  }

  /** 0 where a code is a level's, NaN where it is −1. */
  #unlessKnown(code: string): string {
    const { graph } = this;
    const known = graph.add("GreaterOrEqual", [code, this.#integer(0)]);
    return graph.add("Where", [known, this.#constant([0]), this.#constant([Number.NaN])]);
  }

  #power({ expression, exponent }: Power): string {
    return exponent === 1
      ? this.#expression(expression)
      : this.#expression({ call: "^", args: [expression, { number: exponent }] });
  }

  /** An expression's values, N × 1; the same expression is computed once. */
  #expression(expression: Expression): string {
    if (!hasColumn(expression))
      throw new ModelError("a term is a number without a column, which has no number of rows in ONNX", {
        hint: "leave the term out: it is part of the intercept",
      });
    return this.#value(expression);
  }

  #value(expression: Expression): string {
    if ("number" in expression) return this.#constant([expression.number]);
    if ("column" in expression) return this.#inputs.get(expression.column)!;
    const key = JSON.stringify(expression);
    const known =
      this.#expressions.get(key) ??
      ("among" in expression ? this.#among(expression) : this.#call(expression));
    this.#expressions.set(key, known);
    return known;
  }

  /** Whether a text is one of some: 1 or 0, which is the operator's default. An empty text is a missing one here, of which nothing is known. */
  #among({ text, among, absent }: Extract<Expression, { among: unknown }>): string {
    const keys = absent ? among : [...among, ""];
    const found = this.graph.add("LabelEncoder", [this.#inputs.get(text)!], {
      keys_strings: { strings: [...keys] },
      values_floats: { floats: keys.map((_, i) => (i < among.length ? 1 : Number.NaN)) },
    });
    return this.#type === "float" ? found : this.graph.cast(found, this.#type);
  }

  /** A condition as a number: NaN where one of the values that it compares is. */
  #truth(condition: string, of: readonly string[]): string {
    const { graph } = this;
    // 0 · x is NaN where x is, and where it is infinite, which has no prediction anyway.
    return of.reduce(
      (sum, x) => graph.add("Add", [sum, graph.add("Mul", [x, this.#constant([0])])]),
      graph.cast(condition, this.#type),
    );
  }

  #holds(value: string): string {
    return this.graph.add("Equal", [value, this.#constant([1])]);
  }

  #call(expression: Extract<Expression, { call: unknown }>): string {
    const { graph } = this;
    if (ofDates(expression)) throw ofDatesError(`${expression.call}(${expression.args[0].text})`, "ONNX");
    const { call, args } = expression;
    const [a, b, c] = args.map((argument) => this.#value(argument)) as [string, string, string];
    switch (call) {
      case "==":
        return this.#truth(graph.add("Equal", [a, b]), [a, b]);
      case "!=":
        return this.#truth(graph.add("Not", [graph.add("Equal", [a, b])]), [a, b]);
      case "<":
        return this.#truth(graph.add("Less", [a, b]), [a, b]);
      case ">":
        return this.#truth(graph.add("Greater", [a, b]), [a, b]);
      case "<=":
        return this.#truth(graph.add("LessOrEqual", [a, b]), [a, b]);
      case ">=":
        return this.#truth(graph.add("GreaterOrEqual", [a, b]), [a, b]);
      case "is.na":
        return graph.cast(graph.add("IsNaN", [a]), this.#type);
      case "!":
        return graph.add("Sub", [this.#constant([1]), a]);
      case "&":
      case "|": {
        // By R's rules one value may decide: 0 & NaN is 0, 1 | NaN is 1.
        const decisive = this.#constant([call === "&" ? 0 : 1]);
        const decided = graph.add("Or", [
          graph.add("Equal", [a, decisive]),
          graph.add("Equal", [b, decisive]),
        ]);
        return graph.add("Where", [decided, decisive, graph.add("Mul", [a, b])]);
      }
      case "ifelse": {
        const chosen = graph.add("Where", [this.#holds(a), b, c]);
        return graph.add("Where", [graph.add("IsNaN", [a]), a, chosen]);
      }
      case "pmin":
        return graph.add("Min", [a, b]);
      case "pmax":
        return graph.add("Max", [a, b]);
      case "+":
        return args.length === 1 ? a : graph.add("Add", [a, b]);
      case "-":
        return args.length === 1 ? graph.add("Neg", [a]) : graph.add("Sub", [a, b]);
      case "*":
        return graph.add("Mul", [a, b]);
      case "/":
        return graph.add("Div", [a, b]);
      case "^":
        return graph.add("Pow", [a, b]);
      case "exp":
        return graph.add("Exp", [a]);
      case "sqrt":
        return graph.add("Sqrt", [a]);
      case "abs":
        return graph.add("Abs", [a]);
      case "log1p": {
        const one = this.#constant([1]);
        // ln(u) x / (u − 1), u = 1 + x as rounded, has lost what x lost in both, and so nothing (Kahan).
        const u = graph.add("Add", [a, one]);
        const ratio = graph.add("Div", [a, graph.add("Sub", [u, one])]);
        const log = graph.add("Mul", [graph.add("Log", [u]), ratio]);
        return graph.add("Where", [graph.add("Equal", [u, one]), a, log]);
      }
      default: {
        const log = graph.add("Log", [a]);
        if (call === "log" && args.length === 1) return log;
        const base =
          call === "log" ? graph.add("Log", [b]) : this.#constant([Math.log(call === "log2" ? 2 : 10)]);
        return graph.add("Div", [log, base]);
      }
    }
  }

  #constant(values: number[], shape: number[] = [values.length]): string {
    return this.graph.constant(this.#type, values, shape);
  }

  #integer(value: number): string {
    return this.graph.constant("int64", [value], [1]);
  }
}

/** Where a combination of levels stands in a list of all, the last factor's varying fastest. */
function place(codes: readonly number[], sizes: readonly number[]): number {
  return codes.reduce((at, own, i) => at * sizes[i]! + own);
}

function coefficientsOf(blocks: readonly Block[]): number[] {
  return blocks.flatMap(({ entries }) => entries.map(({ coefficient }) => coefficient));
}

function hasColumn(expression: Expression): boolean {
  if ("column" in expression || "among" in expression) return true;
  return "call" in expression && (ofDates(expression) || expression.args.some(hasColumn));
}
