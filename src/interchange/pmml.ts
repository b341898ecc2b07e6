import { type Expression, ofDates } from "../dataset/formula/spec.js";
import { ModelError } from "../errors.js";
import type { LinearModel } from "../linear/model/model.js";
import type { ModelGroup } from "../linear/model/model-group.js";
import { version } from "../version.js";
import {
  type Block,
  type Condition,
  type Equation,
  type Factor,
  ofDatesError,
  type Power,
  requiredColumns,
} from "./equation.js";
import { anyEquation } from "./group-equation.js";
import { type Element, renderXml } from "./xml.js";

const CONTINUOUS = { optype: "continuous", dataType: "double" };

/**
 * A model as PMML 4.4: a RegressionModel whose table has a NumericPredictor for a column or an expression of one, a
 * CategoricalPredictor for a level, and a PredictorTerm for an interaction. Expressions, powers and the indicators of
 * interactions are DerivedFields.
 *
 * Missing values and unseen levels are declared invalid (`returnInvalid`); the standard would else count a missing
 * level as the reference. A row outside what a fit of deficient rank determines has a missing predictor.
 *
 * @throws ModelError where a name or a level has a character that XML cannot hold, and for functions of dates: a field of
 * dates would have to be all in one form, of which PMML's consumers know different ones
 *
 * @example
 * ```js
 * import { fit, toPmml } from "goml";
 *
 * const model = fit([[1], [2], [4]], [1, 2, 3]);
 * console.log(toPmml(model).includes('<RegressionModel')); // true
 * ```
 */
export function toPmml(model: LinearModel | ModelGroup): string {
  const equation = anyEquation(model);
  const fields = new Fields(equation);
  const required = requiredColumns(equation);
  const predictors = [
    ...equation.blocks.flatMap((block) => predictorsOf(block, equation, fields)),
    ...equation.conditions.map((condition, c) => ({
      name: "NumericPredictor",
      attributes: {
        name: fields.ofCondition(condition, equation, c),
        exponent: 1,
        coefficient: 1,
      },
    })),
  ];
  const sorted = ["NumericPredictor", "CategoricalPredictor", "PredictorTerm"].flatMap((kind) =>
    predictors.filter(({ name }) => name === kind),
  );
  const { target } = fields;
  const document: Element = {
    name: "PMML",
    attributes: { xmlns: "http://www.dmg.org/PMML-4_4", version: "4.4" },
    children: [
      {
        name: "Header",
        attributes: { description: `Linear regression: ${equation.formula}` },
        children: [{ name: "Application", attributes: { name: "goml", version } }],
      },
      {
        name: "DataDictionary",
        attributes: { numberOfFields: fields.inputs.length + 1 },
        children: [...fields.inputs, { name: "DataField", attributes: { name: target, ...CONTINUOUS } }],
      },
      {
        name: "RegressionModel",
        attributes: { modelName: target, functionName: "regression", algorithmName: "least squares" },
        children: [
          {
            name: "MiningSchema",
            children: [
              ...fields.inputs.map(({ attributes }) => ({
                name: "MiningField",
                attributes: {
                  name: attributes!.name,
                  usageType: "active",
                  missingValueTreatment: required.has(String(attributes!.name)) ? "returnInvalid" : "asIs",
                  invalidValueTreatment: "returnInvalid",
                },
              })),
              { name: "MiningField", attributes: { name: target, usageType: "target" } },
            ],
          },
          {
            name: "Output",
            children: [
              {
                name: "OutputField",
                attributes: { name: fields.unique("prediction"), ...CONTINUOUS, feature: "predictedValue" },
              },
            ],
          },
          ...(fields.derived.length === 0
            ? []
            : [{ name: "LocalTransformations", children: fields.derived }]),
          { name: "RegressionTable", attributes: { intercept: equation.intercept }, children: sorted },
        ],
      },
    ],
  };
  const text = `<?xml version="1.0" encoding="UTF-8"?>\n${renderXml(document)}\n`;
  const forbidden = findForbidden(text);
  if (forbidden !== undefined)
    throw new ModelError(`a name or a level has the character ${forbidden}, which XML cannot hold`, {
      hint: "rename the column or the level, or export to json",
    });
  return text;
}

