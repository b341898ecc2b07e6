/** A value of a field: a number of so many bytes, a text, a table, tables, or structs as their bytes. */
type FlatValue =
  | { readonly number: number; readonly bytes: 1 | 2 | 4 | 8 }
  | { readonly text: string }
  | { readonly table: FlatFields }
  | { readonly tables: readonly FlatFields[] }
  | { readonly structs: Uint8Array; readonly size: number };

/** The fields of a table, by their numbers in the schema; undefined for one that is left out. */
export type FlatFields = readonly (FlatValue | undefined)[];

/** Writes a table as a FlatBuffer (google.github.io/flatbuffers, "FlatBuffer Internals"), filled up to 8 bytes. */
export function flatBuffer(root: FlatFields): Uint8Array {
  const writer = new FlatWriter();
  writer.take(4);
  writer.pointAt(0, writer.table(root));
  return writer.bytes();
}

/** What is pointed at comes behind what points at it: offsets are not negative. */
class FlatWriter {
  #view = new DataView(new ArrayBuffer(1024));
  #end = 0;

  bytes(): Uint8Array {
    this.#align(8);
    return new Uint8Array(this.#view.buffer, 0, this.#end);
  }

  /** Room for bytes, of which all are 0. */
  take(count: number): number {
    const at = this.#end;
    this.#end += count;
    if (this.#end > this.#view.byteLength) {
      const larger = new ArrayBuffer(2 * this.#end);
      new Uint8Array(larger).set(new Uint8Array(this.#view.buffer));
      this.#view = new DataView(larger);
    }
    return at;
  }

  pointAt(from: number, to: number): void {
    this.#view.setUint32(from, to - from, true);
  }

  /** A table, its fields by decreasing size, behind the list of their places; then what they point at. */
  table(fields: FlatFields): number {
    this.#align(8);
    const list = this.take(4 + 2 * fields.length);
    this.#align(8);
    const at = this.take(4);
    this.#view.setInt32(at, at - list, true);
    const pointers: [number, FlatValue][] = [];
    fields.forEach((value, number) => {
      if (value === undefined) return;
      const size = "number" in value ? value.bytes : 4;
      this.#align(size);
      const place = this.take(size);
      this.#view.setUint16(list + 4 + 2 * number, place - at, true);
      if ("number" in value) this.#number(place, value);
      else pointers.push([place, value]);
    });
    this.#view.setUint16(list, 4 + 2 * fields.length, true);
    this.#view.setUint16(list + 2, this.#end - at, true);
    for (const [place, value] of pointers) this.pointAt(place, this.#pointed(value));
    return at;
  }

  #number(at: number, { number, bytes }: { number: number; bytes: 1 | 2 | 4 | 8 }): void {
    if (bytes === 8) this.#view.setBigInt64(at, BigInt(number), true);
    else if (bytes === 4) this.#view.setInt32(at, number, true);
    else if (bytes === 2) this.#view.setInt16(at, number, true);
    else this.#view.setInt8(at, number);
  }

  #pointed(value: FlatValue): number {
    if ("table" in value) return this.table(value.table);
    if ("text" in value) {
      const text = Buffer.from(value.text);
      this.#align(4);
      // A zero stands behind it.
      const at = this.take(4 + text.length + 1);
      this.#view.setUint32(at, text.length, true);
      new Uint8Array(this.#view.buffer).set(text, at + 4);
      return at;
    }
    if ("tables" in value) {
      this.#align(4);
      const { length } = value.tables;
      const at = this.take(4 + 4 * length);
      this.#view.setUint32(at, length, true);
      for (const [i, fields] of value.tables.entries()) this.pointAt(at + 4 + 4 * i, this.table(fields));
      return at;
    }
    if ("structs" in value) {
      // The structs themselves lie at a multiple of 8.
      this.#align(8);
      const at = this.take(8 + value.structs.length) + 4;
      this.#view.setUint32(at, value.structs.length / value.size, true);
      new Uint8Array(this.#view.buffer).set(value.structs, at + 4);
      return at;
    }
    throw new Error("a number stands in its table");
  }

  #align(size: number): void {
    this.take((size - (this.#end % size)) % size);
  }
}
