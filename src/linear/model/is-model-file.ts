import { type FileHandle, open, stat } from "node:fs/promises";

/**
 * Whether a file looks like a model rather than a table: it says so, or is JSON by its name and its first character.
 * (JSON lines begin with a brace as well.)
 */
export async function isModelFile(path: string): Promise<boolean> {
  const head = await headOf(path);
  return saysModel(head) || (head.startsWith("{") && path.endsWith(".json"));
}

/** Whether a file says that it is a model; JSON of another program does not. */
export async function isSurelyModelFile(path: string): Promise<boolean> {
  return saysModel(await headOf(path));
}

function saysModel(head: string): boolean {
  return /^\{\s*"format"\s*:\s*"goml-model/.test(head);
}

/** The first characters of a file; none where it cannot be read. */
async function headOf(path: string): Promise<string> {
  if (path === "-") return "";
  let file: FileHandle;
  try {
    // What comes through a pipe can be read once, and is read as data.
    if (!(await stat(path)).isFile()) return "";
    file = await open(path);
  } catch {
    // Who reads it next says what is wrong.
    return "";
  }
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(64), 0, 64, 0);
    return buffer.toString("utf8", 0, bytesRead).trimStart();
  } catch {
    return "";
  } finally {
    await file.close();
  }
}
