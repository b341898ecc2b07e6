import { BLOCK_ROWS } from "./block-rows.js";
import type { Kernels } from "./kernels.js";

const STRUCT_BYTES = 32;
const ENTRY_BYTES = 8;
const SLOT_BYTES = 16;

/**
 * The levels of a text column: codes 0, 1, … in order of first appearance.
 *
 * Open addressing over the cells' bytes, at most half full. Memory is 40 bytes for a level and its text, and as
 * much again for what the table was before it grew.
 */
export class LevelTable {
  readonly maxLevels: number;
  readonly #kernels: Kernels;
  readonly #struct: number;
  readonly #names: string[] = [];

  /**
   * `maxLevels` is the most levels that `intern` accepts; default 2²⁰. With `literal`, NA and the like are levels, and
   * only an empty cell is missing.
   */
  constructor(kernels: Kernels, maxLevels = 1 << 20, literal = false) {
    this.maxLevels = maxLevels;
    this.#kernels = kernels;
    this.#struct = kernels.allocZeroed(STRUCT_BYTES);
    kernels.ints[this.#struct / 4 + 7] = literal ? 1 : 0;
    this.#enlarge(64, 1024);
  }

  get size(): number {
    return this.#kernels.ints[this.#struct / 4]!;
  }

  /**
   * Writes the code of each of `rows` text cells (slot `slot` of a block that `RowParser` filled) as an i32 to
   * `codes`, −1 for a missing one. Returns false where the column has more than `maxLevels` levels.
   */
  intern(block: number, slot: number, rows: number, codes: number, stride = BLOCK_ROWS): boolean {
    const { exports } = this.#kernels;
    const cells = block + 8 * stride * slot;
    let done = 0;
    for (;;) {
      done += exports.internCells(this.#struct, cells + 8 * done, rows - done, codes + 4 * done);
      if (this.size > this.maxLevels) return false;
      if (done === rows) return true;
      const { ints } = this.#kernels;
      const at = this.#struct / 4;
      const length = ints[cells / 4 + 2 * done + 1]! & 0x7fffffff;
      const [count, room, used, textRoom] = [ints[at]!, ints[at + 1]!, ints[at + 5]!, ints[at + 6]!];
      this.#enlarge(
        count === room ? 2 * room : room,
        used + length + 8 > textRoom ? 2 * (textRoom + length) : textRoom,
      );
    }
  }

  /** The text of a level. Throws a RangeError if there is none of that code. */
  level(code: number): string {
    const { ints, bytes } = this.#kernels;
    const at = this.#struct / 4;
    if (!(code >= 0 && code < this.size)) throw new RangeError(`no level ${code} among ${this.size}`);
    let name = this.#names[code];
    if (name === undefined) {
      const entry = ((ints[at + 2]! >>> 0) + ENTRY_BYTES * code) / 4;
      const start = (ints[at + 4]! >>> 0) + ints[entry]!;
      name = UTF8.decode(bytes.subarray(start, start + ints[entry + 1]!));
      this.#names[code] = name;
    }
    return name;
  }

  /** All levels, by code. */
  levels(): string[] {
    return Array.from({ length: this.size }, (_, code) => this.level(code));
  }

  /** Forgets all levels. */
  reset(): void {
    const { ints, bytes } = this.#kernels;
    const at = this.#struct / 4;
    ints[at] = 0;
    ints[at + 5] = 0;
    const slots = ints[at + 3]! >>> 0;
    bytes.fill(0, slots, slots + 2 * SLOT_BYTES * ints[at + 1]!);
    this.#names.length = 0;
  }

  #enlarge(room: number, textRoom: number): void {
    const kernels = this.#kernels;
    const at = this.#struct / 4;
    if (room > kernels.ints[at + 1]!) {
      const entries = kernels.alloc(ENTRY_BYTES * room);
      const slots = kernels.allocZeroed(2 * SLOT_BYTES * room);
      const { ints, bytes } = kernels;
      const before = ints[at + 2]! >>> 0;
      bytes.copyWithin(entries, before, before + ENTRY_BYTES * ints[at]!);
      ints[at + 1] = room;
      ints[at + 2] = entries;
      ints[at + 3] = slots;
      kernels.exports.rehash(this.#struct);
    }
    if (textRoom > kernels.ints[at + 6]!) {
      const texts = kernels.alloc(textRoom);
      const { ints, bytes } = kernels;
      const before = ints[at + 4]! >>> 0;
      bytes.copyWithin(texts, before, before + ints[at + 5]!);
      ints[at + 4] = texts;
      ints[at + 6] = textRoom;
    }
  }
}

const UTF8 = new TextDecoder("utf-8", { ignoreBOM: true });
