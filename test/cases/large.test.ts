import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { goml, inFolder } from "../cli/goml.js";

/** 60 rows of so many columns of whole numbers. */
function wide(width: number): string {
  const rows = Array.from({ length: 60 }, (_, i) =>
    Array.from({ length: width }, (_, j) => (i * (j + 7) * 7919) % 997).join(),
  );
  return `${Array.from({ length: width }, (_, j) => `v${j}`).join()}\n${rows.join("\n")}\n`;
}

it.each([20_001, 40_001])(
  "%i columns of 60 rows are refused by their number, in little memory, and serve for a fit to two of them",
  (width) =>
    inFolder({ "w.csv": wide(width) }, async (folder) => {
      // The design's cross-products would be gigabytes.
      const { code, stderr } = await goml(folder, ["train", "w.csv"], "", {
        NODE_OPTIONS: "--max-old-space-size=256",
      });
      expect(code).toBe(4);
      expect(stderr).toMatch(
        new RegExp(
          `^goml: the at most \\d+ rows of w\\.csv .* cannot determine ${width} coefficients\\nhint: `,
        ),
      );
      const args = ["train", "w.csv", "-t", `v${width - 1}`, "-f", "v3,v17", "--json"];
      const { stdout } = await goml(folder, args);
      expect(JSON.parse(stdout)).toMatchObject({ fit: { n: 60 }, model: { terms: ["v3", "v17"] } });
    }),
);

it("very many columns are refused, and serve for a fit to two of them, in time that grows as they do", () => {
  // Quadratic work would take minutes: no time is asserted, the test's own limit is enough.
  const width = process.env.GOML_LONG ? 1_000_000 : 200_000;
  const row = (at: (j: number) => string | number) =>
    `${Array.from({ length: width }, (_, j) => at(j)).join()}\n`;
  const csv = [row((j) => `v${j}`), ...[1, 2, 3, 4].map((i) => row((j) => (i * (j + 7) * 7919) % 997))].join(
    "",
  );
  return inFolder({ "w.csv": csv }, async (folder) => {
    const every = await goml(folder, ["train", "w.csv"]);
    expect(every).toMatchObject({ code: 4, left: ["w.csv"] });
    expect(every.stderr).toMatch(/^goml: 4 rows cannot determine /);
    const formula = await goml(folder, ["train", "w.csv", "--formula", "v0 ~ ."]);
    expect(formula).toMatchObject({ code: 4, left: ["w.csv"] });
    const more = await goml(folder, ["train", "w.csv", "--formula", "log(v0 + 9) ~ . + I(v2^2) - v7"]);
    expect(more).toMatchObject({ code: 4, left: ["w.csv"] });
    // A name that is not there is said first, whatever the others come to.
    for (const named of [
      ["-t", "nix"],
      ["-t", "v0", "--exclude", "nix"],
      ["--group-by", "v1", "-t", "nix"],
    ]) {
      const { code, stderr } = await goml(folder, ["train", "w.csv", ...named]);
      expect([code, stderr]).toEqual([2, expect.stringContaining('has no column "nix"')]);
    }
    const groups = await goml(folder, ["train", "w.csv", "--group-by", "v1"]);
    expect(groups).toMatchObject({ code: 4, left: ["w.csv"] });
    const unknown = await goml(folder, ["train", "w.csv", "-t", "v0", "-f", Array(2000).fill("nix").join()]);
    expect(unknown).toMatchObject({ code: 2, left: ["w.csv"] });
    const fit = await goml(folder, ["train", "w.csv", "-t", "v9", "-f", "v3", "-q"]);
    expect(fit).toMatchObject({ code: 0, stderr: "", left: ["model.json", "w.csv"] });
    const predicted = await goml(folder, ["predict", "w.csv"]);
    expect(predicted.stdout.split("\n")).toHaveLength(6);
  });
}, 120_000);

it("a line of more cells than any table has is refused before they are made texts", () =>
  inFolder({ "w.csv": `${",".repeat(5_000_000)}\n1\n` }, async (folder) => {
    const { code, stderr } = await goml(folder, ["train", "w.csv"]);
    expect(code).toBe(3);
    expect(stderr).toMatch(/^goml: w\.csv:1: the line has more than 4194304 cells$/m);
  }));

it("a quoted cell of very many line ends is looked through once", () =>
  inFolder({ "q.csv": `t,x,y\n"${"\r".repeat(400_000)}",1,2\nb,2,3\nc,3,5\n` }, async (folder) => {
    const { code } = await goml(folder, ["train", "q.csv", "-f", "x", "-q"]);
    expect(code).toBe(0);
  }));

it("a free text of 20 MB among the rows is read past", () =>
  inFolder({}, async (folder) => {
    const rows = (name: string) =>
      Array.from({ length: 50 }, (_, i) => `${name},${i},${2 * i + (i % 3)}\n`).join("");
    const csv = `t,x,y\n${rows("a")}"${"z".repeat(20 << 20)}",3,6\n${rows("b")}`;
    const { code, stdout } = await goml(
      folder,
      ["train", "-", "-t", "y", "-f", "x", "--json", "-m", "m.json"],
      csv,
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout).fit.n).toBe(101);
  }));

it(
  "a row of 70 MB is refused as that, with its line: it is not said that its quote is open",
  () =>
    inFolder({}, async (folder) => {
      const rows = Array.from({ length: 50 }, (_, i) => `a,${i},${2 * i + (i % 3)}\n`).join("");
      const csv = `t,x,y\n${rows}"${"z".repeat(70 << 20)}",3,6\nb,1,2\n`;
      writeFileSync(join(folder, "l.csv"), csv);
      const { code, stderr } = await goml(folder, ["train", "l.csv", "-t", "y", "-f", "x"]);
      expect(code).toBe(3);
      expect(stderr).toMatch(
        /^goml: l\.csv:52: column "t": a row longer than 64 MiB, more than is read: it begins with "\\"zzz.*\nhint: if a quote is not closed there, close it .*; else take the long text out\n$/,
      );
    }),
  60_000,
);
