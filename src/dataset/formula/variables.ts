import { BLOCK_ROWS } from "../../kernels/block-rows.js";
import { positions } from "../../stats/positions.js";
import { compileExpression, compilePowers } from "./arithmetic.js";
import { dateName, noDateError } from "./dates.js";
import type { Evaluate, Values } from "./evaluate.js";
import { type RawBlock, rowNumber } from "./raw-block.js";
import type { DateFactor, Expression, ModelSpec, Variable } from "./spec.js";

/** The codes of a factor's rows, and what they stand for. */
interface FactorBlock {
  codes: Int32Array;
  /** The levels' names by code; the list grows with the blocks. */
  names(): readonly string[];
}

/**
 * The variables of a spec over one block of rows: numbers as values, one column per power of a polynomial, factors
 * as level codes. `load` a block, then read; the buffers are used again by the next block.
 */
export class VariableBlock {
  /** Per variable: its columns' values; none for a factor. */
  readonly values: Values[][];
  /** Per variable: a factor's codes. */
  readonly factors: (FactorBlock | undefined)[];
  target: Values = { hi: new Float64Array(0), lo: undefined };
  /** What is added to predictions, where the spec has an offset. */
  offset: Values | undefined;
  readonly #spec: ModelSpec;
  readonly #positions: ReadonlyMap<string, number>;
  readonly #evaluators: ((rows: number) => void)[] = [];
  #raw: RawBlock = { numeric: [], codes: [], levels: [] };
  #start = 0;

  constructor(spec: ModelSpec, options: { extended: boolean; target: boolean }) {
    this.#spec = spec;
    this.#positions = positions(spec.numeric);
    this.values = spec.variables.map(() => []);
    this.factors = spec.variables.map(() => undefined);
    spec.variables.forEach((variable, v) => {
      this.#evaluators.push(this.#evaluator(variable, v, options.extended));
    });
    const { offset } = spec.target;
    if (offset !== undefined) {
      const evaluate = this.#compile(offset.expression, options.extended);
      this.#evaluators.push((rows) => {
        this.offset = evaluate(rows);
      });
    }
    if (options.target) {
      const evaluate = this.#compile(spec.target.expression, options.extended);
      this.#evaluators.push((rows) => {
        this.target = evaluate(rows);
      });
    }
  }

  /** Evaluates rows `start` to `start + rows` − 1 of a raw block; `rows` at most 128. */
  load(raw: RawBlock, start: number, rows: number): void {
    this.#raw = raw;
    this.#start = start;
    for (const evaluate of this.#evaluators) evaluate(rows);
  }

  #compile(expression: Expression, extended: boolean): Evaluate {
    return compileExpression(
      expression,
      (column) => this.#numbers(this.#positions.get(column)!),
      BLOCK_ROWS,
      extended,
      (column) => this.#texts(this.#spec.text.indexOf(column)),
    );
  }

  #texts(position: number): { codes: Int32Array; names: readonly string[]; rowOf: (r: number) => number } {
    return {
      codes: this.#raw.codes[position]!.subarray(this.#start),
      names: this.#raw.levels[position]!,
      rowOf: (r) => rowNumber(this.#raw, this.#start + r),
    };
  }

  #numbers(position: number): Float64Array {
    return this.#raw.numeric[position]!.subarray(this.#start);
  }

  #evaluator(variable: Variable, v: number, extended: boolean): (rows: number) => void {
    switch (variable.kind) {
      case "numeric": {
        const evaluate = this.#compile(variable.expression, extended);
        return (rows) => {
          this.values[v] = [evaluate(rows)];
        };
      }
      case "polynomial": {
        const base = this.#compile(variable.expression, extended);
        const evaluate = compilePowers(base, variable.degree, BLOCK_ROWS, extended);
        return (rows) => {
          this.values[v] = evaluate(rows);
        };
      }
      case "basis": {
        const columns = variable.columns.map((one) => this.#compile(one.expression, extended));
        return (rows) => {
          this.values[v] = columns.map((evaluate) => evaluate(rows));
        };
      }
      case "factor": {
        const evaluate =
          variable.by !== undefined
            ? this.#dateFactor(variable.column, variable.by, v)
            : variable.of === "text"
              ? this.#textFactor(variable.column, v)
              : this.#numberFactor(variable.column, v);
        return variable.levels === undefined ? evaluate : this.#amongLevels(evaluate, variable, v);
      }
    }
  }

  /** A factor whose levels are given: what is none of them is missing. */
  #amongLevels(
    evaluate: (rows: number) => void,
    { levels = [], labels = levels }: Variable & { kind: "factor" },
    v: number,
  ): (rows: number) => void {
    const places = positions(levels);
    const own: FactorBlock = { codes: new Int32Array(BLOCK_ROWS), names: () => labels };
    let known: number[] = [];
    let of: readonly string[] | undefined;
    let given = this.factors[v];
    return (rows) => {
      evaluate(rows);
      if (this.factors[v] !== own) given = this.factors[v];
      const names = given!.names();
      if (names !== of) known = [];
      of = names;
      for (let r = 0; r < rows; r++) {
        const code = given!.codes[r]!;
        if (code >= 0) known[code] ??= places.get(names[code]!) ?? -1;
        own.codes[r] = code < 0 ? -1 : known[code]!;
      }
      this.factors[v] = own;
    };
  }

  #textFactor(column: string, v: number): (rows: number) => void {
    const position = this.#spec.text.indexOf(column);
    return () => {
      this.factors[v] = {
        codes: this.#raw.codes[position]!.subarray(this.#start),
        names: () => this.#raw.levels[position]!,
      };
    };
  }

  /** The names that a column's dates give, numbered as they appear. */
  #dateFactor(column: string, by: DateFactor, v: number): (rows: number) => void {
    const position = this.#spec.text.indexOf(column);
    const names: string[] = [];
    const codes = new Int32Array(BLOCK_ROWS);
    let known: number[] = [];
    let of: readonly string[] | undefined;
    this.factors[v] = { codes, names: () => names };
    return (rows) => {
      const texts = this.#texts(position);
      if (texts.names !== of) known = [];
      of = texts.names;
      for (let r = 0; r < rows; r++) {
        const text = texts.codes[r]!;
        if (text >= 0 && known[text] === undefined) {
          const name = dateName(by, texts.names[text]!);
          if (name === undefined) throw noDateError(by, column, texts.names[text]!, texts.rowOf(r));
          const at = names.indexOf(name);
          known[text] = at >= 0 ? at : names.push(name) - 1;
        }
        codes[r] = text < 0 ? -1 : known[text]!;
      }
    };
  }

  /** A numeric column's distinct values, numbered as they appear. */
  #numberFactor(column: string, v: number): (rows: number) => void {
    const position = this.#positions.get(column)!;
    const known = new Map<number, number>();
    const names: string[] = [];
    const codes = new Int32Array(BLOCK_ROWS);
    this.factors[v] = { codes, names: () => names };
    return (rows) => {
      const numbers = this.#numbers(position);
      for (let r = 0; r < rows; r++) {
        const value = numbers[r]!;
        let code = known.get(value);
        if (code === undefined) {
          code = Number.isNaN(value) ? -1 : names.push(String(value)) - 1;
          known.set(value, code);
        }
        codes[r] = code;
      }
    };
  }
}
