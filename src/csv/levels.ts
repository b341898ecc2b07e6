/** The distinct texts of a factor column, numbered from 0 in the order in which they first appear. */
export class Levels {
  readonly names: string[] = [];
  readonly #codes = new Map<string, number>();

  /** The number of a level, a new one if it was not seen before. */
  code(name: string): number {
    const known = this.#codes.get(name);
    if (known !== undefined) return known;
    const code = this.names.length;
    this.names.push(name);
    this.#codes.set(name, code);
    return code;
  }
}
