/**
 * A table of a FlatBuffer (google.github.io/flatbuffers, "FlatBuffer Internals"), read where it lies: fields are found by
 * their numbers in the schema, those that are not there have the value that they are asked for with.
 *
 * @throws RangeError from any method where what is asked for lies outside of the bytes
 */
export class FlatTable {
  readonly #view: DataView;
  readonly #at: number;

  private constructor(view: DataView, at: number) {
    this.#view = view;
    this.#at = at;
  }

  /** The table that a buffer is of. */
  static root(bytes: Uint8Array): FlatTable {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return new FlatTable(view, view.getUint32(0, true));
  }

  byte(field: number, otherwise = 0): number {
    const at = this.#field(field);
    return at === undefined ? otherwise : this.#view.getInt8(at);
  }

  short(field: number, otherwise = 0): number {
    const at = this.#field(field);
    return at === undefined ? otherwise : this.#view.getInt16(at, true);
  }

  int(field: number, otherwise = 0): number {
    const at = this.#field(field);
    return at === undefined ? otherwise : this.#view.getInt32(at, true);
  }

  /** An integer of 64 bits, which counts something and so is a double. */
  long(field: number): number {
    const at = this.#field(field);
    return at === undefined ? 0 : Number(this.#view.getBigInt64(at, true));
  }

  table(field: number): FlatTable | undefined {
    const at = this.#field(field);
    return at === undefined ? undefined : new FlatTable(this.#view, this.#follow(at));
  }

  text(field: number): string | undefined {
    const at = this.#field(field);
    if (at === undefined) return undefined;
    const start = this.#follow(at);
    const length = this.#view.getUint32(start, true);
    this.#check(start + 4, length);
    return Buffer.from(this.#view.buffer, this.#view.byteOffset + start + 4, length).toString("utf8");
  }

  /** The tables of a vector. */
  tables(field: number): FlatTable[] {
    const { at, count } = this.#vector(field, 4);
    return Array.from({ length: count }, (_, i) => new FlatTable(this.#view, this.#follow(at + 4 * i)));
  }

  /** The bytes of a vector of numbers, or of structs, of `size` bytes each. */
  structs(field: number, size: number): { view: DataView; count: number } {
    const { at, count } = this.#vector(field, size);
    return { view: new DataView(this.#view.buffer, this.#view.byteOffset + at, size * count), count };
  }

  #vector(field: number, size: number): { at: number; count: number } {
    const at = this.#field(field);
    if (at === undefined) return { at: 0, count: 0 };
    const start = this.#follow(at);
    const count = this.#view.getUint32(start, true);
    this.#check(start + 4, size * count);
    return { at: start + 4, count };
  }

  /** Where a field's value lies; its place in the table stands in a list of such places. */
  #field(number: number): number | undefined {
    const places = this.#at - this.#view.getInt32(this.#at, true);
    const end = this.#view.getUint16(places, true);
    const place = 4 + 2 * number;
    if (place + 2 > end) return undefined;
    const within = this.#view.getUint16(places + place, true);
    return within === 0 ? undefined : this.#at + within;
  }

  #follow(at: number): number {
    return at + this.#view.getUint32(at, true);
  }

  #check(at: number, length: number): void {
    if (at + length > this.#view.byteLength) throw new RangeError("the metadata end too early");
  }
}
