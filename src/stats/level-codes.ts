/**
 * The names of a factor's levels, numbered as they come. Codes are never taken back, so that tables of cells which
 * share a dictionary stay readable while it grows.
 */
export class LevelCodes {
  readonly names: string[];
  readonly #codes: Map<string, number>;

  constructor(names: Iterable<string> = []) {
    this.names = [...names];
    this.#codes = new Map(this.names.map((name, code) => [name, code]));
  }

  /** The code of a name, a new one where it was not there. */
  code(name: string): number {
    let code = this.#codes.get(name);
    if (code === undefined) {
      code = this.names.push(name) - 1;
      this.#codes.set(name, code);
    }
    return code;
  }

  /** The code of a name, −1 where it is not there. */
  find(name: string): number {
    return this.#codes.get(name) ?? -1;
  }
}

/** The part of a column's key that stands for one level of a factor. */
export function levelKey(factor: string, level: string | number): string {
  return `${factor}[${String(level).replace(/[\\\]]/g, "\\$&")}]`;
}
