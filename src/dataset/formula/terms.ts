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

/** More terms than this are taken for a mistake: each is a column or more. */
const MOST_TERMS = 20_000;
/** Products of terms that are looked at, many of which may be the same term. */
const MOST_PRODUCTS = 1_000_000;

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
        return this.#interactions(node, this.encode(left), this.encode(right!));
      case "*": {
        const [a, b] = [this.encode(left), this.encode(right!)];
        return unique([...a, ...b, ...this.#interactions(node, a, b)]);
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
    const singles = unique(list);
    if (singles.every((term) => term.length === 1)) {
      // Each set of at most so many variables is a term: counted before they are made.
      const count = subsets(singles.length, exponent.value);
      if (count > MOST_TERMS) throw this.#tooMany(exponent, count);
      return combinations(singles.flat(), exponent.value);
    }
    let result = list;
    for (let i = 1; i < exponent.value; i++) result = unique(this.#interactions(exponent, result, list));
    return result;
  }

  #interactions(node: Syntax, left: TermList, right: TermList): TermList {
    const products = left.length * right.length;
    if (products > MOST_PRODUCTS) throw this.#tooMany(node, products);
    return interactions(left, right);
  }

  #tooMany(node: Syntax, count: number): Error {
    const number = count < 1e6 ? String(count) : count.toPrecision(3).replace("e+", "e");
    return formulaError(
      this.#text,
      node.at,
      `these interactions are ${number} terms, more than ${MOST_TERMS}`,
      "Leave columns out, or interact fewer of them: .^2 are all pairs.",
    );
  }
}

/** The number of sets of 1 to `most` of n things. */
function subsets(n: number, most: number): number {
  let sum = 0;
  let choices = 1;
  for (let k = 1; k <= Math.min(n, most); k++) {
    choices = (choices * (n - k + 1)) / k;
    sum += choices;
  }
  return sum;
}

/** The sets of 1 to `most` variables, by size and then in order. */
function combinations(variables: readonly number[], most: number): TermList {
  const sorted = [...variables].sort((a, b) => a - b);
  let sets: { term: number[]; next: number }[] = [{ term: [], next: 0 }];
  const all: TermList = [];
  for (let size = 1; size <= Math.min(most, sorted.length); size++) {
    sets = sets.flatMap(({ term, next }) =>
      sorted.slice(next).map((v, i) => ({ term: [...term, v], next: next + i + 1 })),
    );
    for (const { term } of sets) all.push(term);
  }
  return all;
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
