import { isMissing } from "../kernels/number.js";

/** The levels of columns of very many, which would else be put into a set for each request. */
const sets = new WeakMap<readonly string[], ReadonlySet<string>>();

/**
 * Texts of one column of records, numbered as they appear. Surrounding white space is trimmed and the text composed
 * (NFC), as those of files are; NA and the like are missing, unless a level of the model is called so.
 */
export class TextCodes {
  readonly names: string[] = [];
  readonly #levels: ReadonlySet<string>;
  readonly #codes = new Map<string, number>();

  /** @param levels those that training met, none for a column of dates */
  constructor(levels: readonly string[] = []) {
    let known = sets.get(levels);
    if (known === undefined) {
      known = new Set(levels);
      sets.set(levels, known);
    }
    this.#levels = known;
  }

  /** The code of a text, −1 for one that is missing. */
  code(text: string | null): number {
    if (text === null) return -1;
    const known = this.#codes.get(text);
    if (known !== undefined) return known;
    const name = text.trim().normalize("NFC");
    let code = this.#codes.get(name);
    if (code === undefined)
      code = isMissing(name) && !this.#levels.has(name) ? -1 : this.names.push(name) - 1;
    this.#codes.set(name, code);
    this.#codes.set(text, code);
    return code;
  }
}
