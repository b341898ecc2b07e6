import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fitGroupsCsv, type ModelGroup } from "../../src/index.js";
import { goml, inFolder } from "../cli/goml.js";
import { type Serving, send, serving } from "./serving.js";

/** Rows of three groups, one of which is too small for a model; a factor, of which one group lacks a level. */
const table = Array.from({ length: 61 }, (_, i) => ({
  shop: i === 60 ? "tiny" : ["north", "söuth"][i % 2]!,
  kind: ["a", "b", "c"][i % 2 === 0 ? i % 3 : (i >> 1) % 2]!,
  size: 10 + ((i * 7) % 23),
  price: 100 + (i % 2 === 0 ? 5 : -3) * ((i * 7) % 23) + 20 * (i % 3) + ((i * 13) % 5),
}));
type Row = Partial<Record<keyof (typeof table)[number], string | number | null>>;
const csv = `${Object.keys(table[0]!).join(",")}\n${table.map((row) => Object.values(row).join(",")).join("\n")}\n`;

let models: Record<"numbers" | "factors", ModelGroup>;
let server: Serving;
let lenient: Serving;
beforeAll(async () => {
  models = await inFolder({ "data.csv": csv }, async (folder) => {
    const fit = async (formula: string) =>
      (await fitGroupsCsv(join(folder, "data.csv"), { formula, groupBy: "shop" })).models;
    return { numbers: await fit("price ~ size"), factors: await fit("price ~ size + kind") };
  });
  server = await serving({}, models);
  lenient = await serving({ unseen: "na" }, models);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await lenient[Symbol.asyncDispose]();
});

const body = (name: string, rows: readonly Row[], parameters = {}) =>
  JSON.stringify({
    parameters,
    inputs: [
      { name: "shop", datatype: "BYTES", shape: [rows.length], data: rows.map(({ shop }) => shop) },
      { name: "kind", datatype: "BYTES", shape: [rows.length], data: rows.map(({ kind }) => kind) },
      { name: "size", datatype: "FP64", shape: [rows.length], data: rows.map(({ size }) => size) },
    ].filter((input) => input.name !== "kind" || name === "factors"),
  });
const ask = (name: string, rows: readonly Row[], parameters = {}, { url } = server) =>
  send(`${url}/v2/models/${name}/infer`, body(name, rows, parameters));
const known = table.slice(0, 60);

test("the group is one of the inputs that the metadata list", async () => {
  const { json } = await send(`${server.url}/v2/models/numbers`);
  expect(json.inputs).toEqual([
    { name: "size", datatype: "FP64", shape: [-1, 1] },
    { name: "shop", datatype: "BYTES", shape: [-1, 1] },
  ]);
  expect(json.parameters).toMatchObject({ formula: "price ~ size, by shop", rows: 60, sigma: null });
});

test.each(["numbers", "factors"] as const)(
  "rows of all groups are predicted by their own, with intervals: %s",
  async (name) => {
    const { json } = await ask(name, known);
    expect(json.outputs[0].data).toEqual([...models[name].predict(known)]);
    // In another order groups are numbered otherwise.
    const turned = [...known].reverse();
    expect((await ask(name, turned)).json.outputs[0].data).toEqual([...models[name].predict(turned)]);
    for (const [interval, level] of [
      ["prediction", 0.9],
      ["confidence", 0.5],
    ] as const) {
      const bounded = await ask(name, turned, { interval, level });
      const expected = models[name].predictInterval(turned, { interval, level });
      const outputs = Object.fromEntries(
        bounded.json.outputs.map((output: { name: string; data: number[] }) => [output.name, output.data]),
      );
      expect(outputs).toEqual({
        prediction: [...expected.prediction],
        lower: [...expected.lower],
        upper: [...expected.upper],
      });
    }
  },
);

test("a group without a model is refused with the reason, or has no prediction", async () => {
  const rows = [
    { ...known[0], shop: "east" },
    { ...known[1], shop: "tiny" },
  ];
  const unknown = await ask("numbers", rows.slice(0, 1));
  expect(unknown).toMatchObject({ status: 400 });
  expect(unknown.json.error).toBe('row 0: shop "east" was not in the training data');
  const tiny = await ask("numbers", rows.slice(1));
  expect(tiny.json.error).toMatch(
    /^row 0: there is no model for shop "tiny": 1 complete row cannot determine/,
  );
  // JSON cannot carry NaN: the answer says which row, and how to ask for it.
  const na = await ask("numbers", rows, {}, lenient);
  expect(na.json.error).toMatch(/^the prediction of row 0 is NaN, which JSON cannot carry/);
});

test("MLflow's records and a file of models are served too", async () =>
  inFolder({ "data.csv": csv }, async (folder) => {
    const train = ["train", "data.csv", "--formula", "price ~ size", "--group-by", "shop", "-q"];
    expect(await goml(folder, [...train, "-m", "price.json"])).toMatchObject({ code: 0 });
    await using own = await serving({ unseen: "na" }, join(folder, "price.json"));
    const rows: Row[] = [...known.slice(0, 3), { ...known[3], shop: "east" }];
    const { json } = await send(`${own.url}/invocations`, JSON.stringify({ dataframe_records: rows }));
    const expected = models.numbers.predict(known.slice(0, 3));
    expect(json.predictions).toEqual([...expected, null]);
  }));
