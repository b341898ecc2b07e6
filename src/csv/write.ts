import { closeSync, openSync, realpathSync, type Stats, statSync, write } from "node:fs";
import type { Writable } from "node:stream";
import { promisify, TextDecoder } from "node:util";
import { DataError } from "../errors.js";
import { openToWrite } from "../files/open-output.js";
import { NO_FOLDER } from "../files/same-file.js";
import { forTerminal } from "../files/terminal-text.js";
import { WholeFile } from "../files/whole-file.js";

const writeAt = promisify(write);

/** A cell as CSV writes it (RFC 4180): quoted where it holds the delimiter, a quote, a line end or outer spaces. */
export function quoteField(text: string, delimiter = ","): string {
  const plain = !text.includes(delimiter) && !/["\n\r]/.test(text) && text.trim() === text;
  return plain ? text : `"${text.replaceAll('"', '""')}"`;
}

/** Names for columns to be written beside those that a table has: with a number where a name is taken. */
export function freeNames(names: readonly string[], taken: readonly string[]): string[] {
  const known = new Set(taken);
  return names.map((name) => {
    let free = name;
    for (let i = 2; known.has(free); i++) free = `${name}_${i}`;
    known.add(free);
    return free;
  });
}

/** Where results go: text or bytes in, in order, with back-pressure. */
export interface Output {
  /**
   * Writes and waits until there is room for more, so that a slow reader slows the writer, not fills memory.
   *
   * @returns false once nobody reads any more (`| head`): stop, quietly
   * @throws DataError if it cannot be written, a full disk for example
   */
  write(data: string | Uint8Array): Promise<boolean>;
  /**
   * Makes the output final: what was written is now what the path names, and on the disk.
   *
   * @param check called just before; what it throws leaves a file as it was
   * @param meanwhile called while a disk is waited for, if it is; what it throws leaves a file as it was, too
   */
  commit(check?: () => void, meanwhile?: () => void): Promise<void>;
  /** Gives it up: a file that was there before stays as it was. Does nothing after `commit`. */
  abort(): void;
}

/**
 * Opens an output: a file at `path`, or standard output where there is none.
 *
 * A file is written beside its path and renamed at `commit`, so that there is never half a file, not even after
 * process.exit; a link keeps being one. A device or pipe is written as it stands; a pipe waits for its reader.
 *
 * @throws DataError where it cannot be written, and for a name that says it is compressed
 */
export function openOutput(path?: string): Output {
  if (path === undefined || path === "-")
    return new StreamOutput("standard output", () => Promise.resolve(process.stdout));
  try {
    const existing = statSync(path, { throwIfNoEntry: false });
    if (existing?.isDirectory()) throw Object.assign(new Error("directory"), { code: "EISDIR" });
    if (/\.(?:gz|zst)$/i.test(path) && (existing?.isFile() ?? true))
      throw new DataError("goml writes nothing compressed, and the name says that it is", {
        place: { file: path },
        hint: "leave the ending out, or write to a program: -o - | gzip",
      });
    if (existing?.isFIFO()) return new StreamOutput(path, () => openToWrite(path));
    return existing && !existing.isFile() ? new DeviceOutput(path) : new FileOutput(path, existing);
  } catch (error) {
    throw writeError(path, error);
  }
}

/** Writes a whole file at once, as `openOutput` does. */
export async function writeFileAtomic(path: string, data: string | Uint8Array): Promise<void> {
  const output = openOutput(path);
  try {
    await output.write(data);
    await output.commit();
  } catch (error) {
    output.abort();
    throw error;
  }
}

class FileOutput implements Output {
  readonly #path: string;
  readonly #file: WholeFile;

  constructor(path: string, existing: Stats | undefined) {
    this.#path = path;
    this.#file = new WholeFile(existing ? realpathSync(path) : path, existing);
  }

  async write(data: string | Uint8Array): Promise<boolean> {
    try {
      await this.#file.write(typeof data === "string" ? Buffer.from(data) : data);
      return true;
    } catch (error) {
      throw writeError(this.#path, error);
    }
  }

  async commit(check?: () => void, meanwhile?: () => void): Promise<void> {
    try {
      await this.#file.commit(check, meanwhile);
    } catch (error) {
      throw writeError(this.#path, error);
    }
  }

  abort(): void {
    this.#file.abort();
  }
}

/** A device, such as /dev/null. */
class DeviceOutput implements Output {
  readonly #path: string;
  #fd: number | undefined;

  constructor(path: string) {
    this.#path = path;
    this.#fd = openSync(path, "w");
  }

  async write(data: string | Uint8Array): Promise<boolean> {
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    try {
      for (let from = 0; from < bytes.length; ) {
        const { bytesWritten } = await writeAt(this.#fd!, bytes, from, bytes.length - from, null);
        from += bytesWritten;
      }
      return true;
    } catch (error) {
      throw writeError(this.#path, error);
    }
  }

  async commit(): Promise<void> {
    this.abort();
  }

  abort(): void {
    if (this.#fd === undefined) return;
    closeSync(this.#fd);
    this.#fd = undefined;
  }
}

/** Standard output, or a named pipe. */
class StreamOutput implements Output {
  readonly #name: string;
  readonly #open: () => Promise<Writable>;
  #stream: Promise<Writable> | undefined;
  #decoder: TextDecoder | undefined;
  #failure: NodeJS.ErrnoException | undefined;
  readonly #onError = (error: NodeJS.ErrnoException) => {
    this.#failure ??= error;
  };

  constructor(name: string, open: () => Promise<Writable>) {
    this.#name = name;
    this.#open = open;
  }

  async write(data: string | Uint8Array): Promise<boolean> {
    this.#stream ??= this.#open().then((stream) => {
      // Stays attached: EPIPE may be reported after the last write was accepted.
      stream.on("error", this.#onError);
      return stream;
    });
    const stream = await this.#stream.catch((error: unknown) => {
      throw writeError(this.#name, error);
    });
    return new Promise((resolve, reject) => {
      const settle = (error: NodeJS.ErrnoException | null | undefined) => {
        const failure = this.#failure ?? error;
        if (!failure) resolve(true);
        else if (failure.code === "EPIPE" || failure.code === "ERR_STREAM_DESTROYED") resolve(false);
        else reject(writeError(this.#name, failure));
      };
      if (this.#failure) settle(this.#failure);
      else stream.write(this.#shown(stream, data), settle);
    });
  }

  /** What a terminal shows of data has no control characters; anything else gets the bytes. */
  #shown(stream: Writable, data: string | Uint8Array): string | Uint8Array {
    if (!("isTTY" in stream) || !stream.isTTY) return data;
    this.#decoder ??= new TextDecoder();
    return forTerminal(typeof data === "string" ? data : this.#decoder.decode(data, { stream: true }));
  }

  async commit(): Promise<void> {
    await this.write("");
    const stream = await this.#stream!;
    if (stream !== process.stdout) await new Promise<void>((resolve) => stream.end(() => resolve()));
  }

  abort(): void {
    void this.#stream?.then((stream) => {
      if (stream !== process.stdout) stream.destroy();
    });
  }
}

const REASONS: Record<string, readonly [message: string, hint: string]> = {
  ENOENT: NO_FOLDER,
  ENOTDIR: ["cannot be written: a part of the path is not a folder", "check the path"],
  EISDIR: ["cannot be written: it is a directory", "give the path of a file"],
  EACCES: ["cannot be written: no permission", "check the folder's permissions (ls -ld)"],
  EPERM: ["cannot be written: no permission", "check the folder's permissions (ls -ld)"],
  EROFS: ["cannot be written: the file system is read-only", "write to another folder"],
  ENOSPC: ["cannot be written: no space left on the disk", "free some space, or write to another disk"],
  EDQUOT: ["cannot be written: the disk quota is used up", "free some space, or write to another disk"],
  ELOOP: ["cannot be written: its links lead to each other", "give the path of a file"],
  ENAMETOOLONG: ["cannot be written: the name is too long", "choose a shorter name"],
  EMFILE: ["cannot be written: too many open files", "raise the limit (ulimit -n)"],
  ENFILE: ["cannot be written: too many open files on this machine", "close some programs"],
  EFBIG: ["cannot be written: the file is too large", "check the file size limit (ulimit -f)"],
};

function writeError(file: string, cause: unknown): unknown {
  const code = (cause as NodeJS.ErrnoException).code;
  if (cause instanceof DataError || code === undefined) return cause;
  const [message, hint] = REASONS[code] ?? [`cannot be written (${code})`, "check the disk it is on"];
  return new DataError(message, { place: { file }, hint, cause });
}
