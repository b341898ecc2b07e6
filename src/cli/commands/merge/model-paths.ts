import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { DataError } from "../../../errors.js";
import { compareCodePoints } from "../../../stats/code-points.js";

/**
 * The model files that arguments name: a folder stands for its files called *.json, in the order of their names, and `-` for a
 * list on standard input, one path a line.
 *
 * @throws DataError for a folder without such files, and a list without lines
 */
export async function modelPaths(given: readonly string[], signal: AbortSignal): Promise<string[]> {
  const paths: string[] = [];
  for (const one of given) {
    if (one === "-") paths.push(...(await listed(signal)));
    else if (statSync(one, { throwIfNoEntry: false })?.isDirectory()) paths.push(...inFolder(one));
    else paths.push(one);
  }
  return paths;
}

function inFolder(folder: string): string[] {
  // A pipe would be waited for.
  const names = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !entry.isFIFO() && entry.name.endsWith(".json") && !entry.name.startsWith("."))
    .map(({ name }) => name);
  if (names.length === 0)
    throw new DataError("the folder has no model files", {
      place: { file: folder },
      hint: "they end in .json",
    });
  return names.sort(compareCodePoints).map((name) => join(folder, name));
}

async function listed(signal: AbortSignal): Promise<string[]> {
  const pieces: Buffer[] = [];
  const stop = () => process.stdin.destroy();
  signal.addEventListener("abort", stop, { once: true });
  try {
    for await (const piece of process.stdin) pieces.push(piece as Buffer);
  } finally {
    signal.removeEventListener("abort", stop);
  }
  signal.throwIfAborted();
  const paths = Buffer.concat(pieces)
    .toString()
    .split(/\r?\n/)
    .filter((path) => path !== "");
  if (paths.length === 0)
    throw new DataError("standard input lists no model files", {
      hint: "one path a line, as find and ls print",
    });
  return paths;
}
