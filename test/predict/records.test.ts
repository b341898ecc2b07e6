import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type DataRecord, predictorOf } from "../../src/predict.js";
import { predictCsv } from "../../src/prediction/predict-csv.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import { fitGroupsCsv } from "../../src/training/fit-groups-csv.js";
import { inFolder } from "../cli/goml.js";

const CITIES = ["Köln", "Bonn", "Aachen, Stadt"];
const DAYS = ["2024-02-28 00:00", "2024-02-29T13:05:00Z", "2023-12-31 23:00", "1969-12-31 06:30"];
/** Rows with a number missing here, a city there. */
const ROWS = Array.from({ length: 400 }, (_, i) => ({
  rooms: i % 31 === 7 ? null : (i % 9) + 1,
  area: 20 + ((i * 37) % 101) / 3,
  cyl: [4, 6, 8][i % 3]!,
  city: i % 43 === 5 ? null : CITIES[(i * 7) % 3]!,
  day: DAYS[(i * 5) % 4]!,
  firm: `f${i % 11}`,
  year: 2000 + (i % 5),
  y: ((i * 7919) % 211) + 3,
}));
const NAMES = Object.keys(ROWS[0]!) as (keyof (typeof ROWS)[number])[];
const CSV = [
  NAMES.join(","),
  ...ROWS.map((row) =>
    NAMES.map((name) => (typeof row[name] === "string" ? `"${row[name]}"` : (row[name] ?? ""))).join(","),
  ),
].join("\n");

/** The columns that `goml predict` writes for the file. */
async function byFile(folder: string, model: Parameters<typeof predictCsv>[0], interval = false) {
  const output = join(folder, "out.csv");
  await predictCsv(model, join(folder, "d.csv"), {
    output,
    ...(interval ? { interval: "prediction", level: 0.9, stdError: true } : {}),
  });
  const [, ...lines] = readFileSync(output, "utf8").trim().split("\n");
  const cells = lines.map((line) =>
    line.split(",").map((cell) => (cell === "NA" ? Number.NaN : Number(cell))),
  );
  return cells[0]!.map((_, j) => Float64Array.from(cells, (row) => row[j]!));
}

type Columns = Record<string, Float64Array | undefined>;
const plain = (columns: object) =>
  Object.fromEntries(Object.entries(columns as Columns).map(([name, values]) => [name, [...values!]]));
/** The critical value of t is computed in two ways, which agree to some units in the last place. */
const near = (columns: object) =>
  Object.fromEntries(
    Object.entries(columns as Columns).map(([name, values]) => [
      name,
      [...values!].map((value) => (Number.isNaN(value) ? value : expect.closeTo(value, 9))),
    ]),
  );

