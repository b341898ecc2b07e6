import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { DataError } from "../errors.js";

/** A model file, with the name and version it is served under. */
export interface ModelFile {
  readonly name: string;
  readonly version: string;
  readonly path: string;
  /** Changes whenever the file does: size, time of change and inode. */
  readonly state: string;
}

/** What to look at: a file or folder, and the name that the user gave a file. */
export interface ModelPath {
  readonly path: string;
  readonly name: string | undefined;
}

/**
 * The model files at a path: the file itself, or in a folder every `NAME.json`, `NAME/model.json` and
 * `NAME/VERSION/model.json`, versions being whole numbers.
 *
 * @throws DataError where there is nothing at the path, or no model in the folder
 */
export async function findModelFiles({ path, name }: ModelPath): Promise<ModelFile[]> {
  const found = await stateOf(path);
  if (found === undefined)
    throw new DataError("no such file or folder", {
      place: { file: path },
      hint: "name the model that goml train wrote, or a folder of models",
    });
  if (!found.folder) return [{ name: name ?? withoutSuffix(path), version: "1", path, state: found.state }];
  const files = (await Promise.all((await sorted(path)).map((entry) => inFolder(path, entry)))).flat();
  if (files.length === 0)
    throw new DataError("the folder has no models", {
      place: { file: path },
      hint: "expected NAME.json, NAME/model.json or NAME/VERSION/model.json",
    });
  return files;
}

async function inFolder(folder: string, entry: string): Promise<ModelFile[]> {
  const path = join(folder, entry);
  if (entry.startsWith(".")) return [];
  const found = await stateOf(path);
  if (found === undefined) return [];
  if (!found.folder)
    return entry.endsWith(".json")
      ? [{ name: withoutSuffix(entry), version: "1", path, state: found.state }]
      : [];
  const versions = (await sorted(path)).filter((inner) => /^[0-9]+$/.test(inner));
  const places = [
    { version: "1", path: join(path, "model.json") },
    ...versions.map((version) => ({ version, path: join(path, version, "model.json") })),
  ];
  const files: ModelFile[] = [];
  for (const place of places) {
    const file = await stateOf(place.path);
    if (file !== undefined && !file.folder) files.push({ name: entry, ...place, state: file.state });
  }
  return files;
}

async function stateOf(path: string): Promise<{ folder: boolean; state: string } | undefined> {
  try {
    const stats = await stat(path);
    return { folder: stats.isDirectory(), state: `${stats.size} ${stats.mtimeMs} ${stats.ino}` };
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw new DataError(`cannot be read (${(error as NodeJS.ErrnoException).code})`, {
      place: { file: path },
      cause: error,
    });
  }
}

async function sorted(folder: string): Promise<string[]> {
  return (await readdir(folder)).sort();
}

function withoutSuffix(path: string): string {
  return basename(path).replace(/\.json$/, "");
}
