import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { blocksOf, Clone, compared, stepsOf } from "./page.js";
import { makeSales } from "./sales.js";
import { misspelt, programNames } from "./spelling.js";

const pages = readdirSync("docs/guide")
  .filter((name) => name.endsWith(".md"))
  .map((name) => join("docs/guide", name));

describe.each(pages)("%s", (page) => {
  const blocks = blocksOf(page);
  const steps = stepsOf(blocks);
  const programs = blocks.filter(({ language }) => language === "js");
  let clone: Clone;
  beforeAll(async () => {
    clone = new Clone();
    if (steps.length + programs.length === 0) return;
    // What the guide takes for granted.
    await clone.run(
      "goml train data/boston.csv -q && goml refit model.json --features rm,lstat -q -m small.json",
    );
    if (page.endsWith("sources.md")) await makeSales(clone);
  });
  afterAll(() => clone.remove());

  test.each(steps.map((step) => [step.command, step.output] as const))("%s", async (command, says) => {
    const [printed, pattern] = compared((await clone.run(command)).printed, says);
    expect(printed).toMatch(pattern);
  });

  test.each(programs.map((program) => [program.text.split("\n")[0]!, program] as const))(
    "the program %s",
    async (_, { text, prints }) => {
      const { code, printed } = await clone.runProgram(text);
      expect({ code, printed }).toMatchObject({ code: 0 });
      const [found, pattern] = compared(printed, prints ?? "…");
      expect(found).toMatch(pattern);
    },
  );

  test("spells commands and options as they are", () => {
    const lines = blocks
      .filter(({ language }) => ["sh", "bash", "console", "yaml", "dockerfile"].includes(language))
      .map(({ text }) => text);
    expect(misspelt(lines.join("\n"))).toEqual([]);
  });
});

test("every command has its section in the guide", () => {
  const headings = pages.flatMap((page) => readFileSync(page, "utf8").match(/^## goml \w+$/gm) ?? []);
  expect(headings.map((heading) => heading.slice("## goml ".length)).sort()).toEqual(programNames().sort());
});

test("the guide's first page leads to every other", () => {
  const first = readFileSync("docs/guide/README.md", "utf8");
  for (const page of pages) {
    const name = page.slice("docs/guide/".length);
    if (name !== "README.md") expect(first).toContain(`](${name})`);
  }
});
