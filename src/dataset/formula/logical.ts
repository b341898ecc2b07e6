import type { Evaluate, ReadTexts, Values } from "./evaluate.js";
import type { ChoiceName, LogicalName } from "./spec.js";

type Binary = (a: number, b: number) => number;

const NA = Number.NaN;

/** R's comparisons and three-valued logic on numbers: 1, 0, or NaN where a value is missing. */
const BINARY: Record<Exclude<LogicalName, "!" | "is.na">, Binary> = {
  "==": known((a, b) => a === b),
  "!=": known((a, b) => a !== b),
  "<": known((a, b) => a < b),
  ">": known((a, b) => a > b),
  "<=": known((a, b) => a <= b),
  ">=": known((a, b) => a >= b),
  "&": (a, b) => (a === 0 || b === 0 ? 0 : Number.isNaN(a) || Number.isNaN(b) ? NA : 1),
  "|": (a, b) => (isTrue(a) || isTrue(b) ? 1 : Number.isNaN(a) || Number.isNaN(b) ? NA : 0),
};

const UNARY = {
  "!": (a: number) => (Number.isNaN(a) ? NA : Number(a === 0)),
  "is.na": (a: number) => Number(Number.isNaN(a)),
};

function known(holds: (a: number, b: number) => boolean): Binary {
  return (a, b) => (Number.isNaN(a) || Number.isNaN(b) ? NA : Number(holds(a, b)));
}

/** Any number but 0 is true, as in R. */
function isTrue(a: number): boolean {
  return !Number.isNaN(a) && a !== 0;
}

/** A condition over a block of rows: 1 where it holds, 0 where not, NaN where that is not known. */
export function compileLogical(call: LogicalName, args: readonly Evaluate[], size: number): Evaluate {
  const hi = new Float64Array(size);
  const values = { hi, lo: undefined };
  const [first, second] = args as [Evaluate, Evaluate];
  if (call === "!" || call === "is.na") {
    const f = UNARY[call];
    return (rows) => {
      const a = first(rows).hi;
      for (let r = 0; r < rows; r++) hi[r] = f(a[r]!);
      return values;
    };
  }
  const f = BINARY[call];
  return (rows) => {
    const a = first(rows).hi;
    const b = second(rows).hi;
    for (let r = 0; r < rows; r++) hi[r] = f(a[r]!, b[r]!);
    return values;
  };
}

/**
 * `ifelse(test, yes, no)`, whose values are those of one of two expressions, and the least or greatest of two. What is not
 * chosen need not be there: `ifelse(x > 0, log(x), 0)` has a value where x is 0.
 */
export function compileChoice(call: ChoiceName, args: readonly Evaluate[], size: number): Evaluate {
  const out: Values & { lo: Float64Array } = { hi: new Float64Array(size), lo: new Float64Array(size) };
  const take = (from: Values, r: number) => {
    out.hi[r] = from.hi[r]!;
    out.lo[r] = from.lo?.[r] ?? 0;
  };
  const [first, second, third] = args as [Evaluate, Evaluate, Evaluate];
  if (call === "ifelse")
    return (rows) => {
      const test = first(rows).hi;
      const yes = second(rows);
      const no = third(rows);
      for (let r = 0; r < rows; r++) {
        const holds = test[r]!;
        if (!Number.isNaN(holds)) take(holds !== 0 ? yes : no, r);
        else out.hi[r] = NA;
      }
      return yes.lo || no.lo ? out : { hi: out.hi, lo: undefined };
    };
  const sign = call === "pmin" ? 1 : -1;
  return (rows) => {
    const a = first(rows);
    const b = second(rows);
    for (let r = 0; r < rows; r++) {
      const [x, y] = [a.hi[r]!, b.hi[r]!];
      if (Number.isNaN(x) || Number.isNaN(y)) out.hi[r] = NA;
      else take(sign * x <= sign * y ? a : b, r);
    }
    return a.lo || b.lo ? out : { hi: out.hi, lo: undefined };
  };
}

/** Whether a column's text is one of some, worked out once for each different text. */
export function compileAmong(
  { text, among, absent }: { text: string; among: readonly string[]; absent?: true | undefined },
  size: number,
  texts: ReadTexts,
): Evaluate {
  const hi = new Float64Array(size);
  const values = { hi, lo: undefined };
  const asked = new Set(among);
  let known: number[] = [];
  let of: readonly string[] | undefined;
  return (rows) => {
    const { codes, names } = texts(text);
    if (names !== of) known = [];
    of = names;
    for (let r = 0; r < rows; r++) {
      const code = codes[r]!;
      if (code < 0) hi[r] = absent ? 0 : NA;
      else hi[r] = known[code] ??= Number(asked.has(names[code]!));
    }
    return values;
  };
}
