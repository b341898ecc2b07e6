import {
  closeSync,
  fchmodSync,
  openSync,
  realpathSync,
  renameSync,
  statSync,
  unlinkSync,
  write,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { DataError } from "../errors.js";

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
  /** Makes the output final: what was written is now what the path names. */
  commit(): Promise<void>;
  /** Gives it up: a file that was there before stays as it was. Does nothing after `commit`. */
  abort(): void;
}

const unfinished = new Set<string>();
let exitHook = false;

/**
 * Opens an output: a file at `path`, or standard output where there is none.
 *
 * A file is written beside its path and renamed at `commit`, so that there is never half a file, not even after
 * process.exit; a link keeps being one. A device or pipe is written as it stands.
 */
export function openOutput(path?: string): Output {
  if (path === undefined || path === "-") return new StreamOutput();
  return new FileOutput(path);
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
  readonly #target: string;
  readonly #temporary: string | undefined;
  #fd: number | undefined;

  constructor(path: string) {
    this.#path = path;
    try {
      const existing = statSync(path, { throwIfNoEntry: false });
      if (existing?.isDirectory()) throw Object.assign(new Error("directory"), { code: "EISDIR" });
      this.#target = existing ? realpathSync(path) : path;
      if (existing && !existing.isFile()) {
        this.#temporary = undefined;
        this.#fd = openSync(path, "w");
        return;
      }
      // "wx" refuses a name that is taken; node:crypto, for a better draw, takes 2 ms to load.
      const draw = Math.random().toString(36).slice(2);
      const name = `.${basename(this.#target)}.${process.pid}-${draw}.tmp`;
      this.#temporary = join(dirname(this.#target), name);
      this.#fd = openSync(this.#temporary, "wx");
      unfinished.add(this.#temporary);
      removeUnfinishedAtExit();
      if (existing) fchmodSync(this.#fd, existing.mode & 0o777);
    } catch (error) {
      throw writeError(path, error);
    }
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
      if ((error as NodeJS.ErrnoException).code === "EPIPE") return false;
      throw writeError(this.#path, error);
    }
  }

  async commit(): Promise<void> {
    try {
      this.#close();
      if (this.#temporary === undefined) return;
      renameSync(this.#temporary, this.#target);
      unfinished.delete(this.#temporary);
    } catch (error) {
      throw writeError(this.#path, error);
    }
  }

  abort(): void {
    this.#close();
    if (this.#temporary !== undefined && unfinished.delete(this.#temporary)) remove(this.#temporary);
  }

  #close(): void {
    if (this.#fd === undefined) return;
    const fd = this.#fd;
    this.#fd = undefined;
    closeSync(fd);
  }
}

class StreamOutput implements Output {
  readonly #stream = process.stdout;
  #failure: NodeJS.ErrnoException | undefined;
  readonly #onError = (error: NodeJS.ErrnoException) => {
    this.#failure ??= error;
  };

  constructor() {
    // Stays attached: EPIPE may be reported after the last write was accepted.
    this.#stream.on("error", this.#onError);
  }

  write(data: string | Uint8Array): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const settle = (error: NodeJS.ErrnoException | null | undefined) => {
        const failure = this.#failure ?? error;
        if (!failure) resolve(true);
        else if (failure.code === "EPIPE" || failure.code === "ERR_STREAM_DESTROYED") resolve(false);
        else reject(writeError("standard output", failure));
      };
      if (this.#failure) settle(this.#failure);
      else this.#stream.write(data, settle);
    });
  }

  async commit(): Promise<void> {
    await this.write("");
  }

  abort(): void {}
}

function removeUnfinishedAtExit(): void {
  if (exitHook) return;
  exitHook = true;
  process.once("exit", () => unfinished.forEach(remove));
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It is gone already, or its folder is: nothing half-written is left, which is the point.
  }
}

const REASONS: Record<string, readonly [message: string, hint: string]> = {
  ENOENT: ["cannot be written: no such folder", "create the folder first"],
  ENOTDIR: ["cannot be written: a part of the path is not a folder", "check the path"],
  EISDIR: ["cannot be written: it is a directory", "give the path of a file"],
  EACCES: ["cannot be written: no permission", "check the folder's permissions (ls -ld)"],
  EPERM: ["cannot be written: no permission", "check the folder's permissions (ls -ld)"],
  EROFS: ["cannot be written: the file system is read-only", "write to another folder"],
  ENOSPC: ["cannot be written: no space left on the disk", "free some space, or write to another disk"],
  EDQUOT: ["cannot be written: the disk quota is used up", "free some space, or write to another disk"],
  EFBIG: ["cannot be written: the file is too large", "check the file size limit (ulimit -f)"],
};

function writeError(file: string, cause: unknown): unknown {
  const code = (cause as NodeJS.ErrnoException).code;
  if (cause instanceof DataError || code === undefined) return cause;
  const [message, hint] = REASONS[code] ?? [`cannot be written (${code})`, "check the disk it is on"];
  return new DataError(message, { place: { file }, hint, cause });
}
