import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Command } from "commander";
import { SyntaxKind } from "typescript/unstable/ast";
import { createScanner } from "typescript/unstable/ast/scanner";
import { describe, expect, test } from "vitest";
import { EXIT_CODES } from "../../../src/cli/program/exit-codes.js";
import { commandText } from "../../../src/cli/program/spelling.js";
import * as goml from "../../../src/index.js";
import { type OptionName, option, plainText, type Verb, verb, wording } from "../../../src/wording.js";

const sources = (readdirSync("src", { recursive: true }) as string[])
  .filter((file) => file.endsWith(".ts") && !file.startsWith("kernels/assembly"))
  .map((file) => join("src", file));
const below = sources.filter((file) => !file.startsWith("src/cli/"));

const commands = new Map<string, Set<string>>();
for (const name of readdirSync("src/cli/commands")) {
  const program = new Command();
  const module = await import(`../../../src/cli/commands/${name}/syntax.ts`);
  module[`${name}Syntax`](program, () => () => {});
  commands.set(name, new Set(program.commands[0]!.options.map(({ long }) => long!)));
}

const WHOLE_TEXTS = [
  SyntaxKind.StringLiteral,
  SyntaxKind.NoSubstitutionTemplateLiteral,
  SyntaxKind.TemplateTail,
];
const TEXTS = new Set<SyntaxKind>([...WHOLE_TEXTS, SyntaxKind.TemplateHead, SyntaxKind.TemplateMiddle]);
/** After these a slash divides; after any other token it begins a regular expression. */
const VALUE_ENDS = new Set<SyntaxKind>([
  ...WHOLE_TEXTS,
  SyntaxKind.Identifier,
  SyntaxKind.NumericLiteral,
  SyntaxKind.BigIntLiteral,
  SyntaxKind.CloseParenToken,
  SyntaxKind.CloseBracketToken,
  SyntaxKind.CloseBraceToken,
  SyntaxKind.ThisKeyword,
  SyntaxKind.ExclamationToken,
]);

/** The texts of a source's strings and templates; comments, code and regular expressions are none. */
function textsOf(source: string): string[] {
  const scanner = createScanner(true, undefined, source);
  const texts: string[] = [];
  const open: ("{" | "${")[] = [];
  let afterValue = false;
  for (let kind = scanner.scan(); kind !== SyntaxKind.EndOfFile; kind = scanner.scan()) {
    if ((kind === SyntaxKind.SlashToken || kind === SyntaxKind.SlashEqualsToken) && !afterValue)
      kind = scanner.reScanSlashToken();
    if (kind === SyntaxKind.OpenBraceToken) open.push("{");
    if (kind === SyntaxKind.CloseBraceToken && open.pop() === "${") kind = scanner.reScanTemplateToken(false);
    if (kind === SyntaxKind.TemplateHead || kind === SyntaxKind.TemplateMiddle) open.push("${");
    if (TEXTS.has(kind)) texts.push(scanner.getTokenText());
    afterValue = VALUE_ENDS.has(kind);
  }
  expect(open).toEqual([]);
  return texts;
}

const flagsIn = (text: string) => text.match(/(?<![\w-])--[a-z][\w-]*/gi) ?? [];

/** What looks like flags: custom properties of the page's style sheet, and an option of V8. */
const OTHERS: Record<string, string[]> = {
  // Of mysql and psql.
  "src/csv/file-kind.ts": ["--batch", "--csv"],
  // Of aws, zstd and curl.
  "src/sources/remote/s3.ts": ["--format"],
  "src/csv/read-error.ts": ["--long"],
  "src/sources/remote/remote-file.ts": ["--compressed"],
  "src/serve/page.ts": ["--line", "--soft", "--accent"],
  // Commands for who reads the page of a report.
  "src/report/warnings.ts": ["--vcov", "--formula", "--cluster", "--lambda"],
  "src/serve/garbage.ts": ["--expose-gc"],
  // Of vulkaninfo.
  "src/webgpu/find.ts": ["--summary"],
};

