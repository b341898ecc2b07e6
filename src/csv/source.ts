import { closeSync, fstatSync, readFileSync, type Stats } from "node:fs";
import type { Readable } from "node:stream";
import { DataError, InterruptedError } from "../errors.js";
import { openToRead, pipeStream } from "../files/open-input.js";
import { type Bytes, fileBytes, gunzipped, isGzip, skipBytes } from "./bytes.js";
import { type Content, ContentReader, fileContent } from "./content.js";
import { PartialCopy, type RangedBytes } from "./partial-copy.js";
import { changedError, readError } from "./read-error.js";
import { openSpool, type SpooledFile, spool } from "./spool.js";
import { unzstd } from "./zstd.js";
import { isZstd } from "./zstd-frames.js";

/** How standard input is called in messages. */
const STANDARD_INPUT = "standard input";

type Packing = "gzip" | "zstd";

/** What tells one state of a file from another without reading it. */
export interface Fingerprint {
  /** Bytes on disk, compressed if the file is. */
  readonly size: number;
  readonly mtimeMs: number;
}

/** Uncompressed bytes that any thread of this process may read at any position, through the descriptor. */
export interface PlainFile {
  readonly fd: number;
  readonly size: number;
}

/** A file that comes from elsewhere. */
export interface Download {
  /** All bytes, once. */
  whole(): Bytes;
  /** How many there are, where that is known. */
  readonly size: number | undefined;
  /** What gives any of them, where something does. */
  readonly ranged: RangedBytes | undefined;
  close(): void;
}

/**
 * The bytes of a CSV file or of standard input, decompressed where they are gzip or zstd, which is told by their content.
 *
 * `peek` looks at the head without using it up. `chunks` gives all bytes from the first; a stream's once, a
 * file's any number of times. `plain` is there for an uncompressed file, and `seekable` makes one of anything.
 * `close` ends it and removes what was spooled; `await using` is not needed, but `close` in `finally` is.
 */
export class Source {
  /** The path as given, or "standard input". */
  readonly name: string;
  /** The path, where there is one. */
  readonly path: string | undefined;
  /** The state of the file when it was opened; undefined for a stream. */
  readonly fingerprint: Fingerprint | undefined;
  /** How the bytes are compressed. */
  readonly packed: Packing | undefined;
  /** Whether it was found to have a header and no rows: it adds nothing to a table of several files. */
  rowless = false;
  /** A file elsewhere that any bytes can be had of, as they lie there. */
  readonly ranged: RangedBytes | undefined;
  /** Whether the bytes come from another host as a file of its. */
  readonly remote: boolean;
  #plain: PlainFile | undefined;
  #spooled: SpooledFile | undefined;
  readonly #fd: number | undefined;
  readonly #input: { bytes: Bytes; end(): void } | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #counter: { read: number };
  #stash: Uint8Array[] = [];
  #rest: AsyncIterator<Uint8Array> | undefined;
  #ended = false;
  #closed = false;
  #taken = false;
  /** What the bytes go through before anyone sees them. */
  readonly #stages: ((bytes: Bytes) => Bytes)[] = [];
  readonly #reader: ContentReader;
  #content: Promise<Content | undefined> | undefined;
  readonly #total: number | undefined;
  /** Whether what is read are no longer the bytes that came. */
  #rewritten = false;
  #partial: PartialCopy | undefined;

  private constructor(parts: SourceParts) {
    this.name = parts.name;
    this.path = parts.path;
    this.fingerprint = parts.stats && { size: parts.stats.size, mtimeMs: parts.stats.mtimeMs };
    this.packed = parts.packed;
    this.ranged = parts.download?.ranged;
    this.remote = parts.download !== undefined;
    this.#total = parts.stats?.size ?? parts.download?.size;
    this.#fd = parts.fd;
    this.#input = parts.input;
    this.#counter = parts.counter;
    this.#signal = parts.signal;
    this.#reader = parts.reader ?? new ContentReader();
    if (parts.fd !== undefined && parts.stats && parts.packed === undefined) {
      this.#plain = { fd: parts.fd, size: parts.stats.size };
    }
  }

