import { closeSync, linkSync, openSync, readFileSync, renameSync, statSync, writeSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { milliseconds } from "../clock.js";
import { DataError, InterruptedError } from "../errors.js";
import { isGone, machineMark } from "./owner.js";
import { throughLinks } from "./resolve-link.js";
import { cutToBytes, forget, remember, removeQuietly, temporaryBeside } from "./temporary.js";

/** How often a lock that others hold is looked at, in milliseconds. */
const LOOK_MS = 20;
/** How long a lock is waited for whose holder cannot be asked whether it is still there: one on another machine. */
const PATIENCE_MS = 10_000;
/** After so long a lock that names no holder is nobody's: its maker died before it had written who it was. */
const NAMELESS_MS = 2_000;

/** A lock that is held. */
export interface Lock {
  release(): void;
}

/** How a lock is waited for. */
export interface LockWait {
  signal?: AbortSignal | undefined;
  /** Called once, when it is held by another. */
  onWait?: ((holder: string) => void) | undefined;
  /** How long to wait for a holder of another machine, in milliseconds. */
  patience?: number;
}

/**
 * Takes the lock of a file that is to be read, changed and written again: a file beside it, `model.json.lock`, that names
 * its holder. Where another process holds it, it is waited for as long as that process lives; a dead one's is taken over.
 *
 * @throws DataError where the folder cannot be written, or the holder is on another machine and does not let go;
 * InterruptedError when the signal aborts
 */
export async function lockBeside(path: string, wait: LockWait = {}): Promise<Lock> {
  const lock = lockName(path);
  const { signal, onWait, patience = PATIENCE_MS } = wait;
  const since = milliseconds();
  let told = false;
  for (;;) {
    if (signal?.aborted) throw new InterruptedError(undefined, { cause: signal.reason });
    if (take(lock)) {
      remember(lock);
      return { release: () => void (forget(lock) && removeQuietly(lock)) };
    }
    const holder = holderOf(lock);
    if (holder === undefined) continue;
    if (holder.gone) {
      takeAway(lock, holder.text);
      continue;
    }
    if (!told) onWait?.(holder.name);
    told = true;
    if (holder.elsewhere && milliseconds() - since > patience)
      throw new DataError(`${holder.name} is changing it`, {
        place: { file: path },
        hint: `try again later; if nothing is running there any more, remove ${lock}`,
      });
    await pause(LOOK_MS, undefined, { signal }).catch(() => {});
  }
}

/** The lock of a file; links are followed, so that all names of it have one lock. */
export function lockName(path: string): string {
  const target = throughLinks(path);
  return join(dirname(target), `${cutToBytes(basename(target), 240)}.lock`);
}

/** @returns whether the lock is ours now */
function take(lock: string): boolean {
  let fd: number;
  try {
    fd = openSync(lock, "wx");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw lockError(lock, error);
  }
  try {
    writeSync(fd, `${machineMark()} ${process.pid}\n`);
  } catch (error) {
    // One that names nobody would be in others' way.
    removeQuietly(lock);
    throw lockError(lock, error);
  } finally {
    closeSync(fd);
  }
  return true;
}

function lockError(lock: string, cause: unknown): DataError {
  const code = (cause as NodeJS.ErrnoException).code ?? "unknown error";
  const why = code === "ENOSPC" ? ": no space left on the disk" : ` (${code})`;
  return new DataError(`cannot be locked${why}`, {
    place: { file: lock },
    hint: "what is changed in place is locked by a file beside it: its folder must be writable",
    cause,
  });
}

interface Holder {
  text: string;
  name: string;
  gone: boolean;
  elsewhere: boolean;
}

/** Who holds a lock; undefined where there is none any more. */
function holderOf(lock: string): Holder | undefined {
  let text: string;
  let age: number;
  try {
    text = readFileSync(lock, "utf8");
    age = Date.now() - statSync(lock).mtimeMs;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    return { text: "", name: "another process", gone: false, elsewhere: true };
  }
  const [, mark, pid] = /^([0-9a-f]{8}) (\d+)\n$/.exec(text) ?? [];
  if (mark === undefined)
    return { text, name: "another process", gone: age > NAMELESS_MS && text === "", elsewhere: true };
  const elsewhere = mark !== machineMark();
  const name = elsewhere ? "a process on another machine" : `process ${pid}`;
  return { text, name, gone: !elsewhere && isGone(Number(pid)), elsewhere };
}

/**
 * Takes a dead holder's lock away: renamed first, which one of several can do, and looked at again, for another may have
 * been quicker, so that this one would be its lock.
 */
function takeAway(lock: string, text: string): void {
  const aside = temporaryBeside(lock);
  try {
    renameSync(lock, aside);
    if (readFileSync(aside, "utf8") !== text) linkSync(aside, lock);
  } catch {
    // Another took it away before.
  }
  removeQuietly(aside);
}
