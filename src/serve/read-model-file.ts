import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { DataError } from "../errors.js";

/**
 * The bytes of a model file, read without waiting for anybody: opening a pipe would wait for its writer, and reading a
 * device might never end. What is looked at is the file that was opened, whatever its name stands for by then.
 *
 * @throws DataError where it is not a regular file, is too large, cannot be read, or changes while it is read
 */
export async function readModelFile(path: string, limit: number): Promise<Buffer> {
  const place = { file: path };
  let file: FileHandle | undefined;
  try {
    file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const stats = await file.stat();
    if (!stats.isFile()) throw new DataError("is not a regular file, expected a model", { place });
    if (stats.size > limit)
      throw new DataError(`has ${stats.size} bytes, the limit of a model file is ${limit}`, { place });
    const bytes = Buffer.alloc(stats.size);
    let length = 0;
    while (length < stats.size) {
      const { bytesRead } = await file.read(bytes, length, stats.size - length, length);
      if (bytesRead === 0) throw new DataError("has become shorter while it was read", { place });
      length += bytesRead;
    }
    return bytes;
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    const reasons: Record<string, string> = { ENOENT: "no such file", EACCES: "no permission to read it" };
    // A socket, and a pipe that nobody has open.
    if (code === "ENXIO") throw new DataError("is not a regular file, expected a model", { place, cause });
    throw new DataError(reasons[code ?? ""] ?? `cannot be read (${code})`, { place, cause });
  } finally {
    await file?.close();
  }
}
