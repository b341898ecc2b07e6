import { print } from "../../render/print.js";
import { type CommandTree, completionsOf } from "./completions.js";
import { SCRIPTS } from "./scripts.js";
import type { Shell } from "./shells.js";

/** `goml completion`: prints a shell's script. */
export async function completion(shell: Shell): Promise<number> {
  print(SCRIPTS[shell]);
  return 0;
}

/** `goml complete -- words…`, which the scripts call: prints what may stand for the last word. */
export async function complete(program: CommandTree, words: readonly string[]): Promise<void> {
  const { values, files, goesOn } = await completionsOf(program, words);
  const lines = values.map(({ value, description }) => `${value}\t${description.split("\n")[0]}`);
  if (goesOn) lines.push(":nospace");
  if (files) lines.push(":files");
  print(lines.map((line) => `${line}\n`).join(""));
}
