import type { Expression, ModelSpec, Term, Variable } from "./spec-schema.js";

/** An arithmetic expression over columns of numbers, and functions of dates of columns of text. */
export type Arithmetic =
  | { number: number }
  | { column: string }
  | { text: string; among: string[]; absent?: true | undefined }
  | { call: DateNumber; args: { text: string }[] }
  | { call: FunctionName | OperatorName | LogicalName | ChoiceName; args: Arithmetic[] };

export type { Expression, ModelSpec, Term, Variable };

type CallName = Extract<Expression, { call: string }>["call"];

/** Arithmetic; `-` of one argument is the sign. */
export type OperatorName = Extract<CallName, "+" | "-" | "*" | "/" | "^">;

/** The functions of one argument, and `log` of one or two (the base). */
export type FunctionName = Exclude<CallName, OperatorName | DateNumber | LogicalName | ChoiceName>;

/** Conditions, which are 1 or 0. */
export type LogicalName = Extract<
  CallName,
  "==" | "!=" | "<" | ">" | "<=" | ">=" | "&" | "|" | "!" | "is.na"
>;

/** Choices among values of a row. */
export type ChoiceName = Extract<CallName, "ifelse" | "pmin" | "pmax">;

/** Days since 1970-01-01, as R counts them; the year; the hour, as it is written. */
export type DateNumber = Extract<CallName, "as.Date" | "year" | "hour">;

/** The names of days and months, in English. */
export type DateFactor = NonNullable<Extract<Variable, { kind: "factor" }>["by"]>;

/** What is fitted: the target, less its offset where it has one. */
export function fittedTarget({ expression, offset }: ModelSpec["target"]): Expression {
  return offset === undefined ? expression : { call: "-", args: [expression, offset.expression] };
}

/** A target that nothing is read for but its offset, which predictions have. */
export function predictedTarget({ offset }: ModelSpec["target"]): ModelSpec["target"] {
  return { label: "", expression: { number: 0 }, ...(offset === undefined ? {} : { offset }) };
}

/** The columns without which an expression has no value: a condition, or a choice, may have one where a cell is missing. */
export function strictColumns(expression: Expression): string[] {
  if ("column" in expression) return [expression.column];
  if ("among" in expression) return expression.absent ? [] : [expression.text];
  if (!("call" in expression)) return [];
  if (ofDates(expression)) return [expression.args[0].text];
  const { call, args } = expression;
  if (call === "is.na" || call === "&" || call === "|") return [];
  return (call === "ifelse" ? args.slice(0, 1) : args).flatMap(strictColumns);
}

/** The columns that an expression reads, each once, in order. */
export function columnsOf(expression: Expression): string[] {
  if ("column" in expression) return [expression.column];
  return "call" in expression && !ofDates(expression) ? [...new Set(expression.args.flatMap(columnsOf))] : [];
}

/** The columns of text that an expression reads; with `dates` only those whose dates it does. */
export function textsOf(expression: Expression, dates = false): string[] {
  if ("among" in expression) return dates ? [] : [expression.text];
  if (!("call" in expression)) return [];
  return ofDates(expression)
    ? [expression.args[0].text]
    : expression.args.flatMap((argument) => textsOf(argument, dates));
}

/** The expressions that a variable's columns are made of; none for a factor. */
export function expressionsOf(variable: Variable): readonly Expression[] {
  if (variable.kind === "factor") return [];
  return variable.kind === "basis" ? variable.columns.map((one) => one.expression) : [variable.expression];
}

/** How many columns of numbers a variable has: none for a factor. */
export function numbersOf(variable: Variable): number {
  switch (variable.kind) {
    case "factor":
      return 0;
    case "numeric":
      return 1;
    case "polynomial":
      return variable.degree;
    case "basis":
      return variable.columns.length;
  }
}

/** Whether a call is one of a column of dates. */
export function ofDates(
  expression: Extract<Expression, { call: string }>,
): expression is Extract<Expression, { call: DateNumber }> {
  const [first] = expression.args;
  return first !== undefined && "text" in first && !("among" in first);
}

/** Whether a spec's target or one of its terms is made of dates. */
export function hasDates({ target, variables }: Pick<ModelSpec, "target" | "variables">): boolean {
  return (
    textsOf(fittedTarget(target), true).length > 0 ||
    variables.some((variable) =>
      variable.kind === "factor"
        ? variable.by !== undefined
        : expressionsOf(variable).some((one) => textsOf(one, true).length > 0),
    )
  );
}

/** Whether a factor of a spec has levels, a first level, a contrast or a key that its formula or a choice gave it. */
export function isCoded({ variables }: Pick<ModelSpec, "variables">): boolean {
  return variables.some(
    (variable) =>
      variable.kind === "factor" &&
      (variable.levels ?? variable.first ?? variable.contrast ?? variable.key) !== undefined,
  );
}

/** Which columns of a model other rows give. */
export type Lags = NonNullable<ModelSpec["lags"]>;

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
  const { absorbed = [], targets = [] } = parts;
  // Plain arrays: there may be a million variables.
  const used = new Uint8Array(parts.variables.length);
  for (const term of parts.terms) for (const v of term.variables) used[v] = 1;
  for (const v of [...absorbed, ...targets]) used[v] = 1;
  const position = new Int32Array(used.length);
  for (let v = 1; v < used.length; v++) position[v] = position[v - 1]! + used[v - 1]!;
  const variables = parts.variables.filter((_, v) => used[v] === 1);
  const all = variables.length === used.length;
  const terms = all
    ? parts.terms
    : parts.terms.map(({ label, variables: old }) => ({ label, variables: old.map((v) => position[v]!) }));
  const numeric = new Set(columnsOf(fittedTarget(parts.target)));
  const text = new Set<string>(textsOf(fittedTarget(parts.target)));
  for (const variable of variables) {
    if (variable.kind === "factor") (variable.of === "text" ? text : numeric).add(variable.column);
    else
      for (const expression of expressionsOf(variable)) {
        for (const column of columnsOf(expression)) numeric.add(column);
        for (const column of textsOf(expression)) text.add(column);
      }
  }
  const { lags, ...others } = parts;
  const lagged = lags?.columns.filter(({ name }) => numeric.has(name)) ?? [];
  return {
    ...others,
    ...(lags === undefined || lagged.length === 0 ? {} : { lags: { ...lags, columns: lagged } }),
    variables,
    terms,
    ...(absorbed.length === 0 ? {} : { absorbed: absorbed.map((v) => position[v]!) }),
    ...(targets.length === 0 ? {} : { targets: targets.map((v) => position[v]!) }),
    numeric: [...numeric],
    text: [...text],
  };
}

/**
 * The spec without the terms that are only instruments: that of the equation whose coefficients are wanted, and of what
 * predicts.
 */
export function structuralSpec(spec: ModelSpec): ModelSpec {
  const { instruments, ...rest } = spec;
  if (instruments === undefined) return spec;
  return completeSpec({ ...rest, terms: rest.terms.filter((_, t) => !instruments.excluded.includes(t)) });
}
