import { readFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { blocksOf, Clone, compared, stepsOf } from "./page.js";

const blocks = blocksOf("README.md");
const clone = new Clone();
afterAll(() => clone.remove());

describe("the README's terminal session prints what it shows", () => {
  test.each(stepsOf(blocks).map((step) => [step.command, step.output] as const))(
    "%s",
    async (command, says) => {
      const [printed, pattern] = compared((await clone.run(command)).printed, says);
      expect(printed).toMatch(pattern);
    },
  );
});

test("the README's program runs", async () => {
  const { text } = blocks.find(({ language }) => language === "js")!;
  const { code, printed } = await clone.runProgram(text);
  expect({ code, printed }).toMatchObject({ code: 0 });
  expect(printed).toContain("3.806256298");
});

test("the README is a page that can be read", () => {
  expect(readFileSync("README.md", "utf8").split("\n").length).toBeLessThan(200);
});
