import { readlinkSync } from "node:fs";
import { hostname } from "node:os";

let mark: string | undefined;

/**
 * Eight letters that name the machine, and where there are such its process numbers' namespace: process numbers say
 * nothing of those that have another, as on another host of a shared disk or in another container.
 */
export function machineMark(): string {
  mark ??= fnv(`${hostname()}\n${namespace()}`).toString(16).padStart(8, "0");
  return mark;
}

/** FNV-1a, 32 bits: enough to tell machines apart, and node:crypto takes 2 ms to load. */
function fnv(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

function namespace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "";
  }
}

/** Whether a process of this machine, by its number, is there no more. One that may not be asked is there. */
export function isGone(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}
