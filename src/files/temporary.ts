import { opendirSync, unlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { isGone, machineMark } from "./owner.js";

/** The longest name that file systems take, in bytes. */
const LONGEST_NAME = 255;
/** How many names of a folder are looked at for what dead processes left. */
const MOST_NAMES = 20_000;

const unfinished = new Set<string>();
let exitHook = false;

/**
 * A name beside a file, for what is to become it: hidden, and with the machine and the process that it belongs to, so
 * that others can tell when nobody will finish it. It is taken away when this process exits, unless `forget` is called.
 */
export function temporaryBeside(target: string): string {
  // The system draws no names for us; "wx" refuses one that is taken. node:crypto's draw takes 2 ms to load.
  const draw = Math.random().toString(36).slice(2, 12);
  return join(dirname(target), `${prefixOf(target)}${machineMark()}-${process.pid}-${draw}.tmp`);
}

/** Takes a temporary file away at exit. */
export function remember(path: string): void {
  unfinished.add(path);
  if (exitHook) return;
  exitHook = true;
  process.once("exit", removeUnfinished);
}

/** Leaves a file where it is. @returns whether it was remembered */
export function forget(path: string): boolean {
  return unfinished.delete(path);
}

/** Takes away what this process has not finished: at its exit. */
function removeUnfinished(): void {
  for (const path of unfinished) removeQuietly(path);
  unfinished.clear();
}

/** Takes away what processes that are no more had begun to write for a file. */
export function sweepBeside(target: string): void {
  const folder = dirname(target);
  const prefix = `${prefixOf(target)}${machineMark()}-`;
  try {
    const names = opendirSync(folder, { bufferSize: 256 });
    try {
      for (let seen = 0; seen < MOST_NAMES; seen++) {
        const entry = names.readSync();
        if (entry === null) break;
        if (!entry.name.startsWith(prefix)) continue;
        const owner = /^(\d+)-[a-z0-9]+\.tmp$/.exec(entry.name.slice(prefix.length));
        if (owner !== null && isGone(Number(owner[1]))) removeQuietly(join(folder, entry.name));
      }
    } finally {
      names.closeSync();
    }
  } catch {
    // A folder that may be written but not listed: then nothing is swept.
  }
}

/** The beginning of a temporary file's name: as much of the file's own as leaves room for the rest. */
function prefixOf(target: string): string {
  return `.${cutToBytes(basename(target), LONGEST_NAME - 60)}.`;
}

/** A text's first characters that have at most so many bytes in UTF-8. */
export function cutToBytes(text: string, most: number): string {
  if (Buffer.byteLength(text) <= most) return text;
  let length = 0;
  let cut = "";
  for (const character of text) {
    length += Buffer.byteLength(character);
    if (length > most) break;
    cut += character;
  }
  return cut;
}

/** Takes a file away where it is there. */
export function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It is gone already, or its folder is: nothing half-written is left, which is the point.
  }
}
