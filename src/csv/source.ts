import { fstatSync, type Stats } from "node:fs";
import { InterruptedError } from "../errors.js";
import { closeQuietly } from "../files/close-quietly.js";
import { type Bytes, fileBytes, fileHead, skipBytes } from "./bytes.js";
import { ChainedHash } from "./chained-hash.js";
import { type Content, ContentReader, fileContent, SHA256_BYTES } from "./content.js";
import { type Packing, unpacked } from "./packing.js";
import { PartialCopy, type RangedBytes } from "./partial-copy.js";
import { changedError, emptyError, readError } from "./read-error.js";
import { openSpool, type SpooledFile, spool } from "./spool.js";
import { firstBytes, NOTHING, prefixed } from "./stashed-bytes.js";

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
  /** How the file is to be hashed, where it was asked for and has not begun. */
  #toHash: { size: number; always: boolean } | undefined;
  #content: Promise<Content | undefined> | undefined;
  readonly #total: number | undefined;
  /** Whether what is read are no longer the bytes that came. */
  #rewritten = false;
  #partial: PartialCopy | undefined;

  /** See `open-source.ts`. */
  constructor(parts: SourceParts) {
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
        const bytes = await this.#head(size + 1);
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
   * Asks for the content to be known, before anything but `peek` has read the bytes. A file as it stands is hashed when
   * whoever reads it begins (`chainedHash`, `hashBeside`), anything else on its way through.
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
    this.#toHash = { size: this.fingerprint.size, always: sha256 };
  }

  /**
   * Begins to hash a file whose content is asked for, beside what this thread does in the meantime: when it begins to be read, or
   * other threads have begun to, for what they wait for comes first.
   */
  hashBeside(): void {
    const how = this.#toHash;
    if (how === undefined) return;
    this.#toHash = undefined;
    this.#content = fileContent(this.#fd!, how, () => !this.#closed);
    // Whoever asks for it hears of it.
    this.#content.catch(() => {});
  }

  /**
   * The hash of a file whose content is asked for, to be made chunk by chunk by those who read them, from byte `from` on; `hashed`
   * is to be called when they have. Undefined where it is to be made otherwise.
   */
  chainedHash(from: number): ChainedHash | undefined {
    const how = this.#toHash;
    if (how === undefined || how.always || how.size <= SHA256_BYTES || this.#plain === undefined)
      return undefined;
    return ChainedHash.after(fileHead(this.#plain.fd, from));
  }

  /** Takes the hash of all bytes. */
  hashed(hash: ChainedHash): void {
    const { size } = this.#toHash!;
    this.#toHash = undefined;
    this.#content = Promise.resolve({ bytes: size, xxh128: hash.digest() });
  }

  /**
   * What all the bytes are, once they have been read; a file's at any time. Undefined where they have not all gone by.
   *
   * @throws DataError where a file cannot be read
   */
  async content(): Promise<Content | undefined> {
    const late = this.#toHash !== undefined;
    this.hashBeside();
    try {
      const content = await this.#content;
      // It was read by somebody else before, and should be what he has read.
      if (late) this.checkUnchanged();
      return content ?? this.#reader.content;
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

  /** A repeatable source's first bytes. */
  async #head(size: number): Promise<Uint8Array> {
    if (this.#plain === undefined || this.#partial !== undefined)
      return firstBytes(this.#allBytes({ read: 0 }), size);
    return fileHead(this.#plain.fd, Math.min(size, this.#plain.size));
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

/** What a source is made of. */
export interface SourceParts {
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
