import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The built command's entry. */
export const GOML = fileURLToPath(new URL("../../bin/goml.js", import.meta.url));

/** What a run of the command came to. */
export interface Run {
  code: number | null;
  stdout: string;
  stderr: string;
  /** Names in the folder afterwards, sorted; temporary files would be among them. */
  left: string[];
}

/** Files by name: text or bytes; a name that ends in `/` is a folder. */
export type Files = Record<string, string | Uint8Array>;

/** Makes a folder with these files, runs `body` in it and takes it away again. */
export async function inFolder<T>(files: Files, body: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "goml-test-"));
  try {
    for (const [name, content] of Object.entries(files)) {
      if (name.endsWith("/")) mkdirSync(join(folder, name));
      else writeFileSync(join(folder, name), content);
    }
    return await body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Starts the built command in a folder. */
export function start(
  folder: string,
  args: readonly string[],
  more: Readonly<Record<string, string>> = {},
): ChildProcess {
  const env = { ...process.env, NO_COLOR: "1", ...more };
  return spawn(process.execPath, [GOML, ...args], { cwd: folder, env });
}

/** Collects what a command that was started writes, until it ends. */
export async function finished(child: ChildProcess, folder: string): Promise<Run> {
  let stdout = "";
  let stderr = "";
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, stdout, stderr, left: readdirSync(folder).sort() };
}

/** Runs the built command in a folder, with `input` on standard input and `more` in its environment. */
export async function goml(
  folder: string,
  args: readonly string[],
  input: string | Uint8Array = "",
  more: Readonly<Record<string, string>> = {},
): Promise<Run> {
  const child = start(folder, args, more);
  // The command may end without reading its input.
  child.stdin!.on("error", () => {});
  child.stdin!.end(input);
  return finished(child, folder);
}