  /**
   * Opens a file by its path, or standard input as `-`.
   *
   * @param signal ends all reading, a wait for input too, with InterruptedError
   * @throws DataError if it is not there, is a directory, may not be read, or is empty
   */
  static async open(path: string, signal?: AbortSignal): Promise<Source> {
    // A socket as standard input cannot be opened by its path.
    if (path === "-" || path === "/dev/stdin") {
      return inputIsWholeFile()
        ? Source.#fromDescriptor(STANDARD_INPUT, undefined, 0, signal)
        : Source.#fromStream(STANDARD_INPUT, undefined, process.stdin, signal);
    }
    try {
      return await Source.#fromDescriptor(path, path, openToRead(path), signal);
    } catch (error) {
      throw readError(path, error);
    }
  }

  /** Bytes in memory, plain or shared, which must not change while they are read; once. Not decompressed. */
  static ofBytes(bytes: Uint8Array, name: string): Source {
    const input = { bytes: slices(bytes), end: () => {} };
    return new Source({ name, path: undefined, counter: { read: 0 }, signal: undefined, input });
  }

  /** Bytes that come once from somewhere else, and `end`, which stops them; not decompressed. */
  static ofStream(name: string, bytes: Bytes, end: () => void, signal?: AbortSignal): Source {
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
  static async ofDownload(name: string, download: Download, signal?: AbortSignal): Promise<Source> {
    const end = () => download.close();
    return Source.#fromBytes({ name, path: undefined, signal, download }, download.whole(), end);
  }

  /** What rows come from that do not come as bytes; `close` ends it. */
  static ofRows(name: string, close: () => void): Source {
    const input = { bytes: slices(new Uint8Array(0)), end: close };
    return new Source({ name, path: undefined, counter: { read: 0 }, signal: undefined, input });
  }

  static async #fromDescriptor(
    name: string,
    path: string | undefined,
    fd: number,
    signal: AbortSignal | undefined,
  ): Promise<Source> {
    try {
      const stats = fstatSync(fd);
      if (stats.isDirectory()) throw Object.assign(new Error("directory"), { code: "EISDIR" });
      if (!stats.isFile()) {
        return await Source.#fromStream(name, path, pipeStream(name, fd), signal);
      }
      if (stats.size === 0) throw emptyError(name);
      const counter = { read: 0 };
      const head = await firstBytes(fileBytes(name, fd, counter, stats), 4);
      counter.read = 0;
      return new Source({ name, path, stats, fd, packed: packingOf(head), counter, signal });
    } catch (error) {
      if (fd !== 0) closeQuietly(fd);
      throw readError(name, error);
    }
  }

