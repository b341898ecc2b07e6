import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Clone } from "./page.js";
import { makeSales } from "./sales.js";

/** A public function's example, and what its comments say that it prints. */
interface Example {
  readonly name: string;
  readonly code: string | undefined;
}

/** The entries of the package: their names and their declarations. */
const entries = Object.entries(
  JSON.parse(readFileSync("package.json", "utf8")).exports as Record<string, { types?: string }>,
).flatMap(([path, { types }]) => (types === undefined ? [] : [[path.replace(".", "goml"), types] as const]));

/** Public functions of an entry, found in the declarations that users' editors show. */
function examplesOf(entry: string, declarations: string): Example[] {
  const found: Example[] = [];
  const exports = /export \{([^}]*)\} from "(.*?)\.js"/g;
  for (const [, names, from] of readFileSync(declarations, "utf8").matchAll(exports)) {
    const text = readFileSync(join(dirname(declarations), `${from}.d.ts`), "utf8");
    for (const name of names!.match(/(?<!type )\b\w+(?=,|\s*$)/g) ?? []) {
      // Of constants, only functions: (x: …) => …, or a template of them.
      const declaration = new RegExp(
        `^export declare (?:function ${name}\\b|const ${name}: (?:<.*?>)?\\()`,
        "m",
      ).exec(text);
      if (declaration === null) continue;
      const comment = /\/\*\*(?:(?!\*\/).)*\*\/\n$/s.exec(text.slice(0, declaration.index))?.[0] ?? "";
      const code = /@example\n \* ```js\n(.*?)\n \* ```/s.exec(comment)?.[1]?.replace(/^ \* ?/gm, "");
      found.push({ name: `${entry} ${name}`, code });
    }
  }
  return found;
}

const examples = entries.flatMap(([entry, types]) => examplesOf(entry, types));

/** What an example says that it prints: the comment at the end of a line that prints, or the lines below it. */
function saidBy(code: string): string {
  const said: string[] = [];
  let printing = false;
  for (const line of code.split("\n")) {
    const below = /^\/\/ (.*)$/.exec(line);
    if (below !== null && printing) said.push(below[1]!);
    if (below === null) printing = line.includes("console.log(");
    const beside = printing ? /\); \/\/ (.*)$/.exec(line) : null;
    if (beside !== null) said.push(beside[1]!);
  }
  return said.join("\n");
}

/** Runs all of them in one process, each as a module: what each printed, or why it failed. */
const RUNNER = `
import { format } from "node:util";
const printed = {};
const say = console.log;
for (const [name, file] of JSON.parse(process.argv[2])) {
  const lines = (printed[name] = []);
  console.log = (...values) => lines.push(format(...values));
  await import(file).catch((error) => lines.push(String(error)));
}
say(JSON.stringify(printed));
process.exit();
`;

describe("the example of", () => {
  const clone = new Clone();
  let printed: Record<string, string[]> = {};
  beforeAll(async () => {
    await makeSales(clone);
    const models =
      "goml train data/boston.csv -q && goml refit model.json --features rm,lstat -q -m small.json && goml export small.json --to onnx -o model.onnx";
    expect(await clone.run(models)).toEqual({ code: 0, printed: "" });
    const files = examples.map(({ name, code }, i) => {
      clone.write(`example-${i}.js`, code ?? "");
      return [name, `./example-${i}.js`];
    });
    clone.write("runner.js", RUNNER);
    // Drivers of GPUs may write there.
    const ran = await clone.run(`"${process.execPath}" runner.js '${JSON.stringify(files)}' 2> /dev/null`);
    printed = JSON.parse(ran.printed);
  });
  afterAll(() => clone.remove());

  test.each(examples.map(({ name, code }) => [name, code] as const))("%s", (name, code) => {
    expect(code, "a public function has an example in its docstring").toBeDefined();
    const said = saidBy(code!);
    expect(said).not.toBe("");
    expect(printed[name]!.join("\n")).toBe(said);
  });
});

test("examples are of all entries", () => {
  for (const [entry] of entries) expect(examples.some(({ name }) => name.startsWith(`${entry} `))).toBe(true);
});
