import { Script } from "node:vm";
import { expect, test } from "vitest";

const { builtinsLater } = (await import("../../scripts/builtins.js" as string)) as {
  builtinsLater(text: string): string;
};

test("modules of Node are required when something of them is used, each once", () => {
  const text = `"use strict";
    var fs = require("node:fs"), one = 1;
    var os = require("node:os");
    var again = require("node:fs");
    var other = require("./other.js");
    module.exports = {
      // A key and a property of the same name are none of the module's.
      of: { fs: 2 }.fs + one,
      read: () => fs.name + again.name + (0, fs.name),
      system() { return this.os ?? os.name; },
      made: () => new os.Made(3),
      other,
    };`;
  const log: string[] = [];
  const require = (id: string) => {
    log.push(id);
    return { name: `[${id}]`, Made };
  };
  class Made {
    readonly value: number;
    constructor(value: number) {
      this.value = value;
    }
  }
  const module = {
    exports: {} as { of: number; read(): string; system(): string; made(): Made; other: object },
  };
  new Script(`(function (module, require) {${builtinsLater(text)}})`).runInThisContext()(module, require);
  const { of, read, system, made, other } = module.exports;
  expect([of, other, log]).toEqual([3, { name: "[./other.js]", Made }, ["./other.js"]]);
  expect(read()).toBe("[node:fs][node:fs][node:fs]");
  read();
  expect(log).toEqual(["./other.js", "node:fs"]);
  expect(system.call({})).toBe("[node:os]");
  expect(made()).toEqual(new Made(3));
  expect(log).toEqual(["./other.js", "node:fs", "node:os"]);
});
