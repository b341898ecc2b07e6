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
    ["GENF", '"GENF", "Genf"'],
    ["Gen f", '"Gen f", "Genf"'],
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

it("a number that may mean a missing value is named where it first comes past the head too", async () => {
  const n = 40_000;
  const csv = (odd: (i: number) => string | undefined) =>
    `x,y\n${rows(Array.from({ length: n }, (_, i) => odd(i) ?? String(i % 97)))}\n`;
  const note = "x is -999 in some rows and nowhere near it else";
  // From the middle on, at the end only, one row of 50.
  for (const odd of [
    (i: number) => (i > n / 2 && i % 9 === 0 ? "-999" : undefined),
    (i: number) => (i === n - 3 ? "-999" : undefined),
    (i: number) => (i > n / 2 && i % 50 === 0 ? "-999" : undefined),
  ]) {
    expect((await notesOf(csv(odd))).join()).toContain(note);
    expect(await notesOf(csv(odd), { naValues: ["-999"] })).toEqual([]);
  }
  // Among numbers as low it is one of them, wherever those are.
  const low = (i: number) => (i > n / 2 && i % 9 < 3 ? ["-999", "-800", "-1100"][i % 9] : undefined);
  expect(await notesOf(csv(low))).toEqual([]);
  expect(await notesOf(csv(() => undefined))).toEqual([]);
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

it("a level past the head of the file that looks like another is named too", async () => {
  const towns = Array.from({ length: 20_000 }, (_, i) => ["Genf", "Basel", "Bern"][i % 3]!);
  expect((await notesOf(`town,y\n${rows([...towns, "BERN"])}`)).join()).toContain('"BERN", "Bern"');
});

it("a number past the head of a file among words is named, once, unless they are said to be text", async () => {
  const csv = (towns: number, odd: string) =>
    `town,y\n${rows([...Array.from({ length: 30_000 }, (_, i) => `town ${i % towns}`), odd])}`;
  const note = (odd: string) => `town is read as text, though it holds numbers too, such as ${odd}`;
  // Of few texts a plain number is an error; one in another writing, or among many, would be a level.
  for (const [towns, odd] of [
    [9, '"1,500"'],
    [9, "12 %"],
    [300, "1500"],
    [300, '"1,500"'],
    [7000, "1500"],
  ] as const)
    expect((await notesOf(csv(towns, odd))).filter((text) => text.includes("numbers too"))).toEqual([
      note(odd.replaceAll('"', "")),
    ]);
  expect(await notesOf(csv(300, "1500"), { text: ["town"] })).toEqual([]);
  expect(await notesOf(csv(300, "1500"), { naValues: ["1500"] })).toEqual([]);
  expect(await notesOf(csv(300, "town 301"))).toEqual([]);
  // In the head it is named before the rows are read.
  const near = `town,y\n${rows([...Array.from({ length: 30 }, (_, i) => `town ${i % 9}`), "1500"])}`;
  expect((await notesOf(near)).filter((text) => text.includes("numbers too"))).toEqual([note("1500")]);
  await inFolder({ "d.csv": csv(300, "1500") }, async (folder) => {
    const of = async (formula: string) => (await fitCsv(join(folder, "d.csv"), { formula })).notes.join();
    expect(await of("y ~ town")).toContain(note("1500"));
    expect(await of("y ~ factor(town)")).not.toContain("numbers too");
  });
});

it("texts that hardly come again are named, where they do not all differ", async () => {
  const cells = Array.from(
    { length: 40 },
    (_, i) => `house ${"abcdefghij"[i % 10]}${i < 36 ? "klmn"[Math.floor(i / 10)] : "k"}`,
  );
  expect((await notesOf(`where,y\n${rows(cells)}`)).join()).toContain(
    "where has 36 different texts in 40 rows, and a coefficient for each",
  );
});

it("digits that look like codes or days are named as read", async () => {
  const twelve = Array.from({ length: 12 }, (_, i) => i);
  expect((await notesOf(`zip,y\n${rows(twelve.map((i) => `0${1000 + 37 * i}`))}`)).join()).toContain(
    "zip is read as numbers, though they begin with zeros, such as 01000; if they are codes, say so (text zip)",
  );
  expect((await notesOf(`day,y\n${rows(twelve.map((i) => `202401${10 + i}`))}`)).join()).toContain(
    "day is read as numbers, such as 20240110; if they are days, write them as 2024-01-10, for as.Date(day)",
  );
  expect(await notesOf(`x,y\n${rows(twelve.map((i) => `${20240110 + 97 * i}`))}`)).toEqual([]);
  expect(await notesOf(`x,y\n${rows(["0", "0.5", "07", "12", "3", "1"])}`)).toEqual([]);
});

it("a last row that sums up the others is named", async () => {
  const csv = `k,y\n${rows(["a", "b", "a", "b", "a", "b", "Total"])}`;
  expect(await notesOf(csv)).toEqual([
    'the last row is "Total" in k; if it sums up the others, leave it out (where k != "Total")',
  ]);
  expect(await notesOf(csv, { where: 'k != "Total"' } as ReadingOptions)).not.toEqual([]);
  expect(await notesOf(`k,y\n${rows(["a", "Total", "a", "b", "a", "b", "Total"])}`)).toEqual([]);
});

it("a few sizes with a unit are levels, and the note's option reads their numbers", () =>
  inFolder({}, async (folder) => {
    const doses = Array.from({ length: 24 }, (_, i) => `${[10, 20, 40][i % 3]} mg`);
    writeFileSync(join(folder, "d.csv"), `dose,y\n${rows(doses)}\n`);
    const { code, stdout } = await goml(folder, ["train", "d.csv"]);
    expect(code).toBe(0);
    expect(stdout).toContain(
      "note: dose is read as text, such as 10 mg; to read its numbers, say so (--strip 'mg')",
    );
    const read = await goml(folder, ["train", "d.csv", "--strip", "mg"]);
    expect(read.stdout).toContain("y on 1 term\n");
  }));

it("signs, digits and brackets are not to be taken off numbers", () =>
  inFolder({}, async (folder) => {
    writeFileSync(join(folder, "d.csv"), "x,y\n(1),2\n2,3\n3,5\n");
    for (const sign of ["-", "(", "\u2212", "0"]) {
      const { code, stderr } = await goml(folder, ["train", "d.csv", "--strip", sign]);
      expect(code).toBe(2);
      expect(stderr).toContain("would take off what says how large a number is, or on which side of 0");
    }
  }));