function predictorsOf(block: Block, { factors }: Equation, fields: Fields): Element[] {
  const numbers = block.powers.map((power) => fields.ofPower(power));
  return block.entries.map(({ codes, coefficient }) => {
    const [factor] = block.factors;
    if (numbers.length === 0 && codes.length === 1) {
      const { column, levels } = factors[factor!]!;
      return {
        name: "CategoricalPredictor",
        attributes: { name: column, value: levels[codes[0]!], coefficient },
      };
    }
    if (numbers.length === 1 && codes.length === 0)
      return { name: "NumericPredictor", attributes: { name: numbers[0], exponent: 1, coefficient } };
    const names = [...codes.map((code, i) => fields.ofLevel(factors[block.factors[i]!]!, code)), ...numbers];
    return {
      name: "PredictorTerm",
      attributes: { coefficient },
      children: names.map((field) => ({ name: "FieldRef", attributes: { field } })),
    };
  });
}

/** The fields of a document: the raw columns, and what is derived from them, each under a name of its own. */
class Fields {
  readonly inputs: Element[];
  readonly derived: Element[] = [];
  readonly target: string;
  readonly #names = new Set<string>();
  readonly #known = new Map<string, string>();
  readonly #categorical: Set<string>;

  constructor({ numeric, text, factors, target }: Equation) {
    this.#categorical = new Set(factors.map(({ column }) => column));
    for (const name of [...numeric, ...text]) this.#names.add(name);
    this.target = this.unique(target);
    const named = factors.find(({ by }) => by !== undefined);
    if (named !== undefined) throw ofDatesError(`${named.by}(${named.column})`, "PMML");
    this.inputs = [...numeric, ...text].map((name) => {
      const factor = factors.find(({ column }) => column === name);
      if (factor === undefined) {
        const type = text.includes(name) ? { optype: "categorical", dataType: "string" } : CONTINUOUS;
        return { name: "DataField", attributes: { name, ...type } };
      }
      return {
        name: "DataField",
        attributes: { name, optype: "categorical", dataType: factor.of === "text" ? "string" : "double" },
        children: factor.levels.map((value) => ({ name: "Value", attributes: { value } })),
      };
    });
  }

  /** The field of a number raised to a power. */
  ofPower({ expression, exponent }: Power): string {
    return exponent === 1
      ? this.#ofExpression(expression)
      : this.#ofExpression({ call: "^", args: [expression, { number: exponent }] });
  }

