import { expect, it } from "vitest";
import { goml, inFolder } from "../cli/goml.js";

const WIDTH = 20_001;
const names = Array.from({ length: WIDTH }, (_, j) => `v${j}`);
const wide = [
  names,
  ...Array.from({ length: 60 }, (_, i) => names.map((_, j) => String((i * (j + 7) * 7919) % 997))),
]
  .map((cells) => cells.join(","))
  .join("\n");

it("20,001 columns of 60 rows are refused by their number, and serve for a fit to two of them", () =>
  inFolder({ "w.csv": `${wide}\n` }, async (folder) => {
    const { code, stderr } = await goml(folder, ["train", "w.csv"]);
    expect(code).toBe(4);
    expect(stderr).toContain("cannot determine 20001 coefficients");
    const { stdout } = await goml(folder, ["train", "w.csv", "-t", "v20000", "-f", "v3,v17", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ fit: { n: 60 }, model: { terms: ["v3", "v17"] } });
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
