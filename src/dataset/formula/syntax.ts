/** A parsed expression of R's language, `at` the character (from 0) at which it stands. Operators are calls. */
export type Syntax =
  | { type: "number"; value: number; integer: boolean; at: number }
  | { type: "logical"; value: boolean; at: number }
  | { type: "string"; value: string; at: number }
  | { type: "name"; name: string; at: number }
  | { type: "call"; name: string; args: Argument[]; at: number };

/** An argument of a call, with its name where it was given one: `raw = TRUE`. */
export interface Argument {
  name?: string;
  value: Syntax;
}

/** What most names are: a set of all letters takes half a millisecond to make. */
const PLAIN = /^(?:[A-Za-z]|\.(?![0-9]))[A-Za-z0-9._]*$/;
const SYNTACTIC = /^(?:[\p{L}]|\.(?![0-9]))[\p{L}\p{N}._]*$/u;
const RESERVED = new Set(
  "if else repeat while function for next break in TRUE FALSE NULL Inf NaN NA".split(" "),
);
const SPACED = new Set("+ - * ~ %in% == != < > <= >= & |".split(" "));

/** A column's name as R writes it in code: in backticks where it would not be read as a name. */
export function quoteName(name: string): string {
  return (PLAIN.test(name) || SYNTACTIC.test(name)) && !RESERVED.has(name)
    ? name
    : `\`${name.replace(/[\\`]/g, "\\$&")}\``;
}

/** The expression as R prints it: `I(lstat^2)`, `poly(dis, 3, raw = TRUE)`. */
export function deparse(node: Syntax): string {
  switch (node.type) {
    case "number":
      return node.integer ? `${node.value}L` : deparseNumber(node.value);
    case "logical":
      return node.value ? "TRUE" : "FALSE";
    case "string":
      return JSON.stringify(node.value);
    case "name":
      return node.name === "." ? "." : quoteName(node.name);
    case "call":
      return deparseCall(node.name, node.args);
  }
}

function deparseCall(name: string, args: readonly Argument[]): string {
  const parts = args.map(({ name: argument, value }) =>
    argument === undefined ? deparse(value) : `${quoteName(argument)} = ${deparse(value)}`,
  );
  if (name === "(") return `(${parts[0]})`;
  if (name === "[" || name === "[[")
    return `${parts[0]}${name}${parts.slice(1).join(", ")}${name === "[" ? "]" : "]]"}`;
  if (/^[\p{L}.]/u.test(name)) return `${quoteName(name)}(${parts.join(", ")})`;
  if (parts.length === 1) return `${name}${parts[0]}`;
  return parts.join(SPACED.has(name) ? ` ${name} ` : name);
}

/** A number as R prints it: 15 digits, in the shorter of the fixed and the scientific form, fixed if equal. */
export function deparseNumber(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? "Inf" : "-Inf";
  const [digits, power] = Number(value.toPrecision(15)).toExponential().split("e") as [string, string];
  const exponent = Number(power);
  const scientific = `${digits}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
  const decimals = Math.max(0, digits.replace(/^-?\d\.?/, "").length - exponent);
  if (decimals > 100 || exponent > 20) return scientific;
  const fixed = value.toFixed(decimals);
  return fixed.length <= scientific.length ? fixed : scientific;
}
