import { BLOCK_ROWS } from "../../kernels/block-rows.js";
import { positions } from "../../stats/positions.js";
import { multiply } from "./arithmetic.js";
import { type CodedTerm, type FactorLevels, levelsOf } from "./coding.js";
import type { Values } from "./evaluate.js";
import type { RawBlock } from "./raw-block.js";
import type { ModelSpec } from "./spec.js";
import { TermEffects } from "./term-effects.js";
import { VariableBlock } from "./variables.js";

/** A level that the training data did not have, where it was met. */
export interface UnseenLevel {
  /** The factor's label. */
  factor: string;
  level: string;
  /** The row, counted from the start of the raw block. */
  row: number;
  /** Why it has no prediction, where training did meet it: a group that could not be fitted. */
  why?: string | undefined;
}

/**
 * Turns raw columns into a fitted model's design, R-coded: the columns of `codedTerms` in order, the intercept left
 * out, for predictions and for what needs a second pass over the training data.
 */
export class Design {
  /** How many columns there are. */
  readonly width: number;
  /** The low parts of `values`, where the design is extended. */
  readonly low: Float64Array | undefined;
  /** The target's values, where asked for; NaN where missing or infinite. */
  readonly target = new Float64Array(BLOCK_ROWS);
  /** 1 for a row of which a value is missing, or a level unseen: its columns are NaN. */
  readonly missing = new Uint8Array(BLOCK_ROWS);
  /** The levels that training did not meet, in rows where nothing is missing, for those have no prediction anyway. */
  readonly unseen: UnseenLevel[] = [];
  readonly #spec: ModelSpec;
  readonly #terms: readonly CodedTerm[];
  readonly #variables: VariableBlock;
  readonly #hasTarget: boolean;
  /** Per variable: a factor's levels by name, numbered. */
  readonly #levels: (ReadonlyMap<string, number> | undefined)[];
  readonly #codes: Int32Array[];
  readonly #values: Float64Array;
  readonly #effects: readonly TermEffects[];
  /** Rows whose columns are not written yet. */
  #unwritten = 0;

