import type { NumberFormat } from "../dataset/number-format.js";
import { CellReader, PLAIN_FORMAT } from "../dataset/number-format.js";
import type { Column } from "../dataset/schema.js";
import type { ColumnChoice } from "./column-block.js";
import { CTRL_Z } from "./end-mark.js";

/** The code of a missing cell. */
const MISSING_LEVEL = -1;

/**
 * The distinct texts of a factor column, numbered from 0 in the order in which they first appear.
 *
 * A cell's text is its content with surrounding white space trimmed, so that `"a "` and `a` are one level, in Unicode's
 * composed form (NFC), so that an é is one however it was typed.
 */
export class Levels {
  readonly names: string[] = [];
  /** The row, from 0, on which each level was first seen: levels of several threads are put in file order by it. */
  readonly firstRows: number[] = [];
  readonly #codes = new Map<string, number>();
  /** Whether each name is the only text that is it, and need not be in the map yet. */
  #apart = true;
  readonly #reader: CellReader;
  readonly #noNumbers: boolean;

  /**
   * @param reader what knows missing values and numbers of the column
   * @param noNumbers whether a number among the texts is a mistake
   */
  constructor(reader = new CellReader(PLAIN_FORMAT, ""), noNumbers = false) {
    this.#reader = reader;
    this.#noNumbers = noNumbers;
  }

  /** Whether NA and the like are values in this column. */
  get literal(): boolean {
    return this.#reader.literal;
  }

  /**
   * The code of a cell's text, −1 if it is missing, a new one if it was not seen before; undefined where it is a number,
   * and the column is to have none.
   */
  code(cell: string, row: number): number | undefined {
    if (this.#apart) this.#index();
    const text = cell.trim();
    const known = this.#codes.get(text);
    if (known !== undefined) return known;
    if (this.#reader.isMissing(text)) return MISSING_LEVEL;
    if (this.#noNumbers && this.#reader.isNumber(text)) return undefined;
    // The end mark of DOS, which the csv-parse lane takes off the last cell, and names anywhere else.
    if (text.includes(END_MARK)) return undefined;
    // ASCII is composed as it stands, and most names are: of 100,000 of them asking takes longer than all else.
    const name = ASCII.test(text) ? text : text.normalize("NFC");
    let code = name === text ? undefined : this.#codes.get(name);
    if (code === undefined) {
      code = this.names.push(name) - 1;
      this.firstRows.push(row);
      this.#codes.set(name, code);
    }
    if (name !== text) this.#codes.set(text, code);
    return code;
  }

  /**
   * The same of a text that no other call had, byte for byte: as long as all of them are plain ASCII, each is a level of its
   * own, and a hundred thousand need not be looked up.
   */
  codeOfNew(cell: string, row: number): number | undefined {
    if (!this.#apart || !PLAIN.test(cell)) return this.code(cell, row);
    if (this.#reader.isMissing(cell)) return MISSING_LEVEL;
    if (this.#noNumbers && this.#reader.isNumber(cell)) return undefined;
    this.firstRows.push(row);
    return this.names.push(cell) - 1;
  }

  #index(): void {
    this.#apart = false;
    for (const [code, name] of this.names.entries()) this.#codes.set(name, code);
  }
}

const END_MARK = String.fromCharCode(CTRL_Z);

/** Printable ASCII without blanks around it. */
const PLAIN = /^[!-~](?:[ -~]*[!-~])?$/;

// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII.
const ASCII = /^[\x00-\x7f]*$/;

/** The dictionaries of a choice's factors in a table. */
export function levelsOf(
  { columns, format }: { readonly columns: readonly Column[]; readonly format: NumberFormat },
  choice: ColumnChoice,
): Levels[] {
  return choice.factors.map((at) => {
    const { name, noNumbers = false } = columns[at]!;
    return new Levels(new CellReader(format, name), noNumbers);
  });
}
