import { constants, openSync } from "node:fs";
import { Socket } from "node:net";
import type { Writable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";

/** How often it is looked whether a named pipe has a reader, in milliseconds. */
const LOOK_MS = 20;

/**
 * Opens a named pipe to be written, when it has a reader. Neither this nor a reader that does not read holds a thread:
 * a signal is heard, and the process can end.
 *
 * Errors are the system's.
 */
export async function openToWrite(path: string): Promise<Writable> {
  for (;;) {
    try {
      const fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
      return new Socket({ fd, readable: false, writable: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENXIO") throw error;
      await pause(LOOK_MS);
    }
  }
}
