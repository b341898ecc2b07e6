import type { UsageError } from "../../errors.js";
import { option, type Wording, wording } from "../../wording.js";
import type { Column } from "../schema.js";
import { constants } from "./expression.js";
import { formulaError } from "./formula-error.js";
import type { Expression, Lags, Variable } from "./spec.js";
import { deparse, type Syntax } from "./syntax.js";

type Call = Syntax & { type: "call" };

/** Where functions of other rows look for these. */
export interface LagContext {
  /** The column of time; without it there are none. */
  time?: string | undefined;
  /** The column that says to which series a row belongs; without it all rows are one. */
  unit?: string | undefined;
  /** What counts as 1 between dates, where it is known. */
  step?: Lags["step"];
  /** The columns that a model has: there are no others then. */
  columns?: Lags["columns"] | undefined;
}

/** More lags at once than this are a mistake. */
const MOST_LAGS = 1000;

/**
 * The columns of a formula that other rows give: `lag(x, k)` is x in the row of the same unit whose time is k earlier, `lead(x, k)`
 * in that k later, `diff(x, k)` is x − lag(x, k). As plm and fixest have it, time counts and not the order of rows: where
 * there is no row of that time, there is no value.
 */
export class LaggedColumns {
  readonly #text: string;
  readonly #context: LagContext;
  readonly #columns: ReadonlyMap<string, Column>;
  readonly #arithmetic: (node: Syntax, options: { within: boolean }) => Expression;
  readonly #found = new Map<string, Lags["columns"][number]>();

  /**
   * @param text the formula, for messages
   * @param columns the table's
   * @param arithmetic reads an expression of a row's own columns
   */
  constructor(
    text: string,
    context: LagContext | undefined,
    columns: ReadonlyMap<string, Column>,
    arithmetic: (node: Syntax, options: { within: boolean }) => Expression,
  ) {
    this.#text = text;
    this.#context = context ?? {};
    this.#columns = columns;
    this.#arithmetic = arithmetic;
  }

  /** What a spec says of them: nothing where there are none. */
  ofSpec(): { lags?: Lags } {
    const { time, unit, step } = this.#context;
    if (this.#found.size === 0) return {};
    return {
      lags: {
        time: time!,
        ...(unit === undefined ? {} : { unit }),
        ...(step === undefined ? {} : { step }),
        columns: [...this.#found.values()],
      },
    };
  }

  /** One such call within arithmetic. */
  expression(node: Call): Expression {
    const { x, lags } = this.#read(node);
    if (lags.length > 1)
      throw this.#error(node, `${node.name}() of several lags stands alone`, "As in y ~ lag(x, 1:3).");
    return this.#one(node, x, lags[0]!);
  }

  /** A call as a variable of its own: several columns where it is of several lags, `lag(x, 1:3)`. */
  variable(node: Call, label: string): Variable {
    const { x, lags } = this.#read(node);
    const expressions = lags.map((lag) => this.#one(node, x, lag));
    if (lags.length === 1) return { kind: "numeric", label, expression: expressions[0]! };
    return {
      kind: "basis",
      label,
      columns: expressions.map((expression, i) => ({ name: String(lags[i]), expression })),
    };
  }

  #one({ name }: Call, x: Syntax, lag: number): Expression {
    const column = this.#column(x, name === "lead" ? -lag : lag);
    return name === "diff" ? { call: "-", args: [this.#own(x), column] } : column;
  }

  #own(x: Syntax): Expression {
    return this.#arithmetic(x, { within: true });
  }

  /** What the row `by` earlier has of x. */
  #column(x: Syntax, by: number): Expression {
    if (by === 0) return this.#own(x);
    const inner = deparse(x);
    const name = by > 0 ? `lag(${inner}, ${by})` : `lead(${inner}, ${-by})`;
    const { columns: known, time } = this.#context;
    const given = known?.find((column) => column.name === name);
    if (known !== undefined && given === undefined)
      throw this.#error(
        x,
        `the model has no ${name}`,
        known.length === 0
          ? "It was trained without lags."
          : `It has ${known.map((one) => one.name).join(", ")}.`,
      );
    if (time === undefined)
      throw this.#error(
        x,
        `${by > 0 ? "lag" : "lead"}() needs the column of time`,
        wording`Name it with ${option("time")}, and with ${option("unit")} the column of the series, where there are several.`,
      );
    if (given === undefined && this.#columns.has(name))
      throw this.#error(
        x,
        `the data have a column that is called ${name}`,
        `As a term it is written in backticks: \`${name}\`.`,
      );
    const column = given ?? { name, expression: this.#own(x), by };
    this.#found.set(name, column);
    return { column: name };
  }

  /** The arguments, matched as R matches them: x, and k, which is 1 unless it is given. */
  #read(node: Call): { x: Syntax; lags: number[] } {
    const { name, args } = node;
    const second = name === "diff" ? "lag" : name === "lead" ? "n" : "k";
    const foreign = args.find((one) => one.name !== undefined && !["x", "k", "n", "lag"].includes(one.name));
    if (foreign !== undefined)
      throw this.#error(
        foreign.value,
        `${name}() has no argument ${foreign.name} here`,
        `Its arguments: x, ${second}.`,
      );
    const unnamed = args.filter((one) => one.name === undefined);
    const x = args.find((one) => one.name === "x") ?? unnamed.shift();
    const k = args.find((one) => one.name !== undefined && one.name !== "x") ?? unnamed.shift();
    if (x === undefined || unnamed.length > 0 || args.length > 2)
      throw this.#error(node, `${name}() takes a column and a number of times`, `As in ${name}(x, 1).`);
    const lags = k === undefined ? [1] : constants(k.value);
    const least = name === "diff" ? 1 : Number.MIN_SAFE_INTEGER;
    if (
      lags === undefined ||
      lags.length === 0 ||
      lags.length > MOST_LAGS ||
      !lags.every((lag) => Number.isSafeInteger(lag) && lag >= least)
    )
      throw this.#error(
        k!.value,
        `the ${name === "lead" ? "leads" : "lags"} of ${name}() should be whole numbers${name === "diff" ? " from 1 on" : ""}`,
        `As in ${name}(x, 2) or ${name}(x, 1:3).`,
      );
    if (new Set(lags).size < lags.length) throw this.#error(k!.value, `${name}() has a lag twice`);
    return { x: x.value, lags };
  }

  #error(node: Syntax, message: string, hint?: Wording): UsageError {
    return formulaError(this.#text, node.at, message, hint);
  }
}
