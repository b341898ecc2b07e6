import type { Command } from "commander";
import { expect, test } from "vitest";
import { commandLine } from "../../src/cli/program/command-line.js";

// What scripts and people rely on: a change of an option or an example shows as a change of a snapshot.
const program = commandLine(() => async () => {});

/** All that `goml help NAME` prints. */
function helpOf(command: Command): string {
  let text = "";
  command.configureOutput({
    writeOut: (part) => (text += part),
    getOutHelpWidth: () => 100,
    getOutHasColors: () => false,
  });
  command.outputHelp();
  return text;
}

test.each([program, ...program.commands].map((command) => [command.name(), command] as const))(
  "help of %s",
  (_, command) => {
    expect(helpOf(command)).toMatchSnapshot();
  },
);
