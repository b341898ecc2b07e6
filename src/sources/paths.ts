import { existsSync, readdirSync } from "node:fs";
import { DataError } from "../errors.js";

/** What a shell would expand: `*`, `?`, `[…]`, and `**` for any folders between. */
const PATTERN = /[*?[]/;

/**
 * The files that paths name, in the order of their names: a pattern that no shell has expanded stands for all that match
 * it, such as `sales/**\/*.parquet`. A path that exists is taken as it is, whatever characters it has.
 *
 * @throws DataError for a pattern that nothing matches
 */
export function expandPaths(paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    if (!PATTERN.test(path) || /^[a-z][\w+.-]*:/i.test(path) || existsSync(path)) return [path];
    const found = matches(path);
    if (found.length === 0)
      throw new DataError("no file matches the pattern", {
        place: { file: path },
        hint: "check the path; it is relative to the current directory",
      });
    return found;
  });
}

/** Whether a path is a pattern. */
export function hasPattern(path: string): boolean {
  return PATTERN.test(path);
}

/** What the keys of objects match that a pattern stands for, where folders are no more than parts of names. */
export function keyExpression(pattern: string): RegExp {
  const parts = pattern.split("/");
  const text = parts.map((part, i) =>
    part === "**" && i < parts.length - 1
      ? "(?:[^/]+/)*"
      : expressionText(part) + (i < parts.length - 1 ? "/" : ""),
  );
  return new RegExp(`^${text.join("")}$`, "su");
}

function matches(pattern: string): string[] {
  const [root, parts] = pattern.startsWith("/")
    ? ["/", pattern.slice(1).split("/")]
    : ["", pattern.split("/")];
  const found: string[] = [];
  const walk = (folder: string, left: readonly string[]): void => {
    const [part, ...rest] = left;
    if (part === undefined) return;
    const last = rest.length === 0;
    if (part === "**") {
      walk(folder, rest);
      for (const { name, directory } of entries(folder))
        if (directory && !name.startsWith(".")) walk(`${folder}${name}/`, left);
      return;
    }
    if (!PATTERN.test(part)) {
      const path = `${folder}${part}`;
      if (last ? existsSync(path) : part === "" || existsSync(path)) {
        if (last) found.push(path);
        else walk(`${path}/`, rest);
      }
      return;
    }
    const fits = expression(part);
    for (const { name, directory } of entries(folder)) {
      if (!fits.test(name) || (name.startsWith(".") && !part.startsWith("."))) continue;
      if (!last && directory) walk(`${folder}${name}/`, rest);
      if (last && !directory) found.push(`${folder}${name}`);
    }
  };
  walk(root, parts);
  return [...new Set(found)].sort();
}

function entries(folder: string): { name: string; directory: boolean }[] {
  try {
    return readdirSync(folder === "" ? "." : folder, { withFileTypes: true }).map((entry) => ({
      name: entry.name,
      directory: entry.isDirectory() || (entry.isSymbolicLink() && isFolder(`${folder}${entry.name}`)),
    }));
  } catch {
    return [];
  }
}

function isFolder(path: string): boolean {
  try {
    readdirSync(path);
    return true;
  } catch {
    return false;
  }
}

/** A part of a pattern between slashes as a regular expression. */
function expression(part: string): RegExp {
  return new RegExp(`^${expressionText(part)}$`, "su");
}

function expressionText(part: string): string {
  let text = "";
  for (let i = 0; i < part.length; i++) {
    const character = part[i]!;
    const end = character === "[" ? part.indexOf("]", i + 2) : -1;
    if (character === "*") text += "[^/]*";
    else if (character === "?") text += "[^/]";
    else if (end > 0) {
      text += `[${part
        .slice(i + 1, end)
        .replace(/^!/, "^")
        .replace(/\\/g, "\\\\")}]`;
      i = end;
    } else text += character.replace(/[\\^$.|+(){}[\]]/, "\\$&");
  }
  return text;
}