describe("records are predicted as rows of a file are, bit for bit", () => {
  it.each([
    { target: "y", features: ["rooms", "area"] },
    { formula: "y ~ rooms * city + log(area)" },
    { formula: "log(y) ~ poly(area, 3, raw = TRUE):factor(cyl) + city - 1" },
    { formula: "y ~ as.Date(day) + weekdays(day) + area" },
    { formula: "y ~ hour(day):rooms + months(day)" },
    { formula: "y ~ 1" },
    { formula: "y ~ rooms + I(2 * rooms) + city" },
    { formula: "y ~ area | firm + year" },
    { formula: "y ~ area + city", lambda: 0.5, penalised: true },
  ])("%o", ({ penalised = false, ...options }) =>
    inFolder({ "d.csv": CSV }, async (folder) => {
      const { model } = await fitCsv(join(folder, "d.csv"), options);
      const [expected] = await byFile(folder, model);
      expect(model.predict(ROWS)).toEqual(expected);
      const portable = predictorOf(JSON.parse(JSON.stringify(model)));
      expect(portable.predict(ROWS)).toEqual(expected);
      expect(portable.target).toBe(model.target);
      const asked = { level: 0.9 } as const;
      if (penalised) {
        for (const one of [model, portable])
          expect(() => one.predictInterval(ROWS, asked)).toThrow("a penalised fit has no standard errors");
        return;
      }
      const [prediction, stdError, lower, upper] = await byFile(folder, model, true);
      expect(model.predictInterval(ROWS, asked)).toEqual({ prediction, stdError, lower, upper });
      expect(plain(portable.predictInterval(ROWS, asked))).toEqual(
        near({ prediction, stdError, lower, upper }),
      );
    }),
  );

  it("also in what an aliased fit does not determine", () =>
    inFolder(
      {
        "d.csv": `a,b,c,g,y\n${ROWS.map((_, i) => `${i % 7},${2 * (i % 7) + (i % 3)},${i % 3},${"pq"[i % 2]},${i % 5}`).join("\n")}\n`,
      },
      async (folder) => {
        const { model } = await fitCsv(join(folder, "d.csv"), { formula: "y ~ a * g + b * g + c * g" });
        expect(model.aliased).toEqual(["c", "gq:c"]);
        const portable = predictorOf(JSON.parse(JSON.stringify(model)));
        const records = [
          { a: 1, b: 3, c: 1, g: "p" },
          { a: 1, b: 3, c: 2, g: "p" },
          { a: 100, b: 201, c: 1, g: "q" },
          { a: 100, b: 200, c: 1, g: "q" },
        ];
        const expected = model.predict(records);
        expect([...expected].map(Number.isNaN)).toEqual([false, true, false, true]);
        expect(portable.predict(records)).toEqual(expected);
        expect(plain(portable.predictInterval(records))).toEqual(near(model.predictInterval(records)));
      },
    ));

  it("by group, where a group without a model is a level that was not seen", () =>
    inFolder({ "d.csv": CSV }, async (folder) => {
      const { models: model } = await fitGroupsCsv(join(folder, "d.csv"), {
        target: "y",
        features: ["area"],
        groupBy: "city",
      });
      const [expected] = await byFile(folder, model);
      expect(model.predict(ROWS)).toEqual(expected);
      const portable = predictorOf(JSON.parse(JSON.stringify(model)));
      expect(portable.predict(ROWS)).toEqual(expected);
      expect(portable.columns.map(({ name }) => name)).toEqual(["area", "city"]);
      expect(() => portable.predict([{ area: 1, city: "Ulm" }])).toThrow('no level "Ulm"');
      const [prediction, stdError, lower, upper] = await byFile(folder, model, true);
      const intervals = { prediction, stdError, lower, upper };
      expect(model.predictInterval(ROWS, { level: 0.9 })).toEqual(intervals);
      expect(plain(portable.predictInterval(ROWS, { level: 0.9 }))).toEqual(near(intervals));
      // In another order groups have other numbers.
      const turned = [...ROWS].reverse();
      expect([...model.predict(turned)].reverse()).toEqual([...expected!]);
      expect([...portable.predict(turned)].reverse()).toEqual([...expected!]);
      expect(model.predictInterval(turned, { level: 0.9 }).lower.reverse()).toEqual(lower);
    }));

  it("with robust errors", () =>
    inFolder({ "d.csv": CSV }, async (folder) => {
      const { model } = await fitCsv(join(folder, "d.csv"), { formula: "y ~ rooms * city", vcov: "hc3" });
      const [prediction, stdError, lower, upper] = await byFile(folder, model, true);
      const portable = predictorOf(JSON.parse(JSON.stringify(model)));
      expect(plain(portable.predictInterval(ROWS, { level: 0.9 }))).toEqual(
        near({ prediction, stdError, lower, upper }),
      );
    }));
});

