import { type FileHandle, open, stat } from "node:fs/promises";

/**
 * Whether a file looks like a model rather than a table: it says so, or is JSON by its name and its first character.
 * (JSON lines begin with a brace as well.)
 */
export async function isModelFile(path: string): Promise<boolean> {
  if (path === "-") return false;
  let file: FileHandle;
  try {
    // What comes through a pipe can be read once, and is read as data.
    if (!(await stat(path)).isFile()) return false;
    file = await open(path);
  } catch {
    // Who reads it next says what is wrong.
    return false;
  }
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(64), 0, 64, 0);
    const head = buffer.toString("utf8", 0, bytesRead).trimStart();
    return /^\{\s*"format"\s*:\s*"goml-model/.test(head) || (head.startsWith("{") && path.endsWith(".json"));
  } catch {
    return false;
  } finally {
    await file.close();
  }
}
