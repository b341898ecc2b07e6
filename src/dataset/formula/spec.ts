/** An arithmetic expression over columns: plain data, so that it can stand in a model file. */
export type Expression =
  | { number: number }
  | { column: string }
  | { call: FunctionName | OperatorName; args: Expression[] };

/** Arithmetic; `-` of one argument is the sign, `(` is nothing but keeps the shape. */
export type OperatorName = "+" | "-" | "*" | "/" | "^";

/** The functions of one argument, and `log` of one or two (the base). */
export type FunctionName = "log" | "log2" | "log10" | "log1p" | "exp" | "sqrt" | "abs";

/** What one factor of a term stands for; `label` is what R prints. */
export type Variable =
  | { kind: "numeric"; label: string; expression: Expression }
  /** The powers 1 to `degree` of the expression: `poly(x, degree, raw = TRUE)`. */
  | { kind: "polynomial"; label: string; expression: Expression; degree: number }
  /** A factor: the texts of a text column, or the distinct numbers of a numeric one. */
  | { kind: "factor"; label: string; column: string; of: "text" | "numbers" };

/** A term of the model: the product of some of the spec's variables, by index, ascending. */
export interface Term {
  label: string;
  variables: number[];
}

/**
 * What a model is made of, resolved against the columns of a table: plain JSON, and all that is needed to turn raw
 * columns into the design's.
 */
export interface ModelSpec {
  /** The formula as it was given, or one that would give the same. */
  formula: string;
  target: { label: string; expression: Expression };
  intercept: boolean;
  variables: Variable[];
  /** By degree, main effects first, as R orders them. */
  terms: Term[];
  /** The raw columns to read as numbers, the target's among them. */
  numeric: string[];
  /** The raw columns to read as text. */
  text: string[];
}

/** The columns that an expression reads, each once, in order. */
function columnsOf(expression: Expression): string[] {
  if ("column" in expression) return [expression.column];
  return "call" in expression ? [...new Set(expression.args.flatMap(columnsOf))] : [];
}

/** The raw columns of a spec by what they are: its target, where that is a column as it stands, numbers, factors. */
export function rawSlots({ target, numeric, text }: ModelSpec): {
  target: string | undefined;
  numeric: readonly string[];
  factors: readonly string[];
} {
  const { expression } = target;
  if (!("column" in expression)) return { target: undefined, numeric, factors: text };
  return { target: expression.column, numeric: numeric.slice(1), factors: text };
}

/** A spec with the raw columns that its target and terms read, and without the variables that no term uses. */
export function completeSpec(parts: Omit<ModelSpec, "numeric" | "text">): ModelSpec {
  const used = new Set(parts.terms.flatMap((term) => term.variables));
  const kept = parts.variables.map((_, i) => i).filter((i) => used.has(i));
  const position = new Map(kept.map((old, i) => [old, i]));
  const variables = kept.map((i) => parts.variables[i]!);
  const terms = parts.terms.map(({ label, variables: old }) => ({
    label,
    variables: old.map((i) => position.get(i)!),
  }));
  const numeric = new Set(columnsOf(parts.target.expression));
  const text = new Set<string>();
  for (const variable of variables) {
    if (variable.kind === "factor") (variable.of === "text" ? text : numeric).add(variable.column);
    else for (const column of columnsOf(variable.expression)) numeric.add(column);
  }
  return { ...parts, variables, terms, numeric: [...numeric], text: [...text] };
}
