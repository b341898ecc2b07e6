import {
  closeSync,
  fchmodSync,
  fsync,
  fsyncSync,
  openSync,
  renameSync,
  type Stats,
  statSync,
  write,
} from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { throughLinks } from "./resolve-link.js";
import { forget, remember, removeQuietly, sweepBeside, temporaryBeside } from "./temporary.js";

const writeAt = promisify(write);
const synced = promisify(fsync);

/** What tells one state of a file from another without reading it. */
export interface FileState {
  readonly dev: number;
  readonly ino: number;
  readonly size: number;
  readonly mtimeMs: number;
}

/** The state of the file at a path; undefined where there is none. */
export function fileState(path: string): FileState | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats && { dev: stats.dev, ino: stats.ino, size: stats.size, mtimeMs: stats.mtimeMs };
}

/** Whether two states are of one file that nobody has written meanwhile. */
export function sameState(a: FileState | undefined, b: FileState | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.dev === b.dev && a.ino === b.ino && a.size === b.size && a.mtimeMs === b.mtimeMs;
}

/**
 * A file that is there when it is whole: written beside its path, brought to the disk and renamed at `commit`, the
 * folder brought to the disk too. So there is never half a file, not after a crash of the machine either; what was there
 * before stays as it was until then. Links stay links, and one that leads to no file yet gets its file.
 *
 * Errors are the system's.
 */
export class WholeFile {
  readonly #target: string;
  readonly #temporary: string;
  #fd: number | undefined;

  /** @param existing the state of the file that is there, where there is one */
  constructor(path: string, existing: Stats | undefined) {
    this.#target = throughLinks(path);
    sweepBeside(this.#target);
    this.#temporary = temporaryBeside(this.#target);
    this.#fd = openSync(this.#temporary, "wx");
    remember(this.#temporary);
    if (existing) fchmodSync(this.#fd, existing.mode & 0o777);
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let from = 0; from < bytes.length; ) {
      const { bytesWritten } = await writeAt(this.#fd!, bytes, from, bytes.length - from, null);
      from += bytesWritten;
    }
  }

  /**
   * Makes the file the one at its path.
   *
   * @param check called just before; what it throws leaves the path as it is
   * @param meanwhile called while the disk is waited for, and what it throws does the same
   */
  async commit(check?: () => void, meanwhile?: () => void): Promise<void> {
    const written = synced(this.#fd!);
    try {
      meanwhile?.();
    } finally {
      await written;
    }
    this.#close();
    check?.();
    renameSync(this.#temporary, this.#target);
    forget(this.#temporary);
    syncFolder(dirname(this.#target));
  }

  /** Gives it up. Does nothing after `commit`. */
  abort(): void {
    this.#close();
    if (forget(this.#temporary)) removeQuietly(this.#temporary);
  }

  #close(): void {
    if (this.#fd === undefined) return;
    const fd = this.#fd;
    this.#fd = undefined;
    closeSync(fd);
  }
}

/**
 * Brings a folder's names to the disk, where the system can do that. Not asynchronously: who has waited for a file finds
 * his own there, and not that of another who wrote it in the meantime.
 */
function syncFolder(folder: string): void {
  let fd: number;
  try {
    fd = openSync(folder, "r");
  } catch {
    // A folder that may be written but not read; Windows opens none.
    return;
  }
  try {
    fsyncSync(fd);
  } catch {
    // Some network file systems refuse: the file itself is safe and has its name.
  } finally {
    closeSync(fd);
  }
}
