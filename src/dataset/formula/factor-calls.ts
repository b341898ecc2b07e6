import { constantNumbers, constantVector } from "./constants.js";
import { formulaError } from "./formula-error.js";
import type { Contrast, Variable } from "./spec-schema.js";
import { type Argument, deparseNumber, type Syntax } from "./syntax.js";

type Call = Syntax & { type: "call" };
export type Factor = Variable & { kind: "factor" };

/** Functions that make a factor, or another of one. */
export const FACTOR_CALLS: ReadonlySet<string> = new Set(["factor", "as.factor", "ordered", "C", "relevel"]);

const PARAMETERS: Record<string, readonly string[]> = {
  factor: ["x", "levels", "labels", "ordered"],
  ordered: ["x", "levels", "labels"],
  "as.factor": ["x"],
  relevel: ["x", "ref"],
  C: ["object", "contr", "how.many", "base"],
};

const TYPES: ReadonlySet<string> = new Set(["treatment", "SAS", "sum", "helmert", "poly"]);

/**
 * The factor that a call of R's `factor`, `ordered`, `relevel` or `C` makes: of a column, or of another such call.
 *
 * @param inner the factor that the first argument is
 * @throws UsageError that shows the place
 */
export function factorOfCall(
  node: Call,
  text: string,
  label: string,
  inner: (node: Syntax) => Factor,
): Factor {
  const args = matched(node, text);
  const [first] = PARAMETERS[node.name]!;
  const object = args.get(first!);
  if (object === undefined)
    throw formulaError(text, node.at, `${node.name}() takes one column`, EXAMPLES[node.name]);
  const factor = { ...inner(object), label };
  switch (node.name) {
    case "relevel": {
      const ref = args.get("ref");
      if (ref === undefined)
        throw formulaError(text, node.at, "relevel() needs ref, a level", EXAMPLES.relevel);
      const [level, ...more] = constantVector(ref, text);
      if (typeof level !== "string" || more.length > 0)
        throw formulaError(text, ref.at, "ref is a level, as a text", EXAMPLES.relevel);
      return { ...factor, first: level };
    }
    case "C":
      return withContrast(factor, args, text);
    default:
      return withLevels(factor, args, text, node);
  }
}

const EXAMPLES: Record<string, string | undefined> = {
  factor: 'As in factor(x), or factor(x, levels = c("low", "high")).',
  ordered: 'As in ordered(x, levels = c("low", "high")).',
  relevel: 'As in relevel(g, ref = "b").',
  C: "As in C(g, sum), C(g, poly, 2) or C(g, c(-1, 0, 1)).",
};

/** The arguments by the parameters' names, as R matches them. */
function matched({ name, args, at }: Call, text: string): Map<string, Syntax> {
  const parameters = PARAMETERS[name]!;
  const found = new Map<string, Syntax>();
  for (const { name: given, value } of args) {
    if (given === undefined) continue;
    const whole = parameters.find((one) => one === given) ?? parameters.find((one) => one.startsWith(given));
    if (whole === undefined || found.has(whole))
      throw formulaError(text, value.at, `${name}() has no argument ${given} here`, EXAMPLES[name]);
    found.set(whole, value);
  }
  const open = parameters.filter((one) => !found.has(one));
  for (const { name: given, value } of args) {
    if (given !== undefined) continue;
    const next = open.shift();
    if (next === undefined) throw formulaError(text, at, `${name}() has too many arguments`, EXAMPLES[name]);
    found.set(next, value);
  }
  return found;
}

function withLevels(factor: Factor, args: ReadonlyMap<string, Syntax>, text: string, node: Call): Factor {
  const [levels, labels, ordered] = ["levels", "labels", "ordered"].map((name) => args.get(name));
  if ((levels ?? labels) !== undefined && factor.levels !== undefined)
    throw formulaError(text, node.at, "this factor has its levels already");
  if (labels !== undefined && levels === undefined)
    throw formulaError(text, labels.at, "labels go with levels", "Name the levels too, in the same order.");
  const isOrdered = node.name === "ordered" || (ordered?.type === "logical" && ordered.value);
  const names = levels && namesOf(levels, text, factor.of);
  const called = labels && namesOf(labels, text, "text");
  if (names !== undefined && called !== undefined && names.length !== called.length)
    throw formulaError(text, labels!.at, `there are ${called.length} labels for ${names.length} levels`);
  return {
    ...factor,
    ...(names === undefined ? {} : { levels: names }),
    ...(called === undefined ? {} : { labels: called }),
    ...(isOrdered ? { contrast: { type: "poly" as const } } : {}),
  };
}

