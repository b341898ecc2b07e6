import { quoteField } from "../../../csv/write.js";
import { readTables, withSources } from "../../../sources/tables.js";
import { suites } from "../../bench/suites.js";

/** What is looked at of commander's commands; they come from another file of the build. */
export interface CommandTree {
  readonly commands: readonly CommandNode[];
  readonly options: readonly OptionNode[];
}

interface CommandNode extends CommandTree {
  name(): string;
  summary(): string;
  description(): string;
  readonly registeredArguments: readonly { readonly argChoices?: readonly string[] | undefined }[];
}

interface OptionNode {
  readonly short?: string | undefined;
  readonly long?: string | undefined;
  readonly flags: string;
  readonly description: string;
  readonly required: boolean;
  readonly optional: boolean;
  readonly hidden: boolean;
  readonly argChoices?: readonly string[] | undefined;
}

/** What may stand for the word at the cursor. */
export interface Completions {
  /** Whole words. */
  values: { value: string; description: string }[];
  /** Whether files may stand there too. */
  files: boolean;
  /** Whether the word may go on after a value, as lists do. */
  goesOn: boolean;
}

const NOTHING: Completions = { values: [], files: false, goesOn: false };

/** What an option's value is called where files are none. */
const NO_FILE =
  /<(n|x|p|share|level|policy|criterion|address|sign|seconds|bytes|number|numbers|texts|name|names)>/;

/** Completes the last of the words behind `goml`, which is empty after a blank. */
export async function completionsOf(program: CommandTree, words: readonly string[]): Promise<Completions> {
  // bash hands over --name=value as three words.
  const whole = words.filter((word) => word !== "=");
  const typed = whole.at(-1) === undefined || words.at(-1) === "=" ? "" : whole.at(-1)!;
  const before = words.at(-1) === "=" ? whole : whole.slice(0, -1);
  const fitting = ({ values, ...rest }: Completions): Completions => ({
    ...rest,
    values: values.filter(({ value }) => value.startsWith(typed)),
  });

  const name = before.find((word) => !word.startsWith("-"));
  const command = program.commands.find((one) => one.name() === name);
  if (name === undefined || name === "help") {
    if (typed.startsWith("-") && name === undefined) return fitting(flags(program.options));
    return fitting(commandNames(program));
  }
  if (command === undefined) return NOTHING;

  // --name=value as one word, as zsh and fish hand it over.
  const joined = /^(--[^=]+)=(.*)$/s.exec(typed);
  if (joined !== null) {
    const [, long, value] = joined;
    const option = command.options.find((one) => one.long === long);
    if (option === undefined) return NOTHING;
    const { values, ...rest } = await valuesOf(option, value!, before);
    return { ...rest, values: values.map((one) => ({ ...one, value: `${long}=${one.value}` })) };
  }
  if (typed.startsWith("-") && typed !== "-") return fitting(flags(command.options));
  const last = before.at(-1)!;
  const option = command.options.find(({ short, long }) => last === short || last === long);
  if (option?.required || (option?.optional && option.argChoices)) return valuesOf(option, typed, before);
  const choices = command.registeredArguments[0]?.argChoices;
  // Behind it stand files, where the command takes any.
  const chosen = choices?.find((choice) => before.includes(choice));
  if (chosen !== undefined) return { ...NOTHING, files: command.registeredArguments.length > 1 };
  if (choices !== undefined) return fitting({ ...NOTHING, values: plain(choices) });
  return { ...NOTHING, files: command.registeredArguments.length > 0 };
}

/** What may follow an option. */
async function valuesOf(option: OptionNode, typed: string, before: readonly string[]): Promise<Completions> {
  if (option.argChoices !== undefined)
    return {
      ...NOTHING,
      values: plain(option.argChoices).filter(({ value }) => value.startsWith(typed)),
    };
  if (option.long === "--suite") return listed(Object.keys(suites), typed);
  if (/<columns?(=\w+)?>/.test(option.flags)) {
    const columns = (await columnsOf(before)).map((column) => quoteField(column));
    if (/<columns>/.test(option.flags)) return listed(columns, typed);
    const goesOn = option.flags.includes("=");
    const ends = columns.map((column) => (goesOn ? `${column}=` : column));
    return { ...NOTHING, goesOn, values: plain(ends).filter(({ value }) => value.startsWith(typed)) };
  }
  return { ...NOTHING, files: !NO_FILE.test(option.flags) };
}

/** The last name of a list between commas, of names that it does not have yet. */
function listed(names: readonly string[], typed: string): Completions {
  const begun = typed.slice(0, typed.lastIndexOf(",") + 1);
  const had = new Set(begun.split(","));
  const values = names
    .filter((name) => !had.has(name))
    .map((name) => begun + name)
    .filter((value) => value.startsWith(typed));
  return { values: plain(values), files: false, goesOn: true };
}

/** The columns of the data named so far; none where there are none, or they cannot be read. */
async function columnsOf(before: readonly string[]): Promise<string[]> {
  for (const word of before.slice(before[0] === "sql" ? 2 : 1)) {
    // Whatever else a word is, it is no table.
    if (word.startsWith("-") || word.endsWith(".json")) continue;
    try {
      return await withSources(word, undefined, async (sources) => {
        const table = await readTables(sources, {});
        return table.columns.map(({ name }) => name);
      });
    } catch {}
  }
  return [];
}

function commandNames(program: CommandTree): Completions {
  const shown = program.commands.filter((command) => !HIDDEN.has(command.name()));
  const values = shown.map((command) => ({ value: command.name(), description: command.description() }));
  return { ...NOTHING, values: [...values, { value: "help", description: "show help, with examples" }] };
}

/** Commands that help does not list. */
const HIDDEN: ReadonlySet<string> = new Set(["complete", "help"]);

function flags(options: readonly OptionNode[]): Completions {
  const values = options
    .filter(({ hidden, long }) => !hidden && long !== undefined)
    .map(({ long, description }) => ({ value: long!, description }));
  return { ...NOTHING, values: [...values, { value: "--help", description: "show help" }] };
}

function plain(values: readonly string[]): Completions["values"] {
  return values.map((value) => ({ value, description: "" }));
}