describe("below the command line", () => {
  test("the scanner finds flags in strings and templates, and in nothing else", () => {
    const source = [
      "/* --comment */ const a = b / --c; // --comment",
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a template is what the source has
      'f(/["`]--regexp/, "say --one", `${/"--re/.test(`--two ${--i} --three`)} --four`);',
    ].join("\n");
    expect(textsOf(source).flatMap(flagsIn)).toEqual(["--one", "--two", "--three", "--four"]);
  });

  test.each(below)("%s names no flag", (file) => {
    const flags = textsOf(readFileSync(file, "utf8")).flatMap(flagsIn);
    expect(flags.filter((flag) => !OTHERS[file]?.includes(flag))).toEqual([]);
  });
});

/** The files that a command's run.ts loads, directly or not. */
function loadedBy(entry: string, seen = new Set<string>()): Set<string> {
  if (seen.has(entry)) return seen;
  seen.add(entry);
  for (const [, path] of readFileSync(entry, "utf8").matchAll(/(?:from|import\() ?"(\.[^"]+)\.js"/g))
    loadedBy(`${join(dirname(entry), path!)}.ts`, seen);
  return seen;
}

/** Marks in a source: the options by name, with whether they are given false and the line, and the verbs. */
function marksIn(source: string): { options: [OptionName, boolean, string][]; verbs: Verb[] } {
  const options = source
    .split("\n")
    .flatMap((line) =>
      [...line.matchAll(/\boption\(([^()]*(?:\([^()]*\))?[^()]*)\)/g)].flatMap(([, inside]) =>
        [...inside!.split(/,(?![^[{]*[\]}])/)[0]!.matchAll(/(?:^|[?:] )"(\w+)"/g)].map(
          ([, name]): [OptionName, boolean, string] => [name as OptionName, /, false$/.test(inside!), line],
        ),
      ),
    );
  const verbs = [...source.matchAll(/\bverb\("(\w+)"/g)].map(([, name]) => name as Verb);
  return { options, verbs };
}

const marked = below
  .filter((file) => file !== "src/wording.ts")
  .map((file) => ({ file, ...marksIn(readFileSync(file, "utf8")) }));
const reach = new Map(
  [...commands.keys()].map((name) => [name, loadedBy(`src/cli/commands/${name}/run.ts`)]),
);

describe("marks", () => {
  test("every name that may be marked is, and there are as many marks as calls", () => {
    const names = readFileSync("src/wording.ts", "utf8").match(/(?<=^ {2}\| ")\w+/gm);
    expect([...new Set(marked.flatMap(({ options }) => options.map(([name]) => name)))].sort()).toEqual(
      names,
    );
    for (const { file, options } of marked) {
      const calls = readFileSync(file, "utf8").match(/\boption\(/g)?.length ?? 0;
      expect(options.length, file).toBeGreaterThanOrEqual(calls);
    }
  });

  const options = marked.flatMap(({ file, options }) =>
    options.map(([name, no, line]) => ({ file, name, no, line })),
  );
  test.each(options)("$name in $file is a flag of a command that gets there, or is named", (mark) => {
    const { file, name, no, line } = mark;
    const words = wording`${no ? option(name, false) : option(name)}`;
    const meant = [...commands].filter(
      ([command]) => reach.get(command)!.has(file) || new RegExp(`\\b${command}\\b`).test(line),
    );
    expect(meant.filter(([, flags]) => flags.has(commandText(words)))).not.toEqual([]);
    expect(plainText(words)).not.toContain("--");
  });

  const verbs = [...new Set(marked.flatMap(({ verbs }) => verbs))];
  test.each(verbs)("%s is a function of the library and a command with its flags", (name) => {
    const [, command, ...flags] = commandText(wording`${verb(name)}`).split(" ");
    expect(commands.has(command!)).toBe(true);
    for (const flag of flags.flatMap(flagsIn)) expect(commands.get(command!)).toContain(flag);
    for (const [, exported] of plainText(wording`${verb(name)}`).matchAll(/(?:^| )([A-Za-z]+)(?:\(\)$|$)/g))
      expect(goml).toHaveProperty(exported!);
  });
});

test("every kind of error has an exit code of its own", () => {
  expect(EXIT_CODES).toEqual({ internal: 1, usage: 2, data: 3, model: 4, gate: 5, interrupted: 130 });
});
