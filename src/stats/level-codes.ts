/**
 * The names of a factor's levels, numbered as they come. Codes are never taken back, so that tables of cells which
 * share a dictionary stay readable while it grows.
 */
export class LevelCodes {
  readonly names: string[];
  /** Made when a name is first looked up. */
  #codes: Map<string, number> | undefined;

  constructor(names: Iterable<string> = []) {
    this.names = [...names];
  }

  /** The code of a name, a new one where it was not there. */
  code(name: string): number {
    const codes = this.#index();
    let code = codes.get(name);
    if (code === undefined) {
      code = this.names.push(name) - 1;
      codes.set(name, code);
    }
    return code;
  }

  /** The code of a name, −1 where it is not there. */
  find(name: string): number {
    return this.#index().get(name) ?? -1;
  }

  /** Whether the other's codes mean here what they mean there. */
  includes({ names }: LevelCodes): boolean {
    return names.every((name, code) => this.names[code] === name);
  }

  #index(): Map<string, number> {
    this.#codes ??= new Map(this.names.map((name, code) => [name, code]));
    return this.#codes;
  }
}

/** The part of a column's key that stands for one level of a factor. */
export function levelKey(factor: string, level: string | number): string {
  return `${factor}[${String(level).replace(/[\\\]]/g, "\\$&")}]`;
}
