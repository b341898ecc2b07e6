import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { goml, inFolder } from "../cli/goml.js";

test.each([
  ["resembles", 10],
  ["tends to be opposite to", 1],
])("of residuals whose neighbours agree or alternate it is said that each %s the one before", (what, run) => {
  const rows = Array.from({ length: 80 }, (_, i) => `${i},${i + (-1) ** Math.floor(i / run)}\n`);
  return inFolder({ "d.csv": `x,y\n${rows.join("")}` }, async (folder) => {
    expect((await goml(folder, ["train", "d.csv", "-q", "--report", "r.html"])).code).toBe(0);
    expect(readFileSync(join(folder, "r.html"), "utf8")).toContain(`Each residual ${what} the one before`);
  });
});