  /** The field that is 1 where a column has a level, else 0. */
  ofLevel({ column, levels }: Factor, code: number): string {
    const value = levels[code]!;
    return this.#derive(`${column}[${value}]`, {
      name: "NormDiscrete",
      attributes: { field: column, value },
    });
  }

  /** The field that is 0 where a condition holds, and else missing, which makes the prediction missing. */
  ofCondition({ constant: start, blocks, limit }: Condition, { factors }: Equation, c: number): string {
    let sum = constant(start);
    for (const block of blocks)
      for (const { codes, coefficient } of block.entries) {
        const names = [
          ...codes.map((code, i) => this.ofLevel(factors[block.factors[i]!]!, code)),
          ...block.powers.map((power) => this.ofPower(power)),
        ];
        const product = names.reduce<Element>(
          (all, field) => apply("*", all, { name: "FieldRef", attributes: { field } }),
          constant(coefficient),
        );
        sum = apply("+", sum, product);
      }
    const holds = apply("lessOrEqual", apply("abs", sum), constant(limit));
    return this.#derive(`condition ${c + 1}`, apply("if", holds, constant(0)));
  }

  /** A name that no other field has. */
  unique(name: string): string {
    let free = name;
    while (this.#names.has(free)) free += "_";
    this.#names.add(free);
    return free;
  }

  #ofExpression(expression: Expression): string {
    if ("column" in expression) {
      const { column } = expression;
      if (!this.#categorical.has(column)) return column;
      return this.#derive(`${column} as a number`, this.#apply(expression));
    }
    return this.#derive(describe(expression), this.#apply(expression));
  }

  #derive(description: string, child: Element): string {
    const key = JSON.stringify(child);
    let name = this.#known.get(key);
    if (name === undefined) {
      name = this.unique(description);
      this.#known.set(key, name);
      this.derived.push({ name: "DerivedField", attributes: { name, ...CONTINUOUS }, children: [child] });
    }
    return name;
  }

  #apply(expression: Expression): Element {
    if ("number" in expression) return constant(expression.number);
    if ("column" in expression) return { name: "FieldRef", attributes: { field: expression.column } };
    if ("among" in expression) {
      const text: Element = { name: "FieldRef", attributes: { field: expression.text } };
      const among = expression.among.map(
        (one): Element => ({ name: "Constant", attributes: { dataType: "string" }, children: [one] }),
      );
      const found = truth(apply("isIn", text, ...among));
      return expression.absent ? apply("if", apply("isMissing", text), constant(0), found) : found;
    }
    if (ofDates(expression)) throw ofDatesError(`${expression.call}(${expression.args[0].text})`, "PMML");
    const call = apply;
    const args = expression.args.map((argument) =>
      "column" in argument
        ? { name: "FieldRef", attributes: { field: this.#ofExpression(argument) } }
        : this.#apply(argument),
    );
    const [a, b, c] = args as [Element, Element, Element];
    switch (expression.call) {
      case "==":
      case "!=":
      case "<":
      case ">":
      case "<=":
      case ">=":
        return truth(call(COMPARISONS[expression.call], a, b));
      case "&":
      case "|":
        return truth(call(expression.call === "&" ? "and" : "or", isTrue(a), isTrue(b)));
      case "is.na":
        return truth(call("isMissing", a));
      case "!":
        return call("-", constant(1), a);
      case "ifelse":
        return call("if", isTrue(a), b, c);
      case "pmin":
        return call("if", call("lessOrEqual", a, b), a, b);
      case "pmax":
        return call("if", call("greaterOrEqual", a, b), a, b);
      case "-":
        return args.length === 1 ? call("-", constant(0), a) : call("-", a, b);
      case "+":
        return args.length === 1 ? a : call("+", a, b);
      case "^":
        return call("pow", a, b);
      case "log":
        return args.length === 1 ? call("ln", a) : call("/", call("ln", a), call("ln", b));
      case "log2":
        return call("/", call("ln", a), constant(Math.LN2));
      case "log1p":
        return call("ln1p", a);
      default:
        return call(expression.call, ...args);
    }
  }
}

const COMPARISONS = {
  "==": "equal",
  "!=": "notEqual",
  "<": "lessThan",
  ">": "greaterThan",
  "<=": "lessOrEqual",
  ">=": "greaterOrEqual",
} as const;

/** A condition as a number; missing where it is unknown. */
function truth(condition: Element): Element {
  return apply("if", condition, constant(1), constant(0));
}

function isTrue(value: Element): Element {
  return apply("equal", value, constant(1));
}

function apply(name: string, ...children: Element[]): Element {
  return { name: "Apply", attributes: { function: name }, children };
}

function constant(value: number): Element {
  return { name: "Constant", attributes: { dataType: "double" }, children: [String(value)] };
}

/** An expression as a name, much as R writes it. */
function describe(expression: Expression): string {
  if ("number" in expression) return String(expression.number);
  if ("column" in expression) return expression.column;
  if ("call" in expression && ofDates(expression)) return `${expression.call}(${expression.args[0].text})`;
  if ("among" in expression) return `${expression.text} in ${expression.among.join(", ")}`;
  const args = expression.args.map(describe);
  if (!/^(?:[-+*/^&|]|[<>]=?|[=!]=)$/.test(expression.call)) return `${expression.call}(${args.join(", ")})`;
  return args.length === 1 ? `(${expression.call}${args[0]})` : `(${args.join(` ${expression.call} `)})`;
}

/** The first character that XML 1.0 does not allow, as U+0001. */
function findForbidden(text: string): string | undefined {
  for (const character of text) {
    const code = character.codePointAt(0)!;
    const allowed =
      (code >= 0x20 && code <= 0xd7ff) ||
      (code >= 0xe000 && code <= 0xfffd) ||
      code >= 0x10000 ||
      code === 0x9 ||
      code === 0xa ||
      code === 0xd;
    if (!allowed) return `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
  }
  return undefined;
}
