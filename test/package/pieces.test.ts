import { readFileSync } from "node:fs";
import { Script } from "node:vm";
import * as esbuild from "esbuild";
import { describe, expect, test } from "vitest";
import { scriptOf } from "../../src/cli/program/pieces.js";

const { piecesOf } = (await import("../../scripts/pieces.js" as string)) as {
  piecesOf(text: string, mark: string, files: Record<string, string>): { text: string; of: string[] }[];
};

/** A bundle of files, as the build makes it. */
async function bundle(files: Record<string, string>): Promise<string> {
  const { outputFiles } = await esbuild.build({
    stdin: { contents: files.entries!, sourcefile: "entries", resolveDir: "/" },
    plugins: [
      {
        name: "files",
        setup(b) {
          b.onResolve({ filter: /^\.\// }, ({ path }) => ({ path: path.slice(2), namespace: "of" }));
          b.onLoad({ filter: /./, namespace: "of" }, ({ path }) => ({ contents: files[path]! }));
        },
      },
    ],
    bundle: true,
    write: false,
    format: "cjs",
    minifyIdentifiers: true,
    minifySyntax: true,
  });
  return outputFiles[0]!.text;
}

/** What a script of pieces exports, and all that it logs. */
function run(pieces: { text: string; of: string[] }[], entry: string): { exports: never; log: string[] } {
  const log: string[] = [];
  const module = { exports: {} as never };
  const text = pieces.flatMap(({ of, text }) => (of.includes(entry) ? [text] : [])).join("");
  new Script(`(function (module, log) {${text}})`).runInThisContext()(module, (word: string) =>
    log.push(word),
  );
  return { exports: module.exports, log };
}

describe("scripts of pieces", () => {
  test("have what they need in its order, do what their modules do, and hold nothing of others", async () => {
    const text = await bundle({
      entries: `import * as one from "./one.js"; __entry("one", one); import * as two from "./two.js"; __entry("two", two);
                import "./thread.js";`,
      // A class whose prototype is changed by its module, and two values, of which each script needs one.
      "shared.js": `export class Base { name() { return "base" } }
                    Base.prototype.extra = () => "extra";
                    const [left, right] = [globalThis.String("left"), globalThis.String("right")];
                    export const a = () => left, b = () => right, onlyTwo = () => "of two alone";`,
      "space.js": `export const deep = () => "deep"; export const never = () => "nobody asks for it";`,
      "one.js": `import { Base, a } from "./shared.js"; log("one is loaded");
                 export class One extends Base { name() { return super.name() + this.extra() + a() } }`,
      "two.js": `import { Base, b, onlyTwo } from "./shared.js"; import * as space from "./space.js";
                 export const names = () => [new Base().extra(), b(), onlyTwo(), Object.keys(space).join()];`,
      "thread.js": `import { b } from "./shared.js"; log("thread " + b());`,
    });
    const pieces = piecesOf(text, "__entry", { thread: "of:thread.js" });
    const one = run(pieces, "one");
    expect(new (one.exports as { One: new () => { name(): string } }).One().name()).toBe("baseextraleft");
    expect(one.log).toEqual(["one is loaded"]);
    const two = run(pieces, "two");
    expect((two.exports as { names(): string[] }).names()).toEqual([
      "extra",
      "right",
      "of two alone",
      "deep,never",
    ]);
    expect(two.log).toEqual([]);
    expect(run(pieces, "thread").log).toEqual(["thread right"]);
    const of = (words: string) =>
      pieces.filter((piece) => piece.text.includes(words)).map((piece) => piece.of);
    expect([of("of two alone"), of("is loaded"), of('"base"')]).toEqual([
      [["two"]],
      [["one"]],
      [["one", "thread", "two"]],
    ]);
  });

  test("are read from where the build says, all of the command and its threads", () => {
    const all = readFileSync("dist/bundle/pieces.js");
    const places: Record<string, number[]> = JSON.parse(readFileSync("dist/bundle/pieces.json", "utf8"));
    expect(Object.keys(places).length).toBeGreaterThan(30);
    for (const own of Object.values(places)) {
      const text = scriptOf(own, (to, at, length, from) => all.copy(to, at, from, from + length));
      expect(text).toMatch(/^"use strict";\n/);
      // It is whole: what is compiled has no half of a statement in it.
      expect(() => new Script(`(function () {${text}})`)).not.toThrow();
    }
  });
});
