import { fstatSync, readFileSync } from "node:fs";
import type { Readable } from "node:stream";
import { InterruptedError } from "../errors.js";
import { closeQuietly } from "../files/close-quietly.js";
import { openToRead, pipeStream } from "../files/open-input.js";
import { type Bytes, fileHead } from "./bytes.js";
import { ContentReader } from "./content.js";
import { packingOf, unpacked } from "./packing.js";
import { emptyError, readError } from "./read-error.js";
import { type Download, Source, type SourceParts } from "./source.js";
import { prefixed, pull, slices } from "./stashed-bytes.js";

/** How standard input is called in messages. */
const STANDARD_INPUT = "standard input";

/**
 * Opens a file by its path, or standard input as `-`.
 *
 * @param signal ends all reading, a wait for input too, with InterruptedError
 * @throws DataError if it is not there, is a directory, may not be read, or is empty
 */
export async function openSource(path: string, signal?: AbortSignal): Promise<Source> {
  // A socket as standard input cannot be opened by its path.
  if (path === "-" || path === "/dev/stdin") {
    return inputIsWholeFile()
      ? fromDescriptor(STANDARD_INPUT, undefined, 0, signal)
      : fromStream(STANDARD_INPUT, undefined, process.stdin, signal);
  }
  try {
    return await fromDescriptor(path, path, openToRead(path), signal);
  } catch (error) {
    throw readError(path, error);
  }
}

/** Bytes in memory, plain or shared, which must not change while they are read; once. Not decompressed. */
export function bytesSource(bytes: Uint8Array, name: string): Source {
  const input = { bytes: slices(bytes), end: () => {} };
  return new Source({ name, path: undefined, counter: { read: 0 }, signal: undefined, input });
}

/** Bytes that come once from somewhere else, and `end`, which stops them; not decompressed. */
export function streamSource(name: string, bytes: Bytes, end: () => void, signal?: AbortSignal): Source {
  signal?.addEventListener("abort", end, { once: true });
  const reader = new ContentReader();
  const ended = () => {
    signal?.removeEventListener("abort", end);
    end();
  };
  const input = { bytes: reader.through(bytes), end: ended };
  return new Source({ name, path: undefined, counter: { read: 0 }, signal, input, reader });
}

/**
 * A file that comes from elsewhere, decompressed where it is gzip.
 *
 * @throws DataError where its first bytes cannot be had
 */
export async function downloadSource(
  name: string,
  download: Download,
  signal?: AbortSignal,
): Promise<Source> {
  const end = () => download.close();
  return fromBytes({ name, path: undefined, signal, download }, download.whole(), end);
}

/** What rows come from that do not come as bytes; `close` ends it. */
export function rowsSource(name: string, close: () => void): Source {
  const input = { bytes: slices(new Uint8Array(0)), end: close };
  return new Source({ name, path: undefined, counter: { read: 0 }, signal: undefined, input });
}

async function fromDescriptor(
  name: string,
  path: string | undefined,
  fd: number,
  signal: AbortSignal | undefined,
): Promise<Source> {
  try {
    const stats = fstatSync(fd);
    if (stats.isDirectory()) throw Object.assign(new Error("directory"), { code: "EISDIR" });
    if (!stats.isFile()) {
      return await fromStream(name, path, pipeStream(name, fd), signal);
    }
    if (stats.size === 0) throw emptyError(name);
    const counter = { read: 0 };
    const packed = packingOf(fileHead(fd, 4));
    return new Source({ name, path, stats, fd, packed, counter, signal });
  } catch (error) {
    if (fd !== 0) closeQuietly(fd);
    throw readError(name, error);
  }
}

async function fromStream(
  name: string,
  path: string | undefined,
  stream: Readable,
  signal: AbortSignal | undefined,
): Promise<Source> {
  // Whoever reads gets the error; an event that nobody listens to would end the process.
  stream.on("error", () => {});
  const stop = () => stream.destroy(new InterruptedError());
  signal?.addEventListener("abort", stop, { once: true });
  const end = () => {
    signal?.removeEventListener("abort", stop);
    stream.destroy();
  };
  return fromBytes({ name, path, signal }, stream, end);
}

async function fromBytes(
  parts: Pick<SourceParts, "name" | "path" | "signal" | "download">,
  bytes: Bytes,
  end: () => void,
): Promise<Source> {
  const counter = { read: 0 };
  const iterator = bytes[Symbol.asyncIterator]();
  const stash: Uint8Array[] = [];
  try {
    if (parts.signal?.aborted) throw new InterruptedError();
    const head = await pull(iterator, stash, 4);
    const whole = prefixed(stash, iterator, counter);
    const packed = packingOf(head);
    const reader = new ContentReader();
    const input = { bytes: reader.through(unpacked(whole, packed, parts.name)), end };
    return new Source({ ...parts, packed, input, counter, reader });
  } catch (error) {
    end();
    throw readError(parts.name, error);
  }
}

/** Whether standard input is a file (`< data.csv`) that nobody has read from yet, as far as the system tells. */
function inputIsWholeFile(): boolean {
  try {
    return fstatSync(0).isFile() && /^pos:\s*0$/m.test(readFileSync("/proc/self/fdinfo/0", "utf8"));
  } catch {
    return false;
  }
}
