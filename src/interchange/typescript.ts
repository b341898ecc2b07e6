import { type DateFactor, type DateNumber, type Expression, ofDates } from "../dataset/formula/spec.js";
import type { LinearModel } from "../linear/model/model.js";
import type { ModelGroup } from "../linear/model/model-group.js";
import { version } from "../version.js";
import { DATE_FUNCTIONS, dateScript } from "./date-script.js";
import type { Block, Equation, Power } from "./equation.js";
import { anyEquation } from "./group-equation.js";
import { decimal, inComment, levelNumber, scriptKey, scriptString } from "./quote.js";

/**
 * A model as TypeScript source without dependencies: an interface `Row` and a function `predict(row)`.
 *
 * It gives NaN for a row in which a number is missing or a level was not in the training data.
 *
 * @example
 * ```js
 * import { fit, toTypeScript } from "goml";
 *
 * const model = fit([[1], [2], [3]], [3, 5, 7], { terms: ["rooms"] });
 * console.log(toTypeScript(model).includes("export function predict(row: Row): number")); // true
 * ```
 */
export function toTypeScript(model: LinearModel | ModelGroup): string {
  const equation = anyEquation(model);
  const { numeric, text, factors, blocks, conditions, intercept } = equation;
  const names = new Names(equation);
  const tables: string[] = factors.map(({ levels, of }, f) => {
    const type = of === "text" ? "string" : "number";
    const pairs = levels.map(
      (level, code) => `[${of === "text" ? scriptString(level) : decimal(levelNumber(level))}, ${code}]`,
    );
    return `const levels${f} = new Map<${type}, number>([${pairs.join(", ")}]);`;
  });
  const productOf = (block: Block, name: string): string => {
    const product = block.powers.map((power) => names.power(power));
    if (block.factors.length === 0) product.push(decimal(block.entries[0]!.coefficient));
    else {
      const { table, index } = coefficientTable(block, equation);
      tables.push(`const ${name}: readonly number[] = [${table.map(decimal).join(", ")}];`);
      product.push(`${name}[${index}]!`);
    }
    return product.join(" * ");
  };
  const sums = blocks.map(
    (block, b) => `y += ${productOf(block, `coefficients${b}`)}; // ${inComment(block.term)}`,
  );
  const checks = conditions.map(({ constant, blocks: own, limit }, c) => {
    const sum = [decimal(constant), ...own.map((block, b) => productOf(block, `condition${c}_${b}`))];
    return `if (Math.abs(${sum.join(" + ")}) > ${decimal(limit)}) return NaN;`;
  });
  const fields = [
    ...numeric.map((name) => `  ${scriptKey(name)}: number | null | undefined;`),
    ...text.map(
      (name) =>
        `  ${scriptKey(name)}: string |${names.dates.includes(name) ? " Date |" : ""} null | undefined;`,
    ),
  ];
  const body = [
    ...numeric.map((name, i) => `const x${i} = number(row[${scriptString(name)}]);`),
    ...names.dates.map((column, d) => `const d${d} = dateOf(row[${scriptString(column)}]);`),
    ...factors.map(({ column, of, by }, f) => {
      if (by !== undefined)
        return `const level${f} = levels${f}.get(${by}(d${names.dates.indexOf(column)})) ?? -1;`;
      const value = of === "text" ? `row[${scriptString(column)}] ?? ""` : `x${numeric.indexOf(column)}`;
      return `const level${f} = levels${f}.get(${value}) ?? -1;`;
    }),
    ...(factors.length === 0
      ? []
      : [`if (${factors.map((_, f) => `level${f} < 0`).join(" || ")}) return NaN;`]),
    ...names.definitions,
    ...(checks.length === 0
      ? []
      : [
          "// Outside what the training data determine: terms that depended on others there do not here.",
          ...checks,
        ]),
    `let y = ${decimal(intercept)};`,
    ...sums,
    "return y - y === 0 ? y : NaN;",
  ];
  return `${[
    `// Predicts ${inComment(equation.target)}: ${inComment(equation.formula)}`,
    `// Written by goml ${version}; no dependencies.`,
    "",
    "/** The columns that the model reads. */",
    fields.length === 0 ? "export type Row = object;" : `export interface Row {\n${fields.join("\n")}\n}`,
    "",
    ...tables,
    ...(tables.length === 0 ? [] : [""]),
    ...(numeric.length === 0
      ? []
      : [
          "function number(value: unknown): number {",
          '  return typeof value === "number" ? value : NaN;',
          "}",
          "",
        ]),
    ...(names.dates.length === 0 ? [] : [dateScript(names.calls), ""]),
    "/** The prediction for a row; NaN where a value is missing or a level was not in the training data. */",
    `export function predict(${fields.length === 0 ? "_row" : "row"}: Row): number {`,
    ...body.map((line) => `  ${line}`),
    "}",
  ].join("\n")}\n`;
}

/** Gives each distinct expression of an equation a constant of its own. */
class Names {
  readonly definitions: string[] = [];
  /** The columns of dates, and the functions of them. */
  readonly dates: string[];
  readonly calls: Set<DateNumber | DateFactor>;
  readonly #columns: readonly string[];
  readonly #known = new Map<string, string>();

  constructor({ numeric, factors, blocks }: Equation) {
    this.#columns = numeric;
    const named = factors.filter(({ by }) => by !== undefined);
    this.dates = [...new Set(named.map(({ column }) => column))];
    this.calls = new Set(named.map(({ by }) => by!));
    for (const { powers } of blocks) for (const power of powers) this.power(power);
  }

  power({ expression, exponent }: Power): string {
    const base = this.#base(expression);
    return exponent === 1 ? base : `Math.pow(${base}, ${exponent})`;
  }

  #base(expression: Expression): string {
    if ("column" in expression) return this.#source(expression);
    const source = this.#source(expression);
    let name = this.#known.get(source);
    if (name === undefined) {
      name = `v${this.#known.size}`;
      this.#known.set(source, name);
      this.definitions.push(`const ${name} = ${source};`);
    }
    return name;
  }

  #source(expression: Expression): string {
    if ("number" in expression) return decimal(expression.number);
    if ("column" in expression) return `x${this.#columns.indexOf(expression.column)}`;
    if ("among" in expression) {
      const { text, among, absent } = expression;
      const value = `row[${scriptString(text)}]`;
      const found = `${scriptList(among)}.includes(String(${value} ?? ""))`;
      return absent ? `(${found} ? 1 : 0)` : `((${value} ?? "") === "" ? NaN : ${found} ? 1 : 0)`;
    }
    if (ofDates(expression)) {
      const [{ text }] = expression.args;
      if (!this.dates.includes(text)) this.dates.push(text);
      this.calls.add(expression.call);
      return `${DATE_FUNCTIONS[expression.call]}(d${this.dates.indexOf(text)})`;
    }
    const { call } = expression;
    const [first, second, third] = expression.args.map((argument) => this.#source(argument));
    if (call === "^") return `Math.pow(${first}, ${second})`;
    if (/^[-+*/]$/.test(call))
      return second === undefined ? `(${call} ${first})` : `(${first} ${call} ${second})`;
    switch (call) {
      case "==":
      case "!=":
      case "<":
      case ">":
      case "<=":
      case ">=": {
        const compared = call === "==" || call === "!=" ? `${call}=` : call;
        return `(Number.isNaN(${first}) || Number.isNaN(${second}) ? NaN : ${first} ${compared} ${second} ? 1 : 0)`;
      }
      case "&":
        return `(${first} === 0 || ${second} === 0 ? 0 : ${first} * ${second})`;
      case "|":
        return `(${first} === 1 || ${second} === 1 ? 1 : ${first} + ${second})`;
      case "!":
        return `(1 - ${first})`;
      case "is.na":
        return `(Number.isNaN(${first}) ? 1 : 0)`;
      case "ifelse":
        return `(${first} === 1 ? ${second} : ${first} === 0 ? ${third} : NaN)`;
      case "pmin":
      case "pmax":
        return `Math.${call.slice(1)}(${first}, ${second})`;
    }
    if (call === "log" && second !== undefined) {
      const base = expression.args[1]!;
      if ("number" in base && (base.number === 2 || base.number === 10))
        return `Math.log${base.number}(${first})`;
      return `(Math.log(${first}) / Math.log(${second}))`;
    }
    return `Math.${call}(${first})`;
  }
}

function scriptList(texts: readonly string[]): string {
  return `[${texts.map(scriptString).join(", ")}]`;
}

/** The coefficients of a block by levels, the last factor's code varying fastest, and the index into them. */
function coefficientTable(block: Block, { factors }: Equation): { table: number[]; index: string } {
  const sizes = block.factors.map((f) => factors[f]!.levels.length);
  const table = new Array<number>(sizes.reduce((a, b) => a * b, 1)).fill(0);
  for (const { codes, coefficient } of block.entries)
    table[codes.reduce((at, code, i) => at * sizes[i]! + code, 0)] = coefficient;
  const index = block.factors
    .map((f) => `level${f}`)
    .reduce((at, level, i) => `${i === 1 ? at : `(${at})`} * ${sizes[i]} + ${level}`);
  return { table, index };
}
