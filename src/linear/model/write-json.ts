import { setImmediate as nextTick } from "node:timers/promises";
import { openOutput } from "../../csv/write.js";
import { InterruptedError } from "../../errors.js";
import { Kernels } from "../../kernels/kernels.js";
import { NumberWriter } from "../../kernels/number-writer.js";
import { digestEnd, newDigest } from "./digest.js";

/** Numbers of a list that are written at a time. */
const NUMBERS = 1 << 13;
/** Bytes that are written to the file at a time. */
const ROOM = 1 << 20;

/**
 * Writes the document of a model as JSON to a file, or to standard output for `-`: the bytes of `JSON.stringify(value)`
 * (a Float64Array or an Int32Array is a list of numbers) with a digest as the last member, and LF, piece by piece, so that a model of
 * thousands of columns neither needs a text of its own size (V8's end at 512 MB) nor holds the
 * thread while it is made. The file is there when it is whole, see `openOutput`.
 *
 * @param check called just before the file is the one at its path; what it throws leaves the path as it was
 * @throws DataError if it cannot be written; InterruptedError when `signal` aborts
 */
export async function writeJson(
  path: string,
  value: unknown,
  signal?: AbortSignal,
  check?: () => void,
): Promise<void> {
  const output = openOutput(path);
  // What is written goes to the disk while the next is made.
  let writing: Promise<boolean> | undefined;
  try {
    const digest = newDigest();
    let [buffer, other] = [Buffer.allocUnsafeSlow(ROOM), Buffer.allocUnsafeSlow(ROOM)];
    let bytes = 0;
    const flush = async () => {
      await writing;
      writing = output.write(buffer.subarray(0, bytes));
      writing.catch(() => {});
      [buffer, other] = [other, buffer];
      bytes = 0;
      await nextTick();
      if (signal?.aborted) throw new InterruptedError(undefined, { cause: signal.reason });
    };
    const put = async (piece: Uint8Array) => {
      for (let from = 0; from < piece.length; ) {
        if (bytes === buffer.length) await flush();
        const part = piece.subarray(from, from + buffer.length - bytes);
        buffer.set(part, bytes);
        bytes += part.length;
        from += part.length;
      }
    };
    for (const piece of jsonPieces(value, { open: true })) {
      digest.update(piece);
      if (piece.length <= buffer.length - bytes) {
        buffer.set(piece, bytes);
        bytes += piece.length;
      } else await put(piece);
    }
    await put(Buffer.from(`${digestEnd(digest)}\n`));
    await flush();
    await writing;
    await output.commit(check);
  } catch (error) {
    await writing?.catch(() => {});
    output.abort();
    throw error;
  }
}

/**
 * The bytes of `JSON.stringify(value)`, long lists of numbers in pieces, each of which the next overwrites; with `open`
 * without the last brace of an object.
 */
export function* jsonPieces(
  value: unknown,
  { open = false }: { open?: boolean } = {},
): Generator<Uint8Array, void, void> {
  let writer: ListWriter | undefined;
  let text = "";
  const take = () => {
    const bytes = Buffer.from(text);
    text = "";
    return bytes;
  };
  function* walk(v: unknown, end = "}"): Generator<Uint8Array, void, void> {
    const plain = has("toLists", v) ? v.toLists() : has("toJSON", v) ? v.toJSON() : v;
    if (
      plain instanceof Float64Array ||
      plain instanceof Int32Array ||
      (Array.isArray(plain) &&
        plain.length > NUMBERS &&
        plain.every((x) => typeof x === "number" || x === null))
    ) {
      text += "[";
      yield take();
      writer ??= new ListWriter();
      yield* writer.pieces(plain);
      text += "]";
    } else if (Array.isArray(plain) && !plain.some(holdsLists)) {
      text += "[";
      for (let from = 0; from < plain.length; from += NUMBERS) {
        text += `${from > 0 ? "," : ""}${JSON.stringify(plain.slice(from, from + NUMBERS)).slice(1, -1)}`;
        if (text.length > NUMBERS) yield take();
      }
      text += "]";
    } else if (Array.isArray(plain)) {
      text += "[";
      for (const [i, item] of plain.entries()) {
        if (i > 0) text += ",";
        if (holdsLists(item)) yield* walk(item);
        else text += JSON.stringify(item) ?? "null";
        if (text.length > NUMBERS) yield take();
      }
      text += "]";
    } else if (typeof plain === "object" && plain !== null) {
      text += "{";
      let first = true;
      for (const [key, item] of Object.entries(plain)) {
        if (item === undefined) continue;
        text += `${first ? "" : ","}${JSON.stringify(key)}:`;
        first = false;
        if (holdsLists(item)) yield* walk(item);
        else text += JSON.stringify(item) ?? "null";
        if (text.length > NUMBERS) yield take();
      }
      text += end;
    } else text += JSON.stringify(plain);
  }
  yield* walk(value, open ? "" : "}");
  yield take();
}

/** Whether a value says by a method what is to be written of it; `toLists` is `toJSON` with typed arrays for lists. */
function has<Name extends string>(name: Name, v: unknown): v is { [Method in Name]: () => unknown } {
  return typeof v === "object" && v !== null && typeof (v as Record<string, unknown>)[name] === "function";
}

function holdsLists(v: unknown): boolean {
  return typeof v === "object" && v !== null;
}

/** Lists of numbers by the kernel that writes CSV: a row of them is what stands between the brackets. */
class ListWriter {
  readonly #kernels = new Kernels();
  readonly #writer = new NumberWriter(this.#kernels);
  readonly #values = this.#kernels.alloc(8 * NUMBERS);

  *pieces(list: readonly (number | null)[] | Float64Array | Int32Array): Generator<Uint8Array, void, void> {
    for (let from = 0; from < list.length; from += NUMBERS) {
      const count = Math.min(NUMBERS, list.length - from);
      const values = this.#kernels.doublesAt(this.#values, count);
      const finite =
        list instanceof Float64Array || list instanceof Int32Array
          ? takeNumbers(values, list.subarray(from, from + count))
          : takeList(values, list, from);
      if (from > 0) yield COMMA;
      if (!finite) yield Buffer.from(JSON.stringify(Array.from(list.slice(from, from + count))).slice(1, -1));
      // The row's LF is left out.
      else yield this.#writer.rows(this.#values, 1, count, { stride: 1 }).subarray(0, -1);
    }
  }
}

/** Copies numbers; whether all are finite. */
function takeNumbers(values: Float64Array, list: Float64Array | Int32Array): boolean {
  values.set(list);
  if (list instanceof Int32Array) return true;
  // Infinity less itself is NaN, and what NaN is added to.
  let sum = 0;
  for (let i = 0; i < list.length; i++) sum += list[i]! - list[i]!;
  return sum === 0;
}

/** The same of a list that may have null. */
function takeList(values: Float64Array, list: readonly (number | null)[], from: number): boolean {
  let finite = true;
  for (let i = 0; i < values.length; i++) {
    const x = list[from + i]!;
    finite &&= x !== null && Number.isFinite(x);
    values[i] = x;
  }
  return finite;
}

const COMMA = Buffer.from(",");
