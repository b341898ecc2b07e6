import { copyFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { goml, inFolder } from "../cli/goml.js";

const here = fileURLToPath(new URL(".", import.meta.url));

/** A folder with a copy of a case's files, in which commands are run. */
export function inCase<T>(name: string, body: (folder: string) => Promise<T>): Promise<T> {
  return inFolder({}, (folder) => {
    for (const file of readdirSync(join(here, name)))
      copyFileSync(join(here, name, file), join(folder, file));
    return body(folder);
  });
}

/** The JSON that a command prints on standard output. */
export async function json(folder: string, args: readonly string[], input?: string) {
  const { code, stdout, stderr } = await goml(folder, [...args, "--json"], input);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout);
}

/** The JSON that `predict` prints beside its output. */
export async function predictJson(folder: string, ...args: string[]) {
  const { code, stderr } = await goml(folder, ["predict", ...args, "--json", "-o", "out.csv"]);
  expect(code).toBe(0);
  return JSON.parse(stderr);
}
