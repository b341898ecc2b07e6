import { join } from "node:path";
import { expect, test } from "vitest";
import { fitCsv } from "../../src/index.js";
import { inFolder } from "../cli/goml.js";
import { serving } from "./serving.js";

const DAYS = ["2024-01-03", "2024-02-10", "2024-03-31"];
const COUNTRIES = ["DE", "NA", "ZA"];
const CSV = `day,country,y\n${Array.from({ length: 60 }, (_, i) => `${DAYS[i % 3]},${COUNTRIES[(i >> 1) % 3]},${(i * i) % 17}`).join("\n")}\n`;

test("columns of dates are asked for, and a level that is called NA is one", () =>
  inFolder({ "d.csv": CSV }, async (folder) => {
    const { model } = await fitCsv(join(folder, "d.csv"), {
      formula: "y ~ months(day) + as.Date(day) + country",
      naValuesIn: { country: [""] },
    });
    const records = [
      { day: DAYS[0], country: "NA" },
      { day: DAYS[2], country: "DE" },
      { day: DAYS[1], country: null },
    ];
    const expected = [...model.predict(records)].map((value) => (Number.isNaN(value) ? null : value));
    expect(expected.map((value) => value === null)).toEqual([false, false, true]);
    await using server = await serving({}, { m: model });
    const ask = async (type: string, body: string) => {
      const response = await fetch(`${server.url}/invocations`, {
        method: "POST",
        headers: { "content-type": type },
        body,
      });
      return ((await response.json()) as { predictions: unknown }).predictions;
    };
    expect(await ask("application/json", JSON.stringify({ dataframe_records: records }))).toEqual(expected);
    const lines = records.map(({ day, country }) => `${day},${country ?? ""}`);
    expect(await ask("text/csv", ["day,country", ...lines].join("\n"))).toEqual(expected);
    const response = await fetch(`${server.url}/v2/models/m`);
    const metadata = (await response.json()) as { inputs: { name: string; datatype: string }[] };
    expect(metadata.inputs.map(({ name, datatype }) => `${name} ${datatype}`)).toEqual([
      "day BYTES",
      "country BYTES",
    ]);
  }));

test("contrasts and offsets are served as they predict", () =>
  inFolder({ "d.csv": CSV }, async (folder) => {
    const { model } = await fitCsv(join(folder, "d.csv"), {
      formula: "y ~ C(country, sum) + C(months(day), helmert) + offset(as.Date(day) / 1000)",
      naValuesIn: { country: [""] },
    });
    const records = DAYS.flatMap((day) => COUNTRIES.map((country) => ({ day, country })));
    await using server = await serving({}, { m: model });
    const response = await fetch(`${server.url}/invocations`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ dataframe_records: records }),
    });
    expect(((await response.json()) as { predictions: unknown }).predictions).toEqual([
      ...model.predict(records),
    ]);
  }));
