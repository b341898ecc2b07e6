import { PowerSums } from "../../stats/power-sums.js";
import { type ColumnSummary, quantile, type SummaryRequest } from "./column-summary.js";
import { constants } from "./expression.js";
import { formulaError } from "./formula-error.js";
import { polynomialColumns } from "./polynomial-basis.js";
import { type Expression, expressionsOf, type Variable } from "./spec.js";
import { HIGHEST_DEGREE } from "./spec-schema.js";
import { bSplineColumns, type Knots, naturalSplineColumns } from "./spline-basis.js";
import { deparse, type Syntax } from "./syntax.js";

type Call = Syntax & { type: "call" };

/** What a call that depends on the data is read with. */
export interface DataContext {
  /** The formula, for messages. */
  text: string;
  /** The argument as an expression. */
  arithmetic(node: Syntax): Expression;
  /** What is known of a column. */
  summary(request: Omit<SummaryRequest, "label">, node: Call): ColumnSummary;
}

/** Orthogonal polynomials beyond this need more digits than double-double has. */
const MOST_ORTHOGONAL = 20;
/** More columns than this are a mistake. */
const MOST_KNOTS = 1000;

/** What stands for a summary that is asked for and not there yet: no column is computed from it. */
export function unknownSummary({ powers }: Pick<SummaryRequest, "powers">): ColumnSummary {
  const sums = new PowerSums(powers);
  for (let x = 0; x <= powers + 1; x++) sums.add(x);
  return { sums, values: Float64Array.of(0, 1), unknown: true };
}

/** `(x − mean)/deviation`, either of which can be left out or given, as R's `scale` has it. */
export function scaled(node: Call, context: DataContext): Expression {
  const args = matched(node, ["x", "center", "scale"], context);
  const x = context.arithmetic(args.x!);
  const choice = (name: "center" | "scale"): boolean | number => {
    const value = args[name];
    if (value === undefined) return true;
    if (value.type === "logical") return value.value;
    const [number, ...more] = constants(value) ?? [];
    if (number !== undefined && more.length === 0) return number;
    throw formulaError(context.text, value.at, `${name} should be TRUE, FALSE or a number`);
  };
  const [center, scale] = [choice("center"), choice("scale")];
  const summary =
    center === true || scale === true
      ? context.summary({ expression: x, powers: 2, values: false }, node)
      : undefined;
  const mean = summary === undefined ? 0 : summary.sums.about(0)[1]!.hi / summary.sums.n;
  const shift = center === true ? mean : center === false ? 0 : center;
  let divisor = typeof scale === "number" ? scale : 1;
  if (scale === true) {
    // Without the mean R divides by the root mean square.
    const squares = summary!.sums.about(shift)[2]!.hi;
    divisor = Math.sqrt(squares / Math.max(1, summary!.sums.n - 1));
  }
  if (!(divisor > 0))
    throw formulaError(context.text, node.at, `${deparse(args.x!)} has one value only, and no deviation`);
  const centred: Expression = center === false ? x : { call: "-", args: [x, { number: shift }] };
  return scale === false ? centred : { call: "/", args: [centred, { number: divisor }] };
}

/** `poly(x, degree)`; with `raw = TRUE` the powers themselves. */
export function polynomial(node: Call, label: string, context: DataContext): Variable {
  const args = matched(node, ["x", "degree", "raw"], context);
  const { raw } = args;
  // R takes what has no name and is no degree for further columns, of polynomials of several.
  const unnamed = node.args.filter(({ name }) => name === undefined).length;
  const named = node.args.filter(({ name }) => name === "x" || name === "degree").length;
  if (unnamed + named > 2)
    throw formulaError(context.text, node.at, "poly() takes one column and a degree", "poly(x, 3)");
  const isRaw = raw?.type === "logical" ? raw.value : raw?.type === "name" && raw.name === "T";
  const most = isRaw ? HIGHEST_DEGREE : MOST_ORTHOGONAL;
  const { degree = { type: "number", value: 1, integer: false, at: node.at } } = args;
  if (degree.type !== "number" || !Number.isInteger(degree.value) || degree.value < 1 || degree.value > most)
    throw formulaError(
      context.text,
      degree.at,
      `the degree of poly() must be a whole number from 1 to ${most}`,
      "poly(x, 3)",
    );
  const expression = context.arithmetic(args.x!);
  if (isRaw) return { kind: "polynomial", label, expression, degree: degree.value };
  const { sums, unknown } = context.summary({ expression, powers: 2 * degree.value, values: false }, node);
  if (unknown) return basis(label, Array(degree.value).fill(expression));
  const columns = polynomialColumns(expression, sums, degree.value);
  if (columns === undefined)
    throw formulaError(
      context.text,
      node.at,
      `${deparse(args.x!)} has too few different values for a polynomial of degree ${degree.value}`,
      "The degree must be less than their number.",
    );
  return basis(label, columns);
}