  static async #fromStream(
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
    return Source.#fromBytes({ name, path, signal }, stream, end);
  }

  static async #fromBytes(
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

  /**
   * Puts the bytes through a stage, such as the decoding of another encoding, from the first byte on: before anything
   * but `peek` has read them. A file stays repeatable; it is plain no more.
   */
  through(stage: (bytes: Bytes) => Bytes): void {
    this.#plain = undefined;
    this.#rewritten = true;
    if (this.repeatable) {
      this.#stages.push(stage);
      return;
    }
    const ended = this.#ended;
    const rest = ended ? NOTHING : (this.#rest ?? this.#input!.bytes[Symbol.asyncIterator]());
    this.#rest = stage(prefixed(this.#stash, rest, { read: 0 }))[Symbol.asyncIterator]();
    this.#stash = [];
    this.#ended = false;
  }

  /** The uncompressed file, where that is what the source is or has been spooled to. */
  get plain(): PlainFile | undefined {
    return this.#plain;
  }

  /** The file on the disk as it stands, compressed or not; undefined of what is none. */
  get stored(): PlainFile | undefined {
    return this.#fd === undefined ? undefined : { fd: this.#fd, size: this.fingerprint!.size };
  }

  /** Its bytes as they are stored, here or elsewhere, where that is known. */
  get storedSize(): number | undefined {
    return this.#total;
  }

  /** What ends all reading. */
  get signal(): AbortSignal | undefined {
    return this.#signal;
  }

  /** Whether `chunks` can be read more than once. */
  get repeatable(): boolean {
    return this.#fd !== undefined || this.#spooled !== undefined;
  }

  /** How far `chunks` has come: bytes on disk (compressed if the file is), and their total where it is known. */
  progress(): { read: number; total: number | undefined } {
    return { read: this.#counter.read, total: this.#total };
  }

  /**
   * The first bytes, at least `size` of them unless `whole`, which says that they are all there are.
   *
   * @throws DataError if there is not one byte
   */
  async peek(size: number): Promise<{ bytes: Uint8Array; whole: boolean }> {
    try {
      if (this.repeatable) {
        const counter = { read: 0 };
        const bytes = await firstBytes(this.#allBytes(counter), size + 1);
        if (bytes.length === 0) throw emptyError(this.name);
        return { bytes: bytes.subarray(0, size), whole: bytes.length <= size };
      }
      this.#rest ??= this.#input!.bytes[Symbol.asyncIterator]();
      let have = this.#stash.reduce((sum, chunk) => sum + chunk.length, 0);
      while (!this.#ended && have <= size) {
        const next = await this.#rest.next();
        if (next.done) this.#ended = true;
        else {
          this.#stash.push(next.value);
          have += next.value.length;
        }
      }
      if (have === 0) throw emptyError(this.name);
      return { bytes: Buffer.concat(this.#stash).subarray(0, size), whole: have <= size };
    } catch (error) {
      throw readError(this.name, error);
    }
  }

  /**
   * All bytes from offset `from` on, decompressed, in pieces of any size.
   *
   * @throws DataError for gzip or zstd that is truncated or damaged, and for a file that changes meanwhile
   */
  async *chunks(from = 0): AsyncGenerator<Uint8Array, void, undefined> {
    if (this.#plain) yield* this.#pieces(from);
    else yield* skipBytes(this.#pieces(0), from);
  }

  async *#pieces(from: number): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      if (this.repeatable) {
        this.#counter.read = 0;
        for await (const piece of this.#allBytes(this.#counter, from)) {
          if (this.#signal?.aborted) throw new InterruptedError();
          yield piece;
        }
        this.checkUnchanged();
        return;
      }
      if (this.#taken)
        throw new Error("a stream can be read once; spool it with seekable() to read it again");
      this.#taken = true;
      this.#rest ??= this.#input!.bytes[Symbol.asyncIterator]();
      const stash = this.#stash;
      this.#stash = [];
      yield* stash;
      while (!this.#ended) {
        const next = await this.#rest.next();
        if (next.done) this.#ended = true;
        else yield next.value;
      }
    } catch (error) {
      throw readError(this.name, error);
    }
  }

  /**
   * The bytes as a file that can be read at any position: the file itself, or a temporary copy, decompressed,
   * which is gone when this process ends, however it ends.
   */
  async seekable(): Promise<PlainFile> {
    if (this.#plain) return this.#plain;
    const spooled = await spool(this.chunks());
    this.#spooled = spooled;
    this.#plain = { fd: spooled.fd, size: spooled.size };
    return this.#plain;
  }

  /**
   * A file elsewhere as one here of which only those bytes are there that were needed; undefined where it is read as it
   * comes. The bytes are as they lie there, and nothing else is to be read of the source.
   */
  async partial(): Promise<PartialCopy | undefined> {
    if (this.ranged === undefined) return undefined;
    if (this.#partial === undefined) {
      this.#ended = true;
      await this.#rest?.return?.();
      this.#spooled = openSpool();
      this.#partial = new PartialCopy(this.ranged, this.#spooled as ReturnType<typeof openSpool>);
    }
    return this.#partial;
  }

  /**
   * The bytes as a file that can be read at any position, as `seekable`; of a file elsewhere, where it can be had in parts and
   * is text as it stands, only what `need` has fetched is there.
   */
  async inParts(): Promise<PlainFile> {
    if (!this.repeatable && this.packed === undefined && !this.#rewritten) {
      const copy = await this.partial();
      if (copy !== undefined) this.#plain = { fd: copy.fd, size: copy.size };
    }
    return this.seekable();
  }

  /** Fetches the bytes [from, to) of a file that is read in parts; nothing is to be done of any other. */
  async need(from: number, to: number): Promise<void> {
    await this.#partial?.need([[from, Math.min(to, this.#partial.size)]]).catch((error: unknown) => {
      throw readError(this.name, error);
    });
  }

  /**
   * Asks for the content to be known, before anything but `peek` has read the bytes. A file as it stands is hashed beside
   * whatever reads it, anything else on its way through.
   *
   * @param sha256 whether SHA-256 is wanted of any number of bytes, for what knows them by it
   */
  keepContent(sha256 = false): void {
    this.#reader.ask(sha256);
    if (
      this.#fd === undefined ||
      this.packed !== undefined ||
      this.fingerprint === undefined ||
      this.#content !== undefined
    )
      return;
    const how = { size: this.fingerprint.size, always: sha256 };
    this.#content = fileContent(this.#fd, how, () => !this.#closed);
    // Whoever asks for it hears of it.
    this.#content.catch(() => {});
  }

  /**
   * What all the bytes are, once they have been read; a file's at any time. Undefined where they have not all gone by.
   *
   * @throws DataError where a file cannot be read
   */
  async content(): Promise<Content | undefined> {
    try {
      return (await this.#content) ?? this.#reader.content;
    } catch (error) {
      throw readError(this.name, error);
    }
  }

  /** @throws DataError if the file's size or time of change are not what they were when it was opened */
  checkUnchanged(): void {
    if (this.#fd === undefined || this.fingerprint === undefined) return;
    const now = fstatSync(this.#fd);
    if (now.size !== this.fingerprint.size || now.mtimeMs !== this.fingerprint.mtimeMs) {
      throw changedError(this.name, this.fingerprint.size, now.size);
    }
  }

  /** Closes the file, stops reading the stream and removes the spooled copy; may be called more than once. */
  async close(): Promise<void> {
    this.#ended = true;
    this.#closed = true;
    // Its descriptor may be another file's as soon as it is closed.
    await this.#content?.catch(() => {});
    this.#input?.end();
    await this.#rest?.return?.();
    this.#spooled?.close();
    this.#spooled = undefined;
    if (this.#fd !== undefined && this.#fd !== 0) closeQuietly(this.#fd);
  }

  /** A repeatable source's bytes; `from` counts for uncompressed ones only. */
  #allBytes(counter: { read: number }, from = 0): Bytes {
    if (this.#plain && this.#partial) return this.#partialBytes(this.#plain, counter, from);
    if (this.#plain) return fileBytes(this.name, this.#plain.fd, counter, { size: this.#plain.size }, from);
    const stored = fileBytes(this.name, this.#fd!, counter, this.fingerprint!);
    const { packed } = this;
    const bytes = packed === undefined ? stored : this.#reader.through(unpacked(stored, packed, this.name));
    return this.#stages.reduce<Bytes>((before, stage) => stage(before), bytes);
  }

  /** The bytes of a partial copy, which are fetched as they are asked for. */
  async *#partialBytes({ fd, size }: PlainFile, counter: { read: number }, from: number) {
    for (let at = from; at < size; at += AHEAD) {
      const to = Math.min(size, at + AHEAD);
      await this.need(at, to);
      yield* fileBytes(this.name, fd, counter, { size: to }, at);
    }
  }
}

/** So many bytes are fetched ahead of whoever reads a partial copy from end to end. */
const AHEAD = 1 << 22;

/** What bytes are compressed by, as the first four show. */
function packingOf(head: Uint8Array): Packing | undefined {
  return isGzip(head) ? "gzip" : isZstd(head) ? "zstd" : undefined;
}

function unpacked(bytes: Bytes, packed: Packing | undefined, file: string): Bytes {
  if (packed === undefined) return bytes;
  return packed === "gzip" ? gunzipped(bytes) : unzstd(bytes, file);
}

/** The iterator of a stream that has ended. */
const NOTHING: AsyncIterator<Uint8Array> = { next: async () => ({ done: true, value: undefined }) };

interface SourceParts {
  name: string;
  path: string | undefined;
  packed?: Packing | undefined;
  counter: { read: number };
  signal: AbortSignal | undefined;
  /** Of a file. */
  fd?: number;
  stats?: Stats;
  /** Of a stream: what hashes its bytes on their way. */
  reader?: ContentReader;
  /** Of a stream: its bytes, decompressed, and how to stop reading it. */
  input?: { bytes: Bytes; end(): void };
  download?: Download | undefined;
}

/** Opens a file by its path, or standard input as `-`; see `Source.open`. */
export function openSource(path: string, signal?: AbortSignal): Promise<Source> {
  return Source.open(path, signal);
}

/** Bytes in memory as a source; see `Source.ofBytes`. */
export function bytesSource(bytes: Uint8Array, name: string): Source {
  return Source.ofBytes(bytes, name);
}

/**
 * Standard input, where it is a file, pipe or socket with something in it; undefined where it is a terminal or
 * another device, is closed, or ends before its first byte. Waits for a pipe's first byte or end.
 */
export async function openStandardInput(signal?: AbortSignal): Promise<Source | undefined> {
  let stats: Stats;
  try {
    stats = fstatSync(0);
  } catch {
    return undefined;
  }
  if (!stats.isFile() && !stats.isFIFO() && !stats.isSocket()) return undefined;
  if (stats.isFile() && stats.size === 0) return undefined;
  const source = await Source.open("-", signal);
  try {
    await source.peek(1);
    return source;
  } catch (error) {
    await source.close();
    if (error instanceof DataError && source.progress().read === 0) return undefined;
    throw error;
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

function emptyError(file: string): DataError {
  return new DataError("the file is empty", {
    place: { file },
    hint: "expected CSV: a line of column names, then rows",
  });
}

/** Pulls from a stream into `stash` until it holds `size` bytes or ends; returns those first bytes. */
async function pull(
  iterator: AsyncIterator<Uint8Array>,
  stash: Uint8Array[],
  size: number,
): Promise<Uint8Array> {
  let have = 0;
  while (have < size) {
    const next = await iterator.next();
    if (next.done) break;
    stash.push(next.value);
    have += next.value.length;
  }
  return Buffer.concat(stash).subarray(0, size);
}

const SLICE = 1 << 18;

/** Copies, a piece at a time: what reads them need not know of shared memory. */
async function* slices(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  for (let from = 0; from < bytes.length; from += SLICE)
    yield Uint8Array.prototype.slice.call(bytes, from, from + SLICE);
}

async function firstBytes(bytes: Bytes, size: number): Promise<Uint8Array> {
  const iterator = bytes[Symbol.asyncIterator]();
  const stash: Uint8Array[] = [];
  const head = await pull(iterator, stash, size);
  await iterator.return?.();
  return head;
}

async function* prefixed(
  stash: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
  counter: { read: number },
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for (const chunk of stash) {
      counter.read += chunk.length;
      yield chunk;
    }
    for (let next = await rest.next(); !next.done; next = await rest.next()) {
      counter.read += next.value.length;
      yield next.value;
    }
  } finally {
    await rest.return?.();
  }
}

function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // Closed before: a second close must not hide the first error.
  }
}