describe("values of records", () => {
  const fitted = (
    formula: string,
    body: (predict: (record: DataRecord) => number, error: (record: DataRecord) => string) => void,
    csv = CSV,
  ) =>
    inFolder({ "d.csv": csv }, async (folder) => {
      const { model } = await fitCsv(join(folder, "d.csv"), { formula, naValuesIn: { country: [""] } });
      const error = (record: DataRecord) => {
        try {
          model.predict([record]);
        } catch (cause) {
          return `${(cause as Error).message}; ${(cause as { hint?: string }).hint}`;
        }
        return "no error";
      };
      body((record) => model.predict([record])[0]!, error);
    });

  it("may be bigints, truth values, dates; missing are null, undefined and NaN", () =>
    fitted("y ~ rooms + weekdays(day)", (predict) => {
      const expected = predict({ rooms: 1, day: "2024-02-28" });
      expect(predict({ rooms: 1n, day: new Date("2024-02-28T12:00Z") })).toBe(expected);
      expect(predict({ rooms: true, day: "2024-02-28", else: [1] })).toBe(expected);
      for (const rooms of [null, undefined, Number.NaN])
        expect(predict({ rooms, day: "2024-02-28" })).toBeNaN();
    }));

  it("are found by name, composed or not, and are the record's own", () =>
    fitted(
      "y ~ `größe` + city",
      (predict, error) => {
        const expected = predict({ größe: 2, city: "Köln" });
        expect(predict({ ["größe".normalize("NFD")]: 2, city: " Köln".normalize("NFD") })).toBe(expected);
        expect(error({ größe: 2, City: "Köln" })).toBe(
          "the records lack columns of the model: city; they have City: is that city?",
        );
        expect(error(Object.create({ größe: 2, city: "Köln" }))).toContain(
          "lack columns of the model: größe, city",
        );
      },
      CSV.replaceAll("rooms", "größe"),
    ));

  it("that are none are refused with the row and the column", () =>
    fitted("y ~ rooms + city", (_, error) => {
      expect(error({ rooms: "3", city: "Köln" })).toBe(
        'row 1: column "rooms": expected a number, found "3"; numbers of records are numbers, not texts; a missing value is null',
      );
      expect(error({ rooms: Number.POSITIVE_INFINITY, city: "Köln" })).toContain(
        "expected a number, found Infinity",
      );
      expect(error({ rooms: 3, city: ["Köln"] })).toContain(
        'row 1: column "city": expected a text, found an array',
      );
      expect(error({ rooms: 3, city: "Ulm" })).toContain('the training data had no level "Ulm"');
    }));

  it("are of an array: one record alone, or what is none, is refused by both predictors and in every way", () =>
    inFolder({ "d.csv": CSV }, async (folder) => {
      const { model } = await fitCsv(join(folder, "d.csv"), { formula: "y ~ rooms + city" });
      const portable = predictorOf(JSON.parse(JSON.stringify(model)));
      for (const [rows, found] of [
        [{ rooms: 1, city: "Köln" }, "an object"],
        [null, "null"],
        [undefined, "undefined"],
        ["rooms", "string"],
        [new Map([["rooms", 1]]), "an object"],
      ] as const)
        for (const one of [model, portable])
          for (const call of ["predict", "predictInterval"] as const)
            expect(() => one[call](rows as never)).toThrow(
              expect.objectContaining({
                kind: "usage",
                message: `expected an array of records, got ${found}`,
              }),
            );
    }));

  it("match levels that say true and false, and a level that is called NA", () =>
    fitted(
      "y ~ flag + country",
      (predict, error) => {
        expect(predict({ flag: true, country: "NA" })).toBe(predict({ flag: "TRUE", country: "NA" }));
        expect(predict({ flag: false, country: "NA" })).not.toBeNaN();
        expect(predict({ flag: false, country: "" })).toBeNaN();
        expect(error({ flag: "true", country: "NA" })).toContain('no level "true"');
      },
      `flag,country,y\n${ROWS.map((_, i) => `${i % 2 ? "TRUE" : "FALSE"},${["DE", "NB", "ZA"][i % 3]},${i % 17}`).join("\n")}\n`.replaceAll(
        "NB",
        "NA",
      ),
    ));
});
