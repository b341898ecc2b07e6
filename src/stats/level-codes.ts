/**
 * The names of a factor's levels, numbered as they come. Codes are never taken back, so that tables of cells which
 * share a dictionary stay readable while it grows.
 */
export class LevelCodes {
  readonly names: string[];
  /**
   * Open addressing by hash: code + 1, or 0; at most half full. Made when a name is first looked up. A `Map` takes three
   * times as long for a hundred thousand names.
   */
  #slots: Int32Array | undefined;
  /** By code. */
  #hashes = new Int32Array(0);
  /** How many of the names have slots. */
  #indexed = 0;

  constructor(names: Iterable<string> = []) {
    this.names = [...names];
  }

  /** The code of a name, a new one where it was not there. */
  code(name: string): number {
    const slots = this.#index();
    const hash = hashOf(name);
    const slot = this.#slotOf(slots, name, hash);
    if (slots[slot] !== 0) return slots[slot]! - 1;
    const code = this.names.push(name) - 1;
    this.#put(slots, slot, code, hash);
    return code;
  }

  /** The code of a name, −1 where it is not there. */
  find(name: string): number {
    const slots = this.#index();
    return slots[this.#slotOf(slots, name, hashOf(name))]! - 1;
  }

  /** Whether the other's codes mean here what they mean there. */
  includes({ names }: LevelCodes): boolean {
    return names.every((name, code) => this.names[code] === name);
  }

  /** The slots, with room for a name more. */
  #index(): Int32Array {
    if (this.#slots !== undefined && this.#slots.length > 2 * this.names.length) return this.#slots;
    let size = 16;
    while (size < 4 * (this.names.length + 1)) size *= 2;
    const slots = new Int32Array(size);
    const hashes = new Int32Array(size / 2);
    hashes.set(this.#hashes.subarray(0, this.#indexed));
    this.#hashes = hashes;
    this.#slots = slots;
    for (let code = 0; code < this.names.length; code++) {
      const name = this.names[code]!;
      const hash = code < this.#indexed ? hashes[code]! : hashOf(name);
      this.#put(slots, this.#slotOf(slots, name, hash), code, hash);
    }
    return slots;
  }

  #put(slots: Int32Array, slot: number, code: number, hash: number): void {
    slots[slot] = code + 1;
    this.#hashes[code] = hash;
    this.#indexed = Math.max(this.#indexed, code + 1);
  }

  /** The slot of a name, or the free one where it belongs. */
  #slotOf(slots: Int32Array, name: string, hash: number): number {
    const mask = slots.length - 1;
    for (let i = hash & mask; ; i = (i + 1) & mask) {
      const code = slots[i]! - 1;
      if (code < 0 || (this.#hashes[code] === hash && this.names[code] === name)) return i;
    }
  }
}

function hashOf(name: string): number {
  let hash = 0x9e3779b1;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x85ebca6b);
  return hash ^ (hash >>> 15);
}

/** The part of a column's key that stands for one level of a factor. */
export function levelKey(factor: string, level: string | number): string {
  return `${factor}[${String(level).replace(/[\\\]]/g, "\\$&")}]`;
}
