import { existsSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

/** The rows of a table of promises: what is promised, and by what it is held. */
const rows = readFileSync(new URL("../docs/reliability.md", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| ") && !/^\| (promise |-)/.test(line))
  .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()))
  .map(([, promise, heldBy]) => [promise!, heldBy!] as const);

/** A file's lines; of `slow-clients`, those of test/serve/slow-clients.test.ts. */
function linesOf(name: string): string[] {
  const path = name.includes("/") ? `../${name}` : `./serve/${name}.test.ts`;
  const url = new URL(path, import.meta.url);
  expect(existsSync(url), name).toBe(true);
  return readFileSync(url, "utf8").split("\n");
}

it("reads the tables", () => {
  expect(rows.length).toBeGreaterThan(60);
});

// Titles are shortened by …, and those of a test of many cases have %s and the like: their parts stand on one line.
it.each(rows)("is held by a test that there is: %s", (_, heldBy) => {
  const named = [...heldBy.matchAll(/`([^`]+)`|"([^"]+)"/g)];
  expect(named[0]?.[1]).toBeDefined();
  let lines: string[] = [];
  for (const [, file, title] of named) {
    if (file !== undefined) {
      lines = linesOf(file);
      continue;
    }
    const parts = title!
      .split("…")
      .map((part) => part.trim())
      .filter((part) => part !== "");
    const found = lines.some((line) => {
      let at = line.search(/["'`]/);
      for (const part of parts) if (at >= 0) at = line.indexOf(part, at);
      return at >= 0;
    });
    expect(found, title).toBe(true);
  }
});
