import { formulaError } from "./formula-error.js";
import type { Syntax } from "./syntax.js";

/** What the right side of a formula expands to: terms as ascending lists of variables, by degree. */
export interface Expansion {
  intercept: boolean;
  terms: number[][];
}

type TermList = number[][];

/** How deep a power may go before it is taken for a mistake. */
const LARGEST_POWER = 20;

/**
 * Expands the right side of a formula as R's `terms` does: `+ - : * / ^ %in% ( ) .` and `0`, `1`; everything else
 * is a variable, which `install` numbers in order of first appearance.
 */
export function expandTerms(
  text: string,
  terms: Syntax,
  install: (variable: Syntax) => number,
  dot: () => Syntax[],
): Expansion {
  const expansion = new Expander(text, install, dot);
  const list = expansion.encode(terms);
  return {
    intercept: expansion.intercept,
    terms: unique(list).sort((a, b) => a.length - b.length),
  };
}

class Expander {
  intercept = true;
  readonly #text: string;
  readonly #install: (variable: Syntax) => number;
  readonly #dot: () => Syntax[];
  /** Whether what is read is being taken away. */
  #removing = false;

  constructor(text: string, install: (variable: Syntax) => number, dot: () => Syntax[]) {
    this.#text = text;
    this.#install = install;
    this.#dot = dot;
  }

  encode(node: Syntax): TermList {
    if (node.type === "number" && (node.value === 0 || node.value === 1)) {
      this.intercept = (node.value === 1) !== this.#removing;
      return [];
    }
    if (node.type === "name")
      return node.name === "." ? this.#dot().map((v) => [this.#install(v)]) : [[this.#install(node)]];
    if (node.type !== "call")
      throw formulaError(
        this.#text,
        node.at,
        "a constant is not a term",
        "Only 0 and 1 stand alone, for the intercept; arithmetic goes inside I().",
      );
    const [left, right] = node.args.map((argument) => argument.value) as [Syntax, Syntax | undefined];
    switch (node.name) {
      case "(":
        return this.encode(left);
      case "+":
        return right === undefined ? this.encode(left) : this.#sum(node);
      case "-":
        return right === undefined ? this.#remove([], left) : this.#remove(this.encode(left), right);
      case ":":
        return interactions(this.encode(left), this.encode(right!));
      case "*": {
        const [a, b] = [this.encode(left), this.encode(right!)];
        return unique([...a, ...b, ...interactions(a, b)]);
      }
      case "/": {
        const [a, b] = [this.encode(left), this.encode(right!)];
        return unique([...a, ...interactions([union(a)], b)]);
      }
      case "%in%": {
        const [a, b] = [this.encode(left), this.encode(right!)];
        return interactions(a, [union(b)]);
      }
      case "^":
        return this.#power(this.encode(left), right!);
      default:
        return [[this.#install(node)]];
    }
  }

  /** a + b + c …, which may be thousands of terms: from addend to addend, for each lies within the next. */
  #sum(node: Syntax): TermList {
    const addends: Syntax[] = [];
    let first = node;
    while (first.type === "call" && first.name === "+" && first.args.length === 2) {
      addends.push(first.args[1]!.value);
      first = first.args[0]!.value;
    }
    addends.push(first);
    return unique(addends.reverse().flatMap((addend) => this.encode(addend)));
  }

  #remove(from: TermList, node: Syntax): TermList {
    this.#removing = !this.#removing;
    const removed = new Set(this.encode(node).map(String));
    this.#removing = !this.#removing;
    return from.filter((term) => !removed.has(String(term)));
  }

  #power(list: TermList, exponent: Syntax): TermList {
    if (
      exponent.type !== "number" ||
      !Number.isInteger(exponent.value) ||
      exponent.value < 1 ||
      exponent.value > LARGEST_POWER
    )
      throw formulaError(
        this.#text,
        exponent.at,
        "a power of terms must be a whole number",
        "(a + b)^2 means a + b + a:b; the square of a column is I(a^2).",
      );
    let result = list;
    for (let i = 1; i < exponent.value; i++) result = unique(interactions(result, list));
    return result;
  }
}

function union(terms: TermList): number[] {
  return [...new Set(terms.flat())].sort((a, b) => a - b);
}

function interactions(left: TermList, right: TermList): TermList {
  return left.flatMap((a) => right.map((b) => union([a, b])));
}

function unique(terms: TermList): TermList {
  return [...new Map(terms.map((term) => [String(term), term])).values()];
}
