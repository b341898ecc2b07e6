// Writes the manual page, of the same text as the help: dist/goml.1.
import { writeFileSync } from "node:fs";
import { commandLine } from "../dist/cli/program/command-line.js";
import { EXIT_CODES } from "../dist/cli/program/exit-codes.js";
import { version } from "../dist/version.js";

/** What an exit code means, by the kind of the error. */
const KINDS = {
  internal: "a bug in goml",
  usage: "wrong usage: options and arguments",
  data: "a file or its rows cannot be read",
  model: "no model comes of it, or the model does not fit the data",
  gate: "a gate of evaluate or bench does not hold",
};

/** Text for roff: backslashes, hyphens that are typed, and lines that would be requests. */
const roff = (text) =>
  text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replace(/^([.'])/gm, "\\&$1");
/** Lines as they stand. */
const verbatim = (text) => `.nf\n${roff(text)}\n.fi`;

function manualPage() {
  const program = commandLine(() => async () => {});
  const lines = [
    `.TH GOML 1 "" "goml ${version}" "User Commands"`,
    ".SH NAME",
    "goml \\- linear regression for the terminal, CI and Node services",
    ".SH SYNOPSIS",
    ".B goml",
    ".I command",
    ".RI [ options ]",
    ".SH OPTIONS",
    ...program
      .createHelp()
      .visibleOptions(program)
      .flatMap((option) => entry("B", option.flags, option.description)),
    ".SH COMMANDS",
  ];
  const shown = program.createHelp().visibleCommands(program);
  for (const command of shown) {
    const help = command.createHelp();
    lines.push(
      `.SS "goml ${roff(command.name())} ${roff(command.usage())}"`,
      roff(sentence(command.description())),
    );
    for (const argument of help.visibleArguments(command))
      lines.push(...entry("I", argument.name(), help.argumentDescription(argument)));
    for (const option of help.visibleOptions(command))
      if (option.long !== "--help" && option.long !== "--debug")
        lines.push(...entry("B", option.flags, help.optionDescription(option)));
    const after = textAfter(command);
    if (after !== "") lines.push(".PP", verbatim(after));
  }
  lines.push(".SH EXIT STATUS", ...entry("B", "0", "done"));
  for (const [kind, code] of Object.entries(EXIT_CODES).sort((a, b) => a[1] - b[1]))
    if (KINDS[kind] !== undefined) lines.push(...entry("B", String(code), KINDS[kind]));
  lines.push(...entry("B", "130, 143, 129", "ended by SIGINT, SIGTERM, SIGHUP"));
  return `${lines.join("\n")}\n`;
}

/** A term in bold (B) or italics (I), and what it is. */
const entry = (font, term, text) => [".TP", `.${font} ${roff(term)}`, roff(sentence(text))];

const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}${/[.?!]$/.test(text) ? "" : "."}`;

/** What stands behind the options in a command's help: remarks and examples. */
function textAfter(command) {
  let whole = "";
  command.configureOutput({ writeOut: (text) => (whole += text), getOutHelpWidth: () => 80 });
  command.outputHelp();
  return whole.slice(command.helpInformation().length).trim();
}

writeFileSync("dist/goml.1", manualPage());
