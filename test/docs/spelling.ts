import type { Command } from "commander";
import { commandLine } from "../../src/cli/program/command-line.js";

const program = commandLine(() => async () => {});
const commands = new Map(program.commands.map((command) => [command.name(), command]));

/** The commands that help lists. */
export const programNames = (): string[] =>
  program.commands
    .filter((command) => !(command as Command & { _hidden: boolean })._hidden)
    .map((command) => command.name());

/** The words of a line of shell, as far as its first `|`, `;`, `>`, `&` or comment; quotes are taken off. */
function words(line: string): string[] {
  const found: string[] = [];
  for (const [, word, stop] of line.matchAll(/((?:'[^']*'|"[^"]*"|\\.|[^\s'"|;>&#\\])+)|([|;>&#])/g)) {
    if (stop !== undefined) break;
    found.push(word!.replace(/['"]/g, ""));
  }
  return found;
}

/** Lines of `goml` in a text whose command or option there is not. */
export function misspelt(text: string): string[] {
  const wrong: string[] = [];
  for (const [, line] of text.replaceAll("\\\n", " ").matchAll(/(?<![\w/.@-])goml ((?=[a-z-]).*)/g)) {
    const [name, ...rest] = words(line!);
    if (name === undefined || /^(?=-|help$)/.test(name)) continue;
    const command = commands.get(name);
    if (command === undefined) wrong.push(`goml ${line}`);
    for (const word of rest) {
      const [flag] = word.split("=", 1);
      if (!/^--?[a-z]/.test(flag!)) continue;
      const known = [...(command?.options ?? []), ...program.options].some(
        (option) =>
          option.long === flag ||
          option.short === flag ||
          (!flag!.startsWith("--") && option.short === flag!.slice(0, 2)),
      );
      if (!known && flag !== "--help" && flag !== "-h") wrong.push(`goml ${line}: ${flag}`);
    }
  }
  return wrong;
}
