import { availableParallelism } from "node:os";
import { setImmediate as nextTick } from "node:timers/promises";
import { type Output, openOutput } from "../../csv/write.js";
import { InterruptedError } from "../../errors.js";
import { ListText, type NumberList, SharedListText } from "../list-text.js";
import { digestEnd, newDigest } from "./digest.js";

/** Items of a list that are written at a time. */
const ITEMS = 1 << 13;
/** Bytes that are written to the file at a time. */
const ROOM = 1 << 20;

/** How a document is written. */
export interface WriteJsonOptions {
  signal?: AbortSignal | undefined;
  /** Called just before the file is the one at its path; what it throws leaves the path as it was. */
  check?: (() => void) | undefined;
  /** Called while the disk is waited for, if it is: what else there is to do. What it throws leaves the path as it was. */
  meanwhile?: (() => void) | undefined;
  /** Threads that write long lists, this one among them; the bytes are the same. Default: as many as there are cores. */
  threads?: number | undefined;
}

/**
 * Writes the document of a model as JSON to a file, or to standard output for `-`: the bytes of `JSON.stringify(value)`
 * (a Float64Array or an Int32Array is a list of numbers) with a digest as the last member, and LF, piece by piece, so that a model of
 * thousands of columns neither needs a text of its own size (V8's end at 512 MB) nor holds the
 * thread while it is made. The file is there when it is whole, see `openOutput`.
 *
 * @throws DataError if it cannot be written; InterruptedError when `signal` aborts
 */
export async function writeJson(path: string, value: unknown, options: WriteJsonOptions = {}): Promise<void> {
  await writeJsonFiles([{ path, value }], options);
}

/**
 * The same of several documents: none of the files is there before all are whole.
 *
 * @throws as `writeJson`, and every path is then what it was
 */
export async function writeJsonFiles(
  files: readonly { path: string; value: unknown }[],
  options: WriteJsonOptions = {},
): Promise<void> {
  const outputs: Output[] = [];
  try {
    for (const { path, value } of files) {
      const output = openOutput(path);
      outputs.push(output);
      await writeDocument(output, value, options);
    }
    for (const [i, output] of outputs.entries())
      await output.commit(options.check, i === 0 ? options.meanwhile : undefined);
  } catch (error) {
    for (const output of outputs) output.abort();
    throw error;
  }
}

/** Writes a document to an output, which is not committed. */
async function writeDocument(
  output: Output,
  value: unknown,
  { signal, threads = availableParallelism() }: WriteJsonOptions,
): Promise<void> {
  // What is written goes to the disk while the next is made.
  let writing: Promise<boolean> | undefined;
  const own = new ListText();
  const lists = new SharedListText(own, threads);
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
    const take = (piece: Uint8Array) => {
      digest.update(piece);
      if (piece.length > buffer.length - bytes) return put(piece);
      buffer.set(piece, bytes);
      bytes += piece.length;
      return undefined;
    };
    for (const part of jsonParts(value, own, true))
      if (part instanceof Uint8Array) await take(part);
      else for await (const piece of lists.pieces(part)) await take(piece);
    await put(Buffer.from(`${digestEnd(digest)}\n`));
    await flush();
    await writing;
  } catch (error) {
    await writing?.catch(() => {});
    throw error;
  } finally {
    await lists.close();
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
  const text = new ListText();
  for (const part of jsonParts(value, text, open))
    if (part instanceof Uint8Array) yield part;
    else yield* text.pieces(part);
}

/** The same with typed lists as they are: what stands between their brackets. */
function* jsonParts(
  value: unknown,
  lists: ListText,
  open: boolean,
): Generator<Uint8Array | NumberList, void, void> {
  let text = "";
  const take = () => {
    const bytes = Buffer.from(text);
    text = "";
    return bytes;
  };
  function* walk(v: unknown, end = "}"): Generator<Uint8Array | NumberList, void, void> {
    const plain = has("toLists", v) ? v.toLists() : has("toJSON", v) ? v.toJSON() : v;
    if (plain instanceof Float64Array || plain instanceof Int32Array) {
      text += "[";
      yield take();
      yield plain;
      text += "]";
    } else if (
      Array.isArray(plain) &&
      plain.length > ITEMS &&
      plain.every((x) => typeof x === "number" || x === null)
    ) {
      text += "[";
      yield take();
      yield* lists.pieces(plain);
      text += "]";
    } else if (Array.isArray(plain) && !plain.some(holdsLists)) {
      text += "[";
      for (let from = 0; from < plain.length; from += ITEMS) {
        text += `${from > 0 ? "," : ""}${JSON.stringify(plain.slice(from, from + ITEMS)).slice(1, -1)}`;
        if (text.length > ITEMS) yield take();
      }
      text += "]";
    } else if (Array.isArray(plain)) {
      text += "[";
      for (const [i, item] of plain.entries()) {
        if (i > 0) text += ",";
        if (holdsLists(item)) yield* walk(item);
        else text += JSON.stringify(item) ?? "null";
        if (text.length > ITEMS) yield take();
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
        if (text.length > ITEMS) yield take();
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
