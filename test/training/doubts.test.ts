import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { ReadingOptions } from "../../src/csv/reading-options.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import { goml, inFolder } from "../cli/goml.js";

const notesOf = (csv: string, options: ReadingOptions = {}) =>
  inFolder(
    { "d.csv": csv },
    async (folder) => (await fitCsv(join(folder, "d.csv"), { ...options, target: "y" })).notes,
  );
const rows = (cells: readonly string[], delimiter = ",") =>
  cells.map((cell, i) => `${cell}${delimiter}${(i * i) % 7}`).join("\n");

it("levels that look alike are named, and only those", async () => {
  const base = ["Genf", "Basel", "Genf", "Bern", "Basel", "Bern"];
  for (const [other, shown] of [
    ["GENF", '"Genf", "GENF"'],
    ["Gen f", '"Genf", "Gen f"'],
    ["Genf\u200b", '"Genf", "Genf\\u200b"'],
  ])
    expect(await notesOf(`town,y\n${rows([...base, other!])}`)).toContain(
      `town has levels that differ only in case, in blanks or in what does not show: ${shown}`,
    );
  // Surrounding blanks and the two ways to type an umlaut make no levels of their own.
  expect(await notesOf(`town,y\n${rows(["Köln", "Ulm", "Köln".normalize("NFD"), " Ulm ", "Bonn"])}`)).toEqual(
    [],
  );
});

it("a number that may mean a missing value is named until it is said to", async () => {
  const csv = `x,y\n${rows(["1", "2", "3", "-9", "4", "5"])}`;
  expect((await notesOf(csv)).join()).toContain("x is -9 in some rows and nowhere near it else");
  expect(await notesOf(csv, { naValuesIn: { x: ["-9"] } })).toEqual([]);
  expect(await notesOf(csv, { naValues: ["-9"] })).toEqual([]);
});

it("points that may stand between thousands are named in a file of semicolons", async () => {
  const cells = ["1.200", "3.400", "900", "12.000", "8.500", "7.250"];
  expect((await notesOf(`x;y\n${rows(cells, ";")}`)).join()).toContain(
    "x is read with a decimal point, as in 1.200; if that is a point between thousands, say so",
  );
  expect(await notesOf(`x,y\n${rows(cells)}`)).toEqual([]);
  expect(await notesOf(`x;y\n${rows([...cells, "1.5"], ";")}`)).toEqual([]);
});

it("with a decimal comma, points are an error that names both ways to read them, and no identifier", () =>
  inFolder({}, async (folder) => {
    const cells = Array.from({ length: 30 }, (_, i) => `${(i % 9) + 1}.${String(100 + i * 7)}`);
    writeFileSync(join(folder, "d.csv"), `x;y\n${rows(cells, ";")}\n`);
    const { code, stderr } = await goml(folder, ["train", "d.csv", "--decimal", ","]);
    expect(code).toBe(3);
    expect(stderr).toBe(
      'goml: d.csv:2: column "x": expected a number with a decimal comma, found "1.100"\n' +
        "hint: if the point groups thousands: --thousands '.'; for a file with decimal points: --decimal '.'\n",
    );
    expect((await goml(folder, ["train", "d.csv", "--thousands", "."])).code).toBe(0);
  }));