  constructor(
    spec: ModelSpec,
    terms: readonly CodedTerm[],
    levels: FactorLevels,
    options: { extended?: boolean; target?: boolean } = {},
  ) {
    const extended = options.extended ?? false;
    const width = terms.reduce((sum, term) => sum + term.columns.length, 0);
    this.width = width;
    this.#spec = spec;
    this.#terms = terms;
    this.#hasTarget = options.target ?? false;
    this.#variables = new VariableBlock(spec, { extended, target: this.#hasTarget });
    this.#values = new Float64Array(width * BLOCK_ROWS);
    this.low = extended ? new Float64Array(width * BLOCK_ROWS) : undefined;
    this.#levels = spec.variables.map((variable) =>
      variable.kind === "factor" ? composed(levelsOf(variable, levels)) : undefined,
    );
    this.#codes = spec.variables.map(() => new Int32Array(BLOCK_ROWS));
    let first = 0;
    this.#effects = terms.map((term) => {
      const effects = new TermEffects(term, spec, this.#levels, first);
      first += term.columns.length;
      return effects;
    });
  }

  /** What is added to the rows' predictions, where the model has an offset. */
  get offset(): Float64Array | undefined {
    return this.#variables.offset?.hi;
  }

  /** The columns, column-major, column j at j·128; NaN in rows that are missing. */
  get values(): Float64Array {
    const rows = this.#unwritten;
    if (rows > 0) {
      this.#unwritten = 0;
      let column = 0;
      for (const term of this.#terms)
        for (const own of term.columns) this.#write(column++, term.variables, own, rows);
      for (let r = 0; r < rows; r++)
        if (this.missing[r] === 1)
          for (let j = 0; j < this.width; j++) this.#values[j * BLOCK_ROWS + r] = Number.NaN;
    }
    return this.#values;
  }

  /**
   * out += Xβ for the block's rows, term by term; `weights` holds β from its second entry on. A factor's term costs a
   * look-up for each row, however many levels it has. The bits are those of adding all columns in order, of which a
   * row's are zero but for one. With `absolute` Σ |x_j β_j| is added instead.
   */
  addTo(out: Float64Array, weights: Float64Array, rows: number, absolute = false): void {
    for (const effects of this.#effects)
      effects.addTo(out, weights, rows, this.#variables.values, this.#codes, absolute);
    for (let r = 0; r < rows; r++) if (this.missing[r] === 1) out[r] = Number.NaN;
  }

  /** The levels of a variable that is a factor, by number, in the block's rows; −1 for one that is not known. */
  codes(variable: number): Int32Array {
    return this.#codes[variable]!;
  }

  /**
   * Sets `values`, `missing`, `unseen` and `target` for rows `start` to `start + rows` − 1 of a raw block, at most
   * 128.
   */
  fill(raw: RawBlock, start: number, rows: number): void {
    this.#variables.load(raw, start, rows);
    this.missing.fill(0);
    this.unseen.length = 0;
    const unseen = this.#codeFactors(start, rows);
    for (const columns of this.#variables.values)
      for (const { hi } of columns) for (let r = 0; r < rows; r++) if (hi[r]! * 0 !== 0) this.missing[r] = 1;
    const offset = this.#variables.offset?.hi;
    if (offset !== undefined) for (let r = 0; r < rows; r++) if (offset[r]! * 0 !== 0) this.missing[r] = 1;
    for (const level of unseen) if (this.missing[level.row - start] === 0) this.unseen.push(level);
    for (const { row } of unseen) this.missing[row - start] = 1;
    // log(0) is no value to compare with.
    if (this.#hasTarget)
      for (let r = 0; r < rows; r++) {
        const y = this.#variables.target.hi[r]!;
        this.target[r] = Number.isFinite(y) ? y : Number.NaN;
      }
    this.#unwritten = rows;
  }

  /** Numbers the factors' levels, marks rows where one is missing, and gives the levels that are not known. */
  #codeFactors(start: number, rows: number): UnseenLevel[] {
    const unseen: UnseenLevel[] = [];
    this.#spec.variables.forEach((variable, v) => {
      const levels = this.#levels[v];
      if (levels === undefined) return;
      const factor = this.#variables.factors[v]!;
      const names = factor.names();
      for (let r = 0; r < rows; r++) {
        const code = factor.codes[r]!;
        const level = code < 0 ? undefined : levels.get(names[code]!);
        this.#codes[v]![r] = level ?? -1;
        if (code < 0) this.missing[r] = 1;
        else if (level === undefined)
          unseen.push({ factor: variable.label, level: names[code]!, row: start + r });
      }
    });
    return unseen.sort((a, b) => a.row - b.row);
  }

  #write(
    column: number,
    variables: readonly number[],
    { parts, contrasts }: CodedTerm["columns"][number],
    rows: number,
  ): void {
    const at = column * BLOCK_ROWS;
    const out: Values = {
      hi: this.#values.subarray(at, at + BLOCK_ROWS),
      lo: this.low?.subarray(at, at + BLOCK_ROWS),
    };
    out.hi.fill(1, 0, rows);
    out.lo?.fill(0, 0, rows);
    variables.forEach((v, i) => {
      const part = parts[i];
      const levels = this.#levels[v];
      if (levels === undefined) {
        const values = this.#variables.values[v]![typeof part === "number" ? part - 1 : 0]!;
        multiply(out, values, rows, out.hi, out.lo);
        return;
      }
      const codes = this.#codes[v]!;
      const contrast = contrasts?.[i] ?? undefined;
      if (contrast !== undefined) {
        const values = new Float64Array(levels.size);
        for (const [level, value] of contrast) values[levels.get(level)!] = value;
        multiply(
          out,
          { hi: Float64Array.from(codes, (code) => values[code] ?? 0), lo: undefined },
          rows,
          out.hi,
          out.lo,
        );
        return;
      }
      const level = levels.get(part as string)!;
      for (let r = 0; r < rows; r++)
        if (codes[r] !== level) {
          out.hi[r] = 0;
          if (out.lo) out.lo[r] = 0;
        }
    });
  }
}

/** Where each level lies, by its name and, for models of version 0.1, which kept names as they were typed, in NFC too. */
function composed(levels: readonly string[]): ReadonlyMap<string, number> {
  const known = positions(levels);
  const others = levels.filter((name) => name.normalize("NFC") !== name);
  if (others.length === 0) return known;
  return new Map([...others.map((name) => [name.normalize("NFC"), known.get(name)!] as const), ...known]);
}
