import { formulaError } from "./formula-error.js";
import { EXPRESSION_DEPTH } from "./spec-schema.js";
import type { Argument, Syntax } from "./syntax.js";
import { type Token, tokenize } from "./tokens.js";

/** A formula's two sides; `response` is undefined in `~ lstat + rm`, where the target is given elsewhere. */
export interface Formula {
  text: string;
  response: Syntax | undefined;
  terms: Syntax;
  /** What stands behind a second `~`: the instruments of the endogenous variables, which come last before it. */
  instruments?: Syntax | undefined;
}

/**
 * How tightly operators bind, as in R: `^` before unary minus before `:` before `%in%` before `*` before `+` before
 * comparisons before `!` before `&` before `|`.
 */
const BINDING: Record<string, number> = {
  "|": 1,
  "&": 2,
  ...Object.fromEntries(["==", "!=", "<", ">", "<=", ">="].map((name) => [name, 4])),
  "+": 5,
  "-": 5,
  "*": 6,
  "/": 6,
  "%in%": 7,
  ":": 8,
  "^": 10,
};
const CLOSING = { "[": "]", "[[": "]]" } as const;
const NOT = 3;
const UNARY = 9;
/** Other spellings of operators. */
const SAME: Record<string, string> = { "**": "^", "&&": "&", "||": "|" };

/**
 * Parses R's formula language: `medv ~ lstat + I(lstat^2) + log(crim) + poly(dis, 3, raw = TRUE) - 1`.
 * Throws UsageError that shows the character where the formula stops making sense.
 */
export function parseFormula(text: string): Formula {
  return new Parser(text).formula();
}

/** Parses a condition of R's language: `age >= 18 & !(region %in% c("N", "S"))`. Throws UsageError as above. */
export function parseCondition(text: string): Syntax {
  return new Parser(text).condition();
}

class Parser {
  readonly #text: string;
  readonly #tokens: Token[];
  #next = 0;
  /** How deep calls lie in each call, itself among them. */
  readonly #heights = new WeakMap<Syntax, number>();
  /** How many expressions are being read, one within the other. */
  #depth = 0;
  /** Whether the right side is being read. */
  #right = false;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = tokenize(text);
  }

  formula(): Formula {
    const response = this.#is("~") ? undefined : this.#expression(0);
    if (!this.#is("~"))
      throw this.#unexpected(
        '"~" between the target and the terms',
        "A formula looks like: medv ~ lstat + rm",
      );
    this.#next++;
    this.#right = true;
    const terms = this.#expression(0);
    let instruments: Syntax | undefined;
    if (this.#is("~")) {
      this.#next++;
      instruments = this.#expression(0);
    }
    if (this.#peek().type !== "end") throw this.#unexpected("an operator or the end");
    return { text: this.#text, response, terms, instruments };
  }

  condition(): Syntax {
    const condition = this.#expression(0);
    if (this.#is("=")) throw this.#unexpected('"=="', "R compares by ==.");
    if (this.#peek().type !== "end") throw this.#unexpected("an operator or the end");
    return condition;
  }

  #expression(least: number): Syntax {
    this.#depth++;
    let left = this.#prefix();
    for (;;) {
      const { type, text, at } = this.#peek();
      const name = SAME[text] ?? text;
      const binding = type === "operator" ? BINDING[name] : undefined;
      if (binding === undefined || binding < least) {
        this.#depth--;
        return left;
      }
      this.#next++;
      // Only ^ groups to the right.
      const right = this.#expression(name === "^" ? binding : binding + 1);
      left = this.#call(name, [{ value: left }, { value: right }], at);
    }
  }

  #prefix(): Syntax {
    const token = this.#peek();
    const { at } = token;
    if (this.#depth > EXPRESSION_DEPTH) throw this.#tooDeep(at);
    this.#next++;
    switch (token.type) {
      case "number":
        return { type: "number", value: token.value, integer: token.integer, at };
      case "string":
        return { type: "string", value: token.value, at };
      case "name":
        if (this.#is("(")) return this.#call(token.name, this.#args(")"), at);
        for (const open of ["[", "[["] as const)
          if (this.#is(open)) {
            const factor: Syntax = { type: "name", name: token.name, at };
            return this.#call(open, [{ value: factor }, ...this.#args(CLOSING[open])], at);
          }
        if (!token.quoted && (token.name === "TRUE" || token.name === "FALSE"))
          return { type: "logical", value: token.name === "TRUE", at };
        if (!token.quoted && token.name === "Inf")
          return { type: "number", value: Number.POSITIVE_INFINITY, integer: false, at };
        return { type: "name", name: token.name, at };
      case "operator":
        if (token.text === "-" || token.text === "+")
          return this.#call(token.text, [{ value: this.#expression(UNARY) }], at);
        if (token.text === "!") return this.#call("!", [{ value: this.#expression(NOT) }], at);
        if (token.text === "(") {
          const value = this.#expression(0);
          this.#close(at);
          return this.#call("(", [{ value }], at);
        }
    }
    this.#next--;
    throw this.#unexpected('a column, a number, a function or "("');
  }

  #call(name: string, args: Argument[], at: number): Syntax {
    const node: Syntax = { type: "call", name, args, at };
    // A sum of terms may be long: what expands it goes from addend to addend.
    const own = name === "+" && args.length === 2 && this.#right && this.#depth === 1 ? 0 : 1;
    const height = args.reduce(
      (most, { value }) => Math.max(most, own + (this.#heights.get(value) ?? 0)),
      own,
    );
    if (height > EXPRESSION_DEPTH) throw this.#tooDeep(at);
    this.#heights.set(node, height);
    return node;
  }

  #tooDeep(at: number): Error {
    return formulaError(
      this.#text,
      at,
      `this nests more than ${EXPRESSION_DEPTH} deep`,
      "Make the column beforehand.",
    );
  }

  #args(closing: string): Argument[] {
    const open = this.#peek().at;
    this.#next++;
    const args: Argument[] = [];
    while (!this.#is(closing)) {
      const token = this.#peek();
      if (token.type === "name" && this.#tokens[this.#next + 1]!.text === "=") {
        this.#next += 2;
        args.push({ name: token.name, value: this.#expression(0) });
      } else args.push({ value: this.#expression(0) });
      if (!this.#is(",")) break;
      this.#next++;
    }
    this.#close(open, closing);
    return args;
  }

  #close(open: number, closing = ")"): void {
    if (this.#peek().type === "end")
      throw formulaError(this.#text, open, `"${this.#tokenAt(open)}" is never closed`);
    if (!this.#is(closing)) throw this.#unexpected(`"${closing}"`);
    this.#next++;
  }

  #tokenAt(at: number): string {
    return this.#tokens.find((token) => token.at === at)!.text;
  }

  #peek(): Token {
    return this.#tokens[this.#next]!;
  }

  #is(text: string): boolean {
    const token = this.#peek();
    return token.type === "operator" && token.text === text;
  }

  #unexpected(expected: string, hint?: string): Error {
    const { type, text, at } = this.#peek();
    const found = type === "end" ? "the end" : JSON.stringify(text);
    return formulaError(this.#text, at, `expected ${expected}, found ${found}`, hint);
  }
}
