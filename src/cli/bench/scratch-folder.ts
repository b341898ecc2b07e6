import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DataError } from "../../errors.js";

/**
 * A folder for generated data, which is taken away at the process's end or by `remove`.
 *
 * @throws DataError where the folder for temporary files does not take it
 */
export function scratchFolder(): { folder: string; remove(): void } {
  const within = tmpdir();
  let folder: string;
  try {
    folder = mkdtempSync(join(within, "goml-bench-"));
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "unknown error";
    throw new DataError(`cannot hold generated data (${code})`, {
      place: { file: within },
      hint: "point TMPDIR at a folder that can be written",
      cause,
    });
  }
  const atExit = () => rmSync(folder, { recursive: true, force: true });
  process.once("exit", atExit);
  const remove = () => {
    process.off("exit", atExit);
    atExit();
  };
  return { folder, remove };
}
