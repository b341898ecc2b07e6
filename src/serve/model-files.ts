import type { Stats } from "node:fs";
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

const FILES = ["model.json", "model.onnx"];
const SUFFIX = /\.(json|onnx)$/;

/** Whether a model is an ONNX file, by its name. */
export function isNetwork(path: string): boolean {
  return path.toLowerCase().endsWith(".onnx");
}

/** The model files at a path, and what could not even be looked at there. */
export interface FoundFiles {
  readonly files: readonly ModelFile[];
  /** Folders that cannot be read, by path, and why; what is in them is not known. */
  readonly unreadable: ReadonlyMap<string, string>;
}

/**
 * The model files at a path: the file itself, or in a folder every `NAME.json`, `NAME/model.json` and
 * `NAME/VERSION/model.json`, versions being whole numbers, and so with `.onnx`. What is no regular file (a pipe, a device, a socket) is
 * among them, to be refused when it is read: by name it is a model.
 *
 * @throws DataError where there is nothing at the path, no model in the folder, or the folder cannot be read
 */
export async function findModelFiles({ path, name }: ModelPath): Promise<FoundFiles> {
  const unreadable = new Map<string, string>();
  const found = await statOf(path, unreadable);
  const [problem] = unreadable.values();
  if (problem !== undefined) throw new DataError(problem, { place: { file: path } });
  if (found === undefined)
    throw new DataError("no such file or folder", {
      place: { file: path },
      hint: "name the model that goml train wrote, or a folder of models",
    });
  if (!found.isDirectory()) {
    const file = { name: name ?? withoutSuffix(path), version: "1", path, state: stateOf(found) };
    return { files: [file], unreadable };
  }
  const entries = await sorted(path, unreadable);
  if (entries === undefined) throw new DataError([...unreadable.values()][0]!, { place: { file: path } });
  const files: ModelFile[] = [];
  for (const entry of entries) files.push(...(await inFolder(path, entry, unreadable)));
  if (files.length === 0 && unreadable.size === 0)
    throw new DataError("the folder has no models", {
      place: { file: path },
      hint: "expected NAME.json, NAME/model.json or NAME/VERSION/model.json, or these with .onnx",
    });
  return { files, unreadable };
}

async function inFolder(
  folder: string,
  entry: string,
  unreadable: Map<string, string>,
): Promise<ModelFile[]> {
  const path = join(folder, entry);
  if (entry.startsWith(".")) return [];
  const found = await statOf(path, unreadable);
  if (found === undefined) return [];
  if (!found.isDirectory())
    return SUFFIX.test(entry)
      ? [{ name: withoutSuffix(entry), version: "1", path, state: stateOf(found) }]
      : [];
  const versions = ((await sorted(path, unreadable)) ?? []).filter((inner) => /^[0-9]+$/.test(inner));
  const places = [
    { version: "1", path },
    ...versions.map((version) => ({ version, path: join(path, version) })),
  ].flatMap(({ version, path: at }) => FILES.map((file) => ({ version, path: join(at, file) })));
  const files: ModelFile[] = [];
  for (const place of places) {
    const file = await statOf(place.path, unreadable);
    if (file !== undefined && !file.isDirectory())
      files.push({ name: entry, ...place, state: stateOf(file) });
  }
  return files;
}

/** What is at a path; undefined where nothing is, or where that cannot be told, which is noted. */
async function statOf(path: string, unreadable: Map<string, string>): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (!["ENOENT", "ENOTDIR"].includes(code)) unreadable.set(path, `cannot be read (${code})`);
    return undefined;
  }
}

async function sorted(folder: string, unreadable: Map<string, string>): Promise<string[] | undefined> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    unreadable.set(folder, `cannot be read (${(error as NodeJS.ErrnoException).code})`);
    return undefined;
  }
}

function stateOf({ size, mtimeMs, ino }: Stats): string {
  return `${size} ${mtimeMs} ${ino}`;
}

function withoutSuffix(path: string): string {
  return basename(path).replace(SUFFIX, "");
}
