import { readSync } from "node:fs";

/**
 * Fills bytes with those of an open file from `position` on.
 *
 * @throws RangeError where the file ends before
 */
export function readInto(bytes: Uint8Array, fd: number, position: number): Uint8Array {
  for (let done = 0; done < bytes.length; ) {
    const got = readSync(fd, bytes, done, bytes.length - done, position + done);
    if (got === 0) throw new RangeError("the file ends too early");
    done += got;
  }
  return bytes;
}
