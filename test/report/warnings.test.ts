import { execFileSync } from "node:child_process";
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

test("a bent column is named, with a formula that can be run, after which nothing is bent", () => {
  const rows = Array.from({ length: 300 }, (_, i) => {
    const [x, z] = [(i * 37) % 101, ((i * 53) % 97) / 10];
    return `${x},${z},${x / 20 - z + z * z + ((i * 29) % 13) / 10}\n`;
  });
  return inFolder({ "d.csv": `x,it's z,y\n${rows.join("")}` }, async (folder) => {
    const page = async (...args: string[]) => {
      const run = await goml(folder, ["train", "d.csv", "-q", "--report", "r.html", ...args]);
      expect(run.code, run.stderr).toBe(0);
      return readFileSync(join(folder, "r.html"), "utf8");
    };
    const before = await page();
    expect(before).toContain("bent most as a parabola");
    const shell = /<code>goml train … (--formula .*?)<\/code>/
      .exec(before)![1]!
      .replaceAll("&#39;", "'")
      .replaceAll("&quot;", '"')
      .replaceAll("&amp;", "&");
    // As the shell reads it.
    const words = execFileSync("sh", ["-c", `printf '%s\\n' ${shell}`], { encoding: "utf8" })
      .trim()
      .split("\n");
    expect(words).toEqual(["--formula", "y ~ x + poly(`it's z`, 2, raw = TRUE)"]);
    expect(await page(...words)).not.toContain("RESET p");
  });
});