/** `ns(x, df)` or `bs(x, df)`, or with `knots`; the boundary is the data's range unless it is given. */
export function spline(node: Call, label: string, context: DataContext): Variable {
  const natural = node.name === "ns";
  const args = matched(
    node,
    natural
      ? ["x", "df", "knots", "intercept", "Boundary.knots"]
      : ["x", "df", "knots", "degree", "intercept", "Boundary.knots"],
    context,
  );
  const error = (at: Syntax, message: string, hint?: string) =>
    formulaError(context.text, at.at, message, hint);
  const whole = (value: Syntax | undefined, name: string, least: number) => {
    if (value === undefined) return undefined;
    if (
      value.type === "number" &&
      Number.isInteger(value.value) &&
      value.value >= least &&
      value.value < MOST_KNOTS
    )
      return value.value;
    throw error(value, `${name} should be a whole number from ${least} on`);
  };
  const df = whole(args.df, "df", 1);
  const degree = natural ? 3 : (whole(args.degree, "degree", 1) ?? 3);
  const { intercept: asked } = args;
  if (asked !== undefined && asked.type !== "logical")
    throw error(asked, "intercept should be TRUE or FALSE");
  const intercept = asked?.type === "logical" && asked.value;
  const list = (value: Syntax | undefined, name: string) => {
    if (value === undefined) return undefined;
    const numbers = constants(value);
    if (numbers?.every(Number.isFinite)) return numbers.sort((a, b) => a - b);
    throw error(value, `${name} should be numbers, as in c(10, 20)`);
  };
  const given = list(args.knots, "knots");
  const bounds = list(args["Boundary.knots"], "Boundary.knots");
  if (bounds !== undefined && (bounds.length !== 2 || bounds[0] === bounds[1]))
    throw error(args["Boundary.knots"]!, "Boundary.knots should be two different numbers");
  // Of what R takes for the number of inner knots, that of natural splines has two conditions less.
  const count = given?.length ?? (df === undefined ? 0 : df - (natural ? 1 : degree) - (intercept ? 1 : 0));
  if (count < 0) throw error(args.df!, `df is too small: it should be ${df! - count} or more`);
  const x = context.arithmetic(args.x!);
  const values = given === undefined && count > 0;
  const summary =
    values || bounds === undefined ? context.summary({ expression: x, powers: 0, values }, node) : undefined;
  // As many columns as there will be.
  if (summary?.unknown)
    return basis(label, Array(count + (natural ? 1 : degree) + (intercept ? 1 : 0)).fill(x));
  const [low, high] = (bounds ?? [summary!.sums.least, summary!.sums.most]) as [number, number];
  if (!(high > low)) throw error(node, `${deparse(args.x!)} has one value only`);
  let inner = given ?? [];
  if (values) {
    const within =
      bounds === undefined ? summary!.values : summary!.values.filter((v) => v >= low && v <= high);
    inner = Array.from({ length: count }, (_, i) => quantile(within, (i + 1) / (count + 1)));
  }
  if (inner.some((knot) => knot <= low || knot >= high))
    throw error(
      args.knots ?? node,
      given === undefined
        ? `so many quantiles of ${deparse(args.x!)} are its least or greatest value`
        : `knots should lie within ${low} and ${high}`,
      given === undefined ? "Give knots, or a smaller df." : undefined,
    );
  const knots: Knots = { inner, boundary: [low, high] };
  return basis(
    label,
    natural ? naturalSplineColumns(x, knots, intercept) : bSplineColumns(x, knots, degree, intercept),
  );
}

/** A matrix of several columns numbers them behind the label, as R does. */
function basis(label: string, columns: readonly Expression[]): Variable {
  return {
    kind: "basis",
    label,
    columns: columns.map((expression, k) => ({
      name: columns.length === 1 ? "" : String(k + 1),
      expression,
    })),
  };
}

/** A call's arguments by name, matched as R matches them; the first there has to be. */
function matched(
  node: Call,
  names: readonly string[],
  { text }: DataContext,
): Partial<Record<string, Syntax>> {
  const found: Partial<Record<string, Syntax>> = {};
  for (const { name, value } of node.args)
    if (name !== undefined) {
      if (!names.includes(name))
        throw formulaError(
          text,
          value.at,
          `${node.name}() has no argument ${name} here`,
          `Its arguments: ${names.join(", ")}.`,
        );
      if (found[name] !== undefined) throw formulaError(text, value.at, `${node.name}() has ${name} twice`);
      found[name] = value;
    }
  const left = names.filter((name) => found[name] === undefined);
  const unnamed = node.args.filter(({ name }) => name === undefined);
  if (unnamed.length > left.length || (found[names[0]!] === undefined && unnamed.length === 0))
    throw formulaError(text, node.at, `${node.name}() takes ${names.join(", ")}`);
  unnamed.forEach(({ value }, i) => {
    found[left[i]!] = value;
  });
  return found;
}

/**
 * Whether two variables of one label are the same columns. What depends on the data may not be: the same call on other data has
 * other knots, or is centred elsewhere.
 */
export function sameColumns(a: Variable, b: Variable): boolean {
  return JSON.stringify(expressionsOf(a)) === JSON.stringify(expressionsOf(b));
}
