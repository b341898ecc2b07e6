import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type Tolerance, tolerances } from "../../../src/webgpu/kernels/tolerance.js";

/** The rows of the page's table: ops of one tolerance together. */
function rows(): string[] {
  const groups = new Map<string, string[]>();
  for (const [name, { ulps, ofOperands = 0, perTerm = 0, why }] of Object.entries(tolerances) as [
    string,
    Tolerance,
  ][]) {
    const rest = `${ulps} | ${ofOperands || ""} | ${perTerm || ""} | ${why} |`;
    groups.set(rest, [...(groups.get(rest) ?? []), `\`${name}\``]);
  }
  return [...groups].map(([rest, names]) => `| ${names.join(", ")} | ${rest}`);
}

test("the page about GPUs has the tolerances that the tests hold kernels to", () => {
  const page = readFileSync(new URL("../../../docs/gpu.md", import.meta.url), "utf8");
  // However wide the formatter makes the columns.
  const lines = page.split("\n").map((line) => line.replace(/\s*\|\s*/g, "|"));
  const start = lines.findIndex((line) => line.startsWith("|op|"));
  const table = lines.slice(start + 2, lines.indexOf("", start));
  expect(table).toEqual(rows().map((row) => row.replace(/\s*\|\s*/g, "|")));
});