function namesOf(node: Syntax, text: string, of: "text" | "numbers"): string[] {
  const names = constantVector(node, text).map((value) => {
    if (of === "text") return typeof value === "number" ? deparseNumber(value) : rText(value);
    const number = Number(value);
    if (!Number.isFinite(number))
      throw formulaError(text, node.at, `the levels are numbers, ${value} is none`);
    return String(number);
  });
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw formulaError(text, node.at, `${twice} is there twice`);
  return names;
}

function rText(value: string | boolean): string {
  return typeof value === "string" ? value : String(value).toUpperCase();
}

function withContrast(factor: Factor, args: ReadonlyMap<string, Syntax>, text: string): Factor {
  const [given, many, base] = ["contr", "how.many", "base"].map((name) => args.get(name));
  if (given === undefined) return factor;
  const count = many && wholeNumber(many, text, "how.many is the number of columns");
  const own = contrastOf(given, text);
  if (base !== undefined && own.type !== "treatment")
    throw formulaError(text, base.at, "base goes with contr.treatment");
  const contrast: Contrast = {
    ...own,
    ...(base === undefined ? {} : { base: wholeNumber(base, text, "base is a level's number") }),
    ...(count === undefined ? {} : { count }),
    // Called with the number of levels, R's functions number them.
    ...(isNamed(own) && (base ?? many) !== undefined ? { numbered: true } : {}),
  };
  return { ...factor, contrast };
}

const isNamed = ({ type }: Contrast) => type === "treatment" || type === "SAS";

/** The contrast that an argument of C() stands for: a name, a function's call, or columns of numbers. */
function contrastOf(node: Syntax, text: string): Contrast {
  const unknown = () =>
    formulaError(
      text,
      node.at,
      "unknown contrasts",
      "sum, helmert, poly, treatment, SAS, or numbers: c(-1, 0, 1), cbind(c(1, 0, -1), c(0, 1, -1)).",
    );
  if (node.type === "name" || node.type === "string") {
    const name = node.type === "name" ? node.name : node.value;
    const short =
      node.type === "string" || name.startsWith("contr.") ? /^contr\.(.*)$/.exec(name)?.[1] : name;
    const contrast = short === undefined ? undefined : namedContrast(short);
    if (contrast === undefined) throw unknown();
    // A function that is handed over is called with the number of levels; a name later, with their names.
    return isNamed(contrast) && node.type === "name" && name !== short
      ? { ...contrast, numbered: true }
      : contrast;
  }
  if (node.type !== "call") throw unknown();
  const made = node.name.startsWith("contr.") ? namedContrast(node.name.slice(6)) : undefined;
  if (made !== undefined) {
    const [, ...more] = node.args;
    const base = more.find(({ name }) => name === "base" || name === undefined)?.value;
    if (base !== undefined && (more.length > 1 || made.type !== "treatment")) throw unknown();
    return {
      ...made,
      ...(base === undefined ? {} : { base: wholeNumber(base, text, "base is a level's number") }),
      ...(isNamed(made) ? { numbered: true } : {}),
    };
  }
  if (node.name === "cbind") {
    const names = node.args.map(({ name }) => name);
    return {
      type: "columns",
      values: node.args.map(({ value }) => constantNumbers(value, text)),
      ...(names.every((name) => name === undefined) ? {} : { names: names.map((name) => name ?? "") }),
    };
  }
  if (node.name === "matrix") return { type: "columns", values: matrixColumns(node.args, text, unknown) };
  return { type: "columns", values: [constantNumbers(node, text)] };
}

/** The columns of matrix(c(…), nrow, ncol), which R fills by column. */
function matrixColumns(args: readonly Argument[], text: string, unknown: () => Error): number[][] {
  const free = args.filter(({ name }) => name === undefined).map(({ value }) => value);
  const of = (name: string) => args.find((one) => one.name === name)?.value ?? free.shift();
  const [data, nrow, ncol] = [of("data"), of("nrow"), of("ncol")];
  if (data === undefined || free.length > 0) throw unknown();
  const values = constantNumbers(data, text);
  const columns = ncol && wholeNumber(ncol, text, "ncol is the number of columns");
  const rows = nrow ? wholeNumber(nrow, text, "nrow is the number of rows") : values.length / (columns ?? 1);
  const count = columns ?? values.length / rows;
  if (rows * count !== values.length) throw unknown();
  return Array.from({ length: count }, (_, j) => values.slice(j * rows, (j + 1) * rows));
}

function wholeNumber(node: Syntax, text: string, what: string): number {
  const [value, ...more] = constantNumbers(node, text);
  if (value === undefined || more.length > 0 || !Number.isInteger(value) || value < 1)
    throw formulaError(text, node.at, `${what}, 1 or more`);
  return value;
}

/** The contrast of a name as R's functions have it, without "contr."; undefined where there is none. */
export function namedContrast(name: string): Contrast | undefined {
  return TYPES.has(name) ? { type: name as Contrast["type"] } : undefined;
}
