import { isBlank } from "./sample.js";

const LF = 10;
const CR = 13;

/** Where a record starts: its byte offset in the file and its line, from 1. */
export interface RecordPlace {
  readonly start: number;
  readonly line: number;
}

/** A record's place and its bytes, line end included. */
export interface RecordBytes extends RecordPlace {
  readonly bytes: Uint8Array;
}

/**
 * Follows the bytes that go into csv-parse, to say at which byte and line a record starts.
 *
 * csv-parse counts a quoted CRLF as two lines and does not tell where a record began, only where it ended;
 * so the bytes between two ends are kept until then and looked through here.
 */
export class LineTracker {
  readonly #newline: number;
  readonly #delimiter: string;
  readonly #columns: number;
  #bytes: Buffer = Buffer.alloc(0);
  /** Offset in the file of `#bytes[0]`, and its line. */
  #offset: number;
  #line: number;

  constructor(offset: number, line: number, newline: "\n" | "\r", delimiter: string, columns: number) {
    this.#offset = offset;
    this.#line = line;
    this.#newline = newline === "\n" ? LF : CR;
    this.#delimiter = delimiter;
    this.#columns = columns;
  }

  /** Takes the next bytes that csv-parse is given. */
  add(bytes: Uint8Array): void {
    this.#bytes = this.#bytes.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#bytes, bytes]);
  }

  /**
   * Moves past the record that ends at `end`, an offset in the file.
   *
   * @returns where it starts and its bytes; undefined if the bytes up to there are blank lines
   */
  advance(end: number): RecordBytes | undefined {
    if (!this.#skipBlank(end)) return undefined;
    const length = end - this.#offset;
    const record = { start: this.#offset, line: this.#line, bytes: this.#bytes.subarray(0, length) };
    this.#drop(length);
    return record;
  }

  /** The record that the bytes end with where csv-parse saw none: a line of spaces without line end. */
  rest(): RecordBytes | undefined {
    return this.advance(this.#offset + this.#bytes.length);
  }

  /** Where the cell after byte `from` starts, and its text up to the line's end, for an error's message. */
  cellAfter(from: number): RecordPlace & { text: string } {
    if (from <= this.#offset) this.#skipBlank(this.#offset + this.#bytes.length);
    else this.#drop(from - this.#offset + 1);
    const lineEnd = this.#bytes.indexOf(this.#newline);
    const text = this.#bytes.subarray(0, lineEnd < 0 ? this.#bytes.length : lineEnd).toString();
    return { start: this.#offset, line: this.#line, text: text.trim() };
  }

  /** Drops blank lines before `end`; true if something else comes before it. */
  #skipBlank(end: number): boolean {
    while (this.#offset < end) {
      const first = this.#bytes[0]!;
      if (first > 0x20 && first < 0x7f) return true;
      const at = this.#bytes.indexOf(this.#newline);
      const lineEnd = at < 0 || this.#offset + at >= end ? end - this.#offset : at;
      const content = this.#bytes.subarray(0, lineEnd).toString();
      const empty = content === "" || content === "\r";
      if (!empty && (this.#columns === 1 || !isBlank(content, this.#delimiter))) return true;
      this.#drop(Math.min(lineEnd + 1, end - this.#offset));
    }
    return false;
  }

  #drop(count: number): void {
    for (let at = this.#bytes.indexOf(this.#newline); at >= 0 && at < count; this.#line++) {
      at = this.#bytes.indexOf(this.#newline, at + 1);
    }
    this.#bytes = this.#bytes.subarray(count);
    this.#offset += count;
  }
}
