import { fstatSync, type Stats, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { DataError, UsageError } from "../errors.js";
import { databasePath } from "./database-path.js";
import { throughLinks } from "./resolve-link.js";

/** A path that a command was given, with what it is for: "the data", "the model". `-` is a standard stream. */
export interface NamedPath {
  path: string | undefined;
  what: string;
}

/** Why a file cannot be written whose folder is not there, and what to do. */
export const NO_FOLDER = ["cannot be written: no such folder", "create the folder first"] as const;

/**
 * Refuses to write a file that is read, or one file twice, whatever names it goes by (links, `./`): files are told by
 * their device and number. Called before anything is read, and so refuses also where one of several outputs has no folder: the
 * others would be written without it. Pipes and devices may be both.
 *
 * @throws UsageError that names both, DataError of a file without a folder
 */
export function refuseOverwriting(outputs: readonly NamedPath[], inputs: readonly NamedPath[]): void {
  const read = inputs.flatMap((input) => identified(input, 0));
  for (const { path } of outputs) if (path !== undefined) checkFolder(path);
  const written: Identified[] = [];
  for (const output of outputs.flatMap((one) => identified(one, 1))) {
    const input = read.find(({ id }) => id === output.id);
    if (input !== undefined)
      throw new UsageError(`${output.path} would be overwritten: it is ${input.what}`, {
        hint: `name another file for ${output.what}`,
      });
    const other = written.find(({ id }) => id === output.id);
    if (other !== undefined)
      throw new UsageError(`${output.path} would be written twice: as ${other.what} and as ${output.what}`, {
        hint: "name two files",
      });
    written.push(output);
  }
}

function checkFolder(path: string): void {
  if (path === "-") return;
  let there = true;
  try {
    there = statSync(dirname(resolve(throughLinks(path))), { throwIfNoEntry: false }) !== undefined;
  } catch {
    // Who opens it says what is wrong with it.
  }
  if (there) return;
  const [message, hint] = NO_FOLDER;
  throw new DataError(message, { place: { file: path }, hint });
}

/** The first two paths that name one file, if there are such. */
export function namedTwice(paths: readonly string[]): readonly [string, string] | undefined {
  const seen = new Map<string, string>();
  for (const path of paths)
    for (const { id } of identified({ path, what: "" }, 0)) {
      const before = seen.get(id);
      if (before !== undefined) return [before, path];
      seen.set(id, path);
    }
  return undefined;
}

interface Identified {
  id: string;
  path: string;
  what: string;
}

/** A file's device and number; where there is none yet, its folder's and its name. None for pipes and devices. */
function identified({ path: given, what }: NamedPath, stream: 0 | 1): Identified[] {
  if (given === undefined) return [];
  const path = stream === 0 ? (databasePath(given)?.file ?? given) : given;
  const standard = path === "-";
  const name = standard ? `standard ${stream === 0 ? "input" : "output"}` : path;
  try {
    const stats = standard ? fstatSync(stream) : statSync(path, { throwIfNoEntry: false });
    if (stats !== undefined) return stats.isFile() ? [{ id: idOf(stats), path: name, what }] : [];
    const target = resolve(throughLinks(path));
    const folder = statSync(dirname(target), { throwIfNoEntry: false });
    return folder === undefined ? [] : [{ id: join(idOf(folder), basename(target)), path: name, what }];
  } catch {
    // Who opens it says what is wrong with it.
    return [];
  }
}

function idOf({ dev, ino }: Stats): string {
  return `${dev}:${ino}`;
}
