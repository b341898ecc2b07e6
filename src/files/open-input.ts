import { constants, createReadStream, fstatSync, openSync } from "node:fs";
import { Socket } from "node:net";
import type { Readable } from "node:stream";

/** A pipe that is opened without waiting reports its first writer's coming and going on Linux only. */
const PIPES_WAIT = process.platform === "linux";

/**
 * Opens a file to be read, and never waits for it: a named pipe has no writer yet, perhaps, and opening it as files are
 * opened would hold a thread that no signal ends. What it gives is to be read by `pipeStream`.
 *
 * Errors are the system's.
 */
export function openToRead(path: string): number {
  return openSync(path, constants.O_RDONLY | (PIPES_WAIT ? constants.O_NONBLOCK : 0));
}

/**
 * The bytes of an open pipe or device as a stream, which `destroy` ends at any time. Of a pipe the event loop waits for
 * bytes; a device is read on a thread, and has something to say at once.
 */
export function pipeStream(path: string, fd: number): Readable {
  if (PIPES_WAIT && fstatSync(fd).isFIFO())
    return new Socket({ fd, readable: true, writable: false, highWaterMark: 1 << 20 } as never);
  return createReadStream(path, { fd, highWaterMark: 1 << 20 });
}
