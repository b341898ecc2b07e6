import { closeSync } from "node:fs";

/** Closes a descriptor that may be closed already. */
export function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // Closed before: a second close must not hide the first error.
  }
}
