import { closeSync, mkdtempSync, openSync, rmSync, write } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { DataError } from "../errors.js";
import type { Bytes } from "./bytes.js";

const writeAt = promisify(write);

/** A temporary file that is open for reading and has no name where the system allows that. */
export interface SpooledFile {
  readonly fd: number;
  readonly size: number;
  close(): void;
}

/**
 * Copies bytes to a temporary file. The file is unlinked as soon as it is open, so that nothing is left behind
 * even by a crash; where an open file cannot be unlinked (Windows) it is removed on close.
 *
 * @throws DataError if the temporary folder is full or cannot be written
 */
export async function spool(bytes: Bytes): Promise<SpooledFile> {
  const { fd, close, folder } = openSpool();
  let size = 0;
  try {
    for await (const chunk of bytes) {
      for (let from = 0; from < chunk.length; ) {
        const rest = chunk.length - from;
        const { bytesWritten } = await writeAt(fd, chunk, from, rest, size).catch((error: unknown) => {
          throw spoolError(folder, error);
        });
        from += bytesWritten;
        size += bytesWritten;
      }
    }
    return { fd, size, close };
  } catch (error) {
    close();
    throw error;
  }
}

/**
 * An empty temporary file, as `spool` fills one.
 *
 * @throws DataError if the temporary folder cannot be written
 */
export function openSpool(): SpooledFile & { readonly folder: string } {
  const folder = tmpdir();
  let directory: string;
  let fd: number;
  try {
    directory = mkdtempSync(join(folder, "goml-"));
    fd = openSync(join(directory, "input.csv"), "w+", 0o600);
  } catch (error) {
    throw spoolError(folder, error);
  }
  const remove = () => rmSync(directory, { recursive: true, force: true, maxRetries: 2 });
  let closed = false;
  const close = () => {
    if (closed) return;
    closed = true;
    closeSync(fd);
    remove();
  };
  try {
    remove();
  } catch {
    process.once("exit", close);
  }
  return { fd, size: 0, close, folder };
}

/** The error for what the temporary folder does not take. */
export function spoolError(folder: string, cause: unknown): DataError {
  const code = (cause as NodeJS.ErrnoException).code ?? "unknown error";
  const message =
    code === "ENOSPC" ? "no space left for a temporary copy" : `cannot hold a temporary copy (${code})`;
  return new DataError(message, {
    place: { file: folder },
    hint: "free space there, or point TMPDIR at a folder with room for the uncompressed data",
    cause,
  });
}
