/** What may come next in a text of JSON. */
type Expected = "value" | "value or ]" | "key" | "key or }" | ":" | ", or end" | "nothing";

/** An array or an object that is not complete. */
interface Open {
  value: unknown[] | Record<string, unknown>;
  /** Of an object, the key that the next value belongs to. */
  key: string;
}

/** Lists of numbers of so many bytes are taken at once. */
const LIST = 64;
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const WORDS: ReadonlyMap<string, boolean | null> = new Map([
  ["true", true],
  ["false", false],
  ["null", null],
]);

/**
 * Reads JSON that comes in pieces, cut anywhere: the value of `JSON.parse`, of a text that need not fit into one string, of
 * which V8's end at 512 MB, and whose reader is not to be held up. What is kept of the text is the token that a piece ends
 * in. Numbers that stand one after another in a list are taken by `JSON.parse`, which is faster than one by one.
 *
 * @throws SyntaxError where it is no JSON
 */
export class JsonReader {
  #rest: Buffer = Buffer.alloc(0);
  /** What came since, which is no more than the rest. */
  #since: Buffer[] = [];
  #sinceBytes = 0;
  #expected: Expected = "value";
  #result: unknown;
  #twice: string | undefined;
  readonly #open: Open[] = [];

  /** The first key that an object had twice, of which the last counts; undefined where none had. */
  get twice(): string | undefined {
    return this.#twice;
  }

  /** Takes the next piece of the text, UTF-8. */
  push(piece: Buffer): void {
    this.#since.push(piece);
    this.#sinceBytes += piece.length;
    // A token that spans many pieces is looked at each time that it has doubled.
    if (this.#sinceBytes >= this.#rest.length) this.#takeAll(false);
  }

  /** The value, when all pieces were taken. */
  end(): unknown {
    this.#takeAll(true);
    if (this.#expected !== "nothing") throw wrong("end of the text", this.#expected);
    return this.#result;
  }

  #takeAll(last: boolean): void {
    const bytes =
      this.#rest.length === 0 && this.#since.length === 1
        ? this.#since[0]!
        : Buffer.concat([this.#rest, ...this.#since]);
    this.#since = [];
    this.#sinceBytes = 0;
    this.#rest = bytes.subarray(this.#take(bytes, last));
  }

  /** Takes all tokens that are complete; where the first one begins that is not. */
  #take(bytes: Buffer, last: boolean): number {
    // A character for each byte: slices of it cost less than of the bytes.
    const signs = bytes.toString("latin1");
    for (let i = 0; i < bytes.length; ) {
      const byte = bytes[i]!;
      if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) i++;
      else if (byte === 0x22) {
        const end = endOfString(bytes, i + 1);
        if (end < 0) {
          if (last) throw wrong("end of the text in a string", this.#expected);
          return i;
        }
        this.#string(JSON.parse(bytes.toString("utf8", i, end)) as string);
        i = end;
      } else if (isPunctuation(byte)) {
        this.#punctuation(byte);
        i++;
      } else {
        const behind = this.#numbers(bytes, signs, i);
        if (behind > i) {
          i = behind;
          continue;
        }
        let end = i + 1;
        while (end < bytes.length && isPlain(bytes[end]!)) end++;
        if (end === bytes.length && !last) return i;
        this.#value(plainValue(signs.slice(i, end)));
        i = end;
      }
    }
    return bytes.length;
  }

  /** Takes the numbers that follow in a list, all that are complete and have a comma behind them; where they end. */
  #numbers(bytes: Buffer, signs: string, from: number): number {
    const list = this.#open.at(-1)?.value;
    if (!Array.isArray(list) || (this.#expected !== "value" && this.#expected !== "value or ]")) return from;
    let comma = from;
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at]!;
      if (byte === 0x2c) comma = at;
      else if (!ofNumber(byte)) break;
    }
    if (comma - from < LIST) return from;
    let numbers: number[];
    try {
      numbers = JSON.parse(`[${signs.slice(from, comma)}]`) as number[];
    } catch {
      // What is wrong is found where it stands, one by one.
      return from;
    }
    for (const number of numbers) list.push(number);
    this.#expected = "value";
    return comma + 1;
  }

  #string(text: string): void {
    if (this.#expected !== "key" && this.#expected !== "key or }") {
      this.#value(text);
      return;
    }
    this.#open.at(-1)!.key = text;
    this.#expected = ":";
  }

  #punctuation(byte: number): void {
    const sign = String.fromCharCode(byte);
    const expected = this.#expected;
    const inside = this.#open.at(-1)?.value;
    if (sign === "[" || sign === "{") {
      const value = sign === "[" ? [] : {};
      this.#value(value);
      this.#open.push({ value, key: "" });
      this.#expected = sign === "[" ? "value or ]" : "key or }";
    } else if (sign === ":" && expected === ":") this.#expected = "value";
    else if (sign === "," && expected === ", or end" && inside !== undefined)
      this.#expected = Array.isArray(inside) ? "value" : "key";
    else if (
      (sign === "]" && Array.isArray(inside) && (expected === ", or end" || expected === "value or ]")) ||
      (sign === "}" &&
        inside !== undefined &&
        !Array.isArray(inside) &&
        (expected === ", or end" || expected === "key or }"))
    ) {
      this.#open.pop();
      this.#expected = this.#open.length === 0 ? "nothing" : ", or end";
    } else throw wrong(JSON.stringify(sign), expected);
  }

  #value(value: unknown): void {
    if (this.#expected !== "value" && this.#expected !== "value or ]") throw wrong("a value", this.#expected);
    const open = this.#open.at(-1);
    if (open === undefined) this.#result = value;
    else if (Array.isArray(open.value)) open.value.push(value);
    else this.#member(open.value, open.key, value);
    this.#expected = open === undefined ? "nothing" : ", or end";
  }

  #member(object: Record<string, unknown>, key: string, value: unknown): void {
    if (Object.hasOwn(object, key)) this.#twice ??= key;
    // A key of that name would set the object's prototype.
    if (key === "__proto__")
      Object.defineProperty(object, key, {
        value,
        enumerable: true,
        configurable: true,
        writable: true,
      });
    else object[key] = value;
  }
}

/** Behind the quote that ends a string whose text begins at `from`; −1 where there is none. */
function endOfString(bytes: Buffer, from: number): number {
  for (let i = from; i < bytes.length; i++) {
    if (bytes[i] === 0x22) return i + 1;
    if (bytes[i] === 0x5c) i++;
  }
  return -1;
}

function isPunctuation(byte: number): boolean {
  return byte === 0x2c || byte === 0x3a || byte === 0x5b || byte === 0x5d || byte === 0x7b || byte === 0x7d;
}

/** Whether a byte may stand in a number, or between two. */
function ofNumber(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    byte === 0x2e ||
    byte === 0x2d ||
    byte === 0x65 ||
    byte === 0x45 ||
    byte === 0x2b ||
    byte === 0x20 ||
    byte === 0x0a ||
    byte === 0x0d ||
    byte === 0x09
  );
}

/** Whether a byte may stand in a number or a word. */
function isPlain(byte: number): boolean {
  return !isPunctuation(byte) && byte !== 0x22 && byte > 0x20;
}

function plainValue(text: string): number | boolean | null {
  if (NUMBER.test(text)) return Number(text);
  const value = WORDS.get(text);
  if (value === undefined) throw new SyntaxError(`unexpected ${JSON.stringify(text)} in JSON`);
  return value;
}

function wrong(found: string, expected: Expected): SyntaxError {
  return new SyntaxError(`unexpected ${found} in JSON, expected ${expected}`);
}
