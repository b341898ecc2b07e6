import { nearestName } from "../../dataset/nearest.js";
import { UsageError } from "../../errors.js";

/** A linear hypothesis about coefficients: Σ_j weights_j θ_j = value. */
export interface Hypothesis {
  /** As it was written, or `name = 0`. */
  text: string;
  /** Weights by the coefficient's place in θ; none of them is 0. */
  weights: ReadonlyMap<number, number>;
  value: number;
}

/** What a hypothesis may speak of. */
export interface HypothesisNames {
  /** The coefficients' names, in the order of θ. */
  coefficients: readonly string[];
  /** Terms of several coefficients by label, with the places of these in θ: one alone says that all of them are 0. */
  terms: ReadonlyMap<string, readonly number[]>;
}

/** a₀ + Σ a_j θ_j. */
interface LinearForm {
  constant: number;
  weights: Map<number, number>;
}

const SPACE = /\s*/y;
const NUMBER = /(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y;
const QUOTED = /`((?:[^`\\]|\\.)+)`|"((?:[^"\\]|\\.)+)"|'((?:[^'\\]|\\.)+)'/y;
const WORD = /[\p{L}\p{N}._]/u;
const DEPTH = 200;

/**
 * Reads hypotheses such as `x1 = x2`, `x3 + 2*x4 = 1`, `2*(groupwest - groupnorth) = I(x^2)/3` and `x1 = x2 = x3`, which
 * is two: sums of coefficients by their names as the summary prints them, numbers, `+ - * /` and parentheses. A name is
 * the longest that the text begins with, white space not counted, or stands in quotes or backticks. What has no `=`, or
 * `==`, is to be 0. A term's label alone says that each of its coefficients is 0.
 *
 * @throws UsageError with the place, where it is none, or not linear
 */
export function parseHypotheses(texts: readonly string[], names: HypothesisNames): Hypothesis[] {
  return texts.flatMap((text) => new Parser(text, names).hypotheses());
}

class Parser {
  readonly #text: string;
  readonly #names: HypothesisNames;
  #at = 0;
  #depth = 0;

  constructor(text: string, names: HypothesisNames) {
    this.#text = text;
    this.#names = names;
  }

  hypotheses(): Hypothesis[] {
    const term = this.#wholeTerm();
    if (term !== undefined)
      return term.map((j) => ({
        text: `${this.#names.coefficients[j]!} = 0`,
        weights: new Map([[j, 1]]),
        value: 0,
      }));
    const sides: { form: LinearForm; text: string }[] = [];
    do {
      this.#skip();
      const from = this.#at;
      const form = this.#sum();
      sides.push({ form, text: this.#text.slice(from, this.#at).trim() });
    } while (this.#equals());
    if (this.#at < this.#text.length) throw this.#unexpected("an operator, = or the end");
    if (sides.length === 1) sides.push({ form: { constant: 0, weights: new Map() }, text: "0" });
    return sides.slice(1).map((right, i) => {
      const left = sides[i]!;
      const { weights, constant } = combined(left.form, right.form, -1);
      const text = `${left.text} = ${right.text}`;
      for (const [j, weight] of weights) if (weight === 0) weights.delete(j);
      if (weights.size === 0)
        throw new UsageError(`the hypothesis "${text}" says nothing about any coefficient`);
      if (![...weights.values(), constant].every(Number.isFinite))
        throw this.#error("its numbers are outside the range of doubles", 0);
      // −0 is no better than 0.
      return { text, weights, value: 0 - constant };
    });
  }

  /** The places of a term's coefficients, where the text is nothing but its label. */
  #wholeTerm(): readonly number[] | undefined {
    const { terms, coefficients } = this.#names;
    const text = this.#text.trim();
    const places = terms.get(text) ?? terms.get(unquoted(text) ?? text);
    return places === undefined || coefficients.includes(text) ? undefined : places;
  }

  #sum(): LinearForm {
    if (++this.#depth > DEPTH) throw this.#error("this nests too deep");
    let sum = this.#product();
    for (;;) {
      const sign = this.#take("+") ? 1 : this.#take("-") ? -1 : 0;
      if (sign === 0) break;
      sum = combined(sum, this.#product(), sign);
    }
    this.#depth--;
    return sum;
  }

  #product(): LinearForm {
    let product = this.#signed();
    for (;;) {
      this.#skip();
      const at = this.#at;
      if (this.#take("*")) {
        const other = this.#signed();
        if (product.weights.size > 0 && other.weights.size > 0)
          throw this.#error("a product of coefficients is not linear", at);
        product =
          product.weights.size > 0
            ? scaled(product, other.constant, (a, b) => a * b)
            : scaled(other, product.constant, (a, b) => a * b);
      } else if (this.#take("/")) {
        const other = this.#signed();
        if (other.weights.size > 0) throw this.#error("a coefficient in a denominator is not linear", at);
        if (other.constant === 0) throw this.#error("this divides by zero", at);
        product = scaled(product, other.constant, (a, b) => a / b);
      } else return product;
    }
  }

  #signed(): LinearForm {
    let sign = 1;
    for (;;) {
      if (this.#take("-")) sign = -sign;
      else if (!this.#take("+")) break;
    }
    const operand = this.#operand();
    return sign === 1 ? operand : scaled(operand, -1, (a, b) => a * b);
  }

  #operand(): LinearForm {
    this.#skip();
    const named = this.#quoted() ?? this.#longestName();
    if (named !== undefined) {
      const { coefficients } = this.#names;
      const name = coefficients[named]!;
      // A level behind its factor's name may be a column's name.
      if (coefficients.lastIndexOf(name) !== coefficients.indexOf(name))
        throw this.#error(
          `several coefficients are called ${name}`,
          this.#at,
          "Rename a column or a level; a factor's own name, alone, tests all of its coefficients.",
        );
      return { constant: 0, weights: new Map([[named, 1]]) };
    }
    NUMBER.lastIndex = this.#at;
    const number = NUMBER.exec(this.#text);
    if (number !== null) {
      const constant = Number(number[0]);
      if (!Number.isFinite(constant)) throw this.#error(`${number[0]} is outside the range of doubles`);
      this.#at += number[0].length;
      return { constant, weights: new Map() };
    }
    if (this.#take("(")) {
      const inner = this.#sum();
      if (!this.#take(")")) throw this.#unexpected('")"');
      return inner;
    }
    throw this.#unexpected('a coefficient, a number or "("');
  }

  #quoted(): number | undefined {
    QUOTED.lastIndex = this.#at;
    const match = QUOTED.exec(this.#text);
    if (match === null) return undefined;
    const { coefficients } = this.#names;
    const own = coefficients.indexOf(match[0]);
    const name = unquoted(match[0])!;
    const place = own >= 0 ? own : coefficients.indexOf(name);
    if (place < 0) throw this.#unknown(name);
    this.#at += match[0].length;
    return place;
  }

  /** The longest name that the rest of the text begins with, white space not counted, unless a word goes on behind it. */
  #longestName(): number | undefined {
    let found: number | undefined;
    let end = this.#at;
    for (const [j, name] of this.#names.coefficients.entries()) {
      const to = this.#endOf(name);
      if (to <= end) continue;
      [found, end] = [j, to];
    }
    // A column called 2 is the number 2, unless it stands in quotes.
    if (found === undefined || /^[\d.]+$/.test(this.#names.coefficients[found]!)) return undefined;
    this.#at = end;
    return found;
  }

  #endOf(name: string): number {
    let at = this.#at;
    for (const c of name) {
      while (at < this.#text.length && c !== this.#text[at] && /\s/.test(this.#text[at]!)) at++;
      if (this.#text.startsWith(c, at)) at += c.length;
      else if (!/\s/.test(c)) return -1;
    }
    const next = String.fromCodePoint(this.#text.codePointAt(at) ?? 0);
    return WORD.test(name.at(-1)!) && WORD.test(next) ? -1 : at;
  }

  #equals(): boolean {
    if (this.#take("==") || this.#take("=")) return true;
    this.#skip();
    if (/[<>≤≥≠!]/.test(this.#text[this.#at] ?? ""))
      throw this.#error("a hypothesis is an equation", this.#at, "Its test is two-sided: write = instead.");
    return false;
  }

  #take(sign: string): boolean {
    this.#skip();
    if (!this.#text.startsWith(sign, this.#at)) return false;
    this.#at += sign.length;
    return true;
  }

  #skip(): void {
    SPACE.lastIndex = this.#at;
    this.#at += SPACE.exec(this.#text)![0].length;
  }

  #unexpected(expected: string): UsageError {
    const rest = this.#text.slice(this.#at).trim();
    const word = /^[\p{L}\p{N}._]+/u.exec(rest)?.[0];
    if (word !== undefined && !/^\d/.test(word)) return this.#unknown(word);
    return this.#error(
      `expected ${expected}, found ${rest === "" ? "the end" : JSON.stringify(rest.slice(0, 20))}`,
    );
  }

  #unknown(name: string): UsageError {
    const { coefficients } = this.#names;
    const nearest = nearestName(name, [...coefficients]);
    const shown = coefficients.slice(0, 20).join(", ");
    const more = coefficients.length > 20 ? `, … (${coefficients.length})` : "";
    return this.#error(
      `there is no coefficient ${name}`,
      this.#at,
      nearest === undefined ? `The coefficients: ${shown}${more}.` : `Did you mean ${nearest}?`,
    );
  }

  #error(problem: string, at = this.#at, hint?: string): UsageError {
    return new UsageError(`the hypothesis "${this.#text}", character ${at + 1}: ${problem}`, {
      hint: hint ?? "A hypothesis looks like: x1 = x2, or x3 + 2*x4 = 1.",
    });
  }
}

function unquoted(text: string): string | undefined {
  return /^([`"'])(.+)\1$/s.exec(text)?.[2]?.replace(/\\(.)/g, "$1");
}

function combined(a: LinearForm, b: LinearForm, sign: number): LinearForm {
  const weights = new Map(a.weights);
  for (const [j, weight] of b.weights) weights.set(j, (weights.get(j) ?? 0) + sign * weight);
  return { constant: a.constant + sign * b.constant, weights };
}

function scaled(form: LinearForm, by: number, of: (a: number, b: number) => number): LinearForm {
  const weights = new Map(Array.from(form.weights, ([j, weight]) => [j, of(weight, by)] as const));
  return { constant: of(form.constant, by), weights };
}
