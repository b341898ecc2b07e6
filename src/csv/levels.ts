import { isMissing } from "../kernels/reference/number.js";

/** The code of a missing cell. */
export const MISSING_LEVEL = -1;

/**
 * The distinct texts of a factor column, numbered from 0 in the order in which they first appear.
 *
 * A cell's text is its content with surrounding white space trimmed, so that `"a "` and `a` are one level.
 */
export class Levels {
  readonly names: string[] = [];
  /** The row, from 0, on which each level was first seen: levels of several threads are put in file order by it. */
  readonly firstRows: number[] = [];
  readonly #codes = new Map<string, number>();
  // Codes by the cell's bytes as they stand in the file: open addressing, entry e is #keys[e].
  #slots = new Int32Array(64).fill(-1);
  readonly #keys: { hash: number; bytes: Uint8Array; code: number }[] = [];

  /** The code of a cell's text, `MISSING_LEVEL` if it is missing, a new one if it was not seen before. */
  code(cell: string, row: number): number {
    const name = cell.trim();
    const known = this.#codes.get(name);
    if (known !== undefined) return known;
    if (isMissing(name)) return MISSING_LEVEL;
    const code = this.names.length;
    this.names.push(name);
    this.firstRows.push(row);
    this.#codes.set(name, code);
    return code;
  }

  /**
   * `code` of the UTF-8 bytes [from, to), without making a string of a cell whose bytes were seen before.
   *
   * @param escaped whether `""` inside stands for a quote
   */
  codeOfBytes(memory: Uint8Array, from: number, to: number, escaped: boolean, row: number): number {
    // FNV-1a, 32 bits.
    let hash = escaped ? 0x811c9dc6 : 0x811c9dc5;
    for (let i = from; i < to; i++) hash = Math.imul(hash ^ memory[i]!, 0x01000193);
    const mask = this.#slots.length - 1;
    let slot = (hash ^ (hash >>> 15)) & mask;
    for (let e = this.#slots[slot]!; e >= 0; e = this.#slots[slot]!) {
      const key = this.#keys[e]!;
      if (key.hash === hash && equal(key.bytes, memory, from, to)) return key.code;
      slot = (slot + 1) & mask;
    }
    const bytes = memory.slice(from, to);
    const text = decoder.decode(bytes);
    const code = this.code(escaped ? text.replaceAll('""', '"') : text, row);
    this.#slots[slot] = this.#keys.length;
    this.#keys.push({ hash, bytes, code });
    if (this.#keys.length * 2 > this.#slots.length) this.#grow();
    return code;
  }

  #grow(): void {
    const slots = new Int32Array(this.#slots.length * 4).fill(-1);
    const mask = slots.length - 1;
    this.#keys.forEach(({ hash }, e) => {
      let slot = (hash ^ (hash >>> 15)) & mask;
      while (slots[slot]! >= 0) slot = (slot + 1) & mask;
      slots[slot] = e;
    });
    this.#slots = slots;
  }
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

function equal(key: Uint8Array, memory: Uint8Array, from: number, to: number): boolean {
  if (key.length !== to - from) return false;
  for (let i = 0; i < key.length; i++) if (key[i] !== memory[from + i]) return false;
  return true;
}
