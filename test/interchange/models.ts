import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { Design } from "../../src/dataset/formula/design.js";
import { fitCsv, fitGroupsCsv, type LinearModel, ModelGroup } from "../../src/index.js";
import { inFolder } from "../cli/goml.js";
import { rawBlock, type Table } from "../dataset/formula/table.js";

/** A model, or models by group, and rows that it was not fitted on: some with missing cells, some with levels that training lacked. */
export interface Example {
  formula: string;
  model: LinearModel | ModelGroup;
  rows: Table;
}

/** The column that names groups: of texts that need quoting, or of numbers. */
type GroupColumn = "region" | "year";

/**
 * Terms to draw from. Their arguments are positive where a function needs it, and nothing cancels inside an
 * expression, so that each value is good to a few units in the last place wherever it is computed.
 */
const TERMS = [
  "x",
  "z",
  "`odd \"name's`",
  "double_x",
  "I(x^2)",
  "I(x * z)",
  "I(x / z + 1)",
  "I(-x)",
  "I(z^0.5)",
  "I(z^-2)",
  "I(2^x)",
  "log(z)",
  "log(z, 3)",
  "log2(z)",
  "log10(z)",
  "log1p(x)",
  "log1p(tiny)",
  "exp(x)",
  "sqrt(z)",
  "abs(z)",
  "poly(z, 3, raw = TRUE)",
  "I(x > 2)",
  "I(x > 2 & !(z <= 3) | code == 2)*z",
  'I(state == "CA")',
  'I(state != "CA" | x < 1)',
  "I(code %in% c(1, 2)):z",
  "ifelse(x > z, log(x), 0)",
  "pmin(x, 3):pmax(z, 2)",
  "cut(z, c(-Inf, 2, 4, Inf))",
  "poly(x, 3)",
  "kind:poly(z, 2)",
  "ns(z, df = 4)",
  "bs(x, knots = c(1, 2))",
  "scale(z)",
  "cut(x, c(0, 1, 2.5, 4), right = FALSE)",
  "state",
  "kind",
  "C(code)",
  "code",
  "state:x",
  "state:kind",
  "state*log(z)",
  "C(code):state",
  "kind:x:z",
  "kind:poly(x, 2, raw = TRUE)",
  "C(single)",
  "C(state, sum)",
  "C(kind, helmert):x",
  "C(state, sum):C(kind, helmert)",
  "C(code, poly) * x",
  'relevel(factor(kind), "two")',
  'factor(kind, levels = c("two", "one"))',
  'factor(code, levels = c(24, 2, 1, 0.1, 3), labels = c("a", "b", "c", "d", "e")):z',
  "ordered(code)",
];

/** Names and levels that need quoting in one format or another. */
const STATES = ["CA", "N'Y", 'a "b" <&> c\\d', "ü — 漢\u{1F600}", "  inner  spaces".trim()];
const KINDS = ["one", "two", "3"];
const GROUPS = { region: ["N'W", 'south "E" <&>'], year: [1999, 2024.5] };

/** Random models of up to five of the terms, with and without intercept, of y or of log(y), one or one for each group. */
export const examples: fc.Arbitrary<Promise<Example>> = fc
  .record({
    terms: fc.uniqueArray(fc.constantFrom(...TERMS), { minLength: 1, maxLength: 5 }),
    target: fc.constantFrom("y", "log(y)"),
    intercept: fc.boolean(),
    groupBy: fc.constantFrom(undefined, undefined, "region" as const, "year" as const),
    seed: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
  })
  .map(({ terms, target, intercept, groupBy, seed }) => {
    const formula = `${target} ~ ${terms.join(" + ")}${seed % 4 === 0 ? " + offset(pmin(z, 2))" : ""}${intercept ? "" : " - 1"}`;
    return groupBy === undefined ? exampleOf(formula, seed) : groupExampleOf(formula, seed, groupBy);
  });

/** The model of a formula on random rows, and 40 rows to predict. */
export async function exampleOf(formula: string, seed: number): Promise<Example & { model: LinearModel }> {
  return made(formula, seed, async (path) => (await fitCsv(path, { formula, threads: 1, folds: 1 })).model);
}

/** The same of models by group. */
async function groupExampleOf(
  formula: string,
  seed: number,
  groupBy: GroupColumn,
): Promise<Example & { model: ModelGroup }> {
  const options = { formula, groupBy, threads: 1, folds: 1 };
  const example = await made(formula, seed, async (path) => (await fitGroupsCsv(path, options)).models);
  const column = example.rows[groupBy]!;
  column[11] = groupBy === "region" ? "nowhere" : 1776;
  column[12] = null;
  return example;
}

async function made<Model>(formula: string, seed: number, fitted: (path: string) => Promise<Model>) {
  const random = generator(seed);
  const training = randomTable(80, random);
  // A column is text where most of its cells are, the first among them.
  training.kind = training.kind!.map((_, r) => KINDS[r % 3]!);
  const model = await inFolder({}, async (folder) => {
    const path = join(folder, "data.csv");
    writeFileSync(path, csv(training));
    return fitted(path);
  });
  const rows = randomTable(40, random);
  rows.state![0] = "ZZ";
  rows.kind![1] = "";
  rows.code![2] = 2.5;
  for (const [i, name] of ["x", "z", "state", "code", "double_x", "odd \"name's"].entries())
    if (rows[name] !== undefined) rows[name]![3 + i] = null;
  rows.z![9] = -1;
  rows.x![10] = 1e200;
  return { formula, model, rows };
}

/** goml's own predictions, and Σ |coefficient · value| of each, which rounding errors are proportional to. */
function predictionsOf(model: LinearModel | ModelGroup, rows: Table): { values: number[]; scale: number[] } {
  if (model instanceof ModelGroup) return groupPredictions(model, rows);
  const { spec, terms, levels, weights } = model.predictorPlan(false);
  const design = new Design(spec, terms, levels);
  const n = Object.values(rows)[0]!.length;
  design.fill(rawBlock(rows, spec), 0, n);
  const values: number[] = [];
  const scale: number[] = [];
  // Outside what a fit of deficient rank determines there is no prediction.
  const predicted = model.records.predict(rowsOf(rows), { unseen: "na" });
  for (let r = 0; r < n; r++) {
    let [sum, size] = [weights[0]!, Math.abs(weights[0]!)];
    for (let j = 0; j + 1 < weights.length; j++) {
      const value = design.values[j * 128 + r]! * weights[j + 1]!;
      sum += value;
      size += Math.abs(value);
    }
    values.push(design.missing[r] === 1 || Number.isNaN(predicted[r]) ? Number.NaN : sum);
    scale.push(size);
  }
  return { values, scale };
}

/** The same where each row has the model of its group. */
function groupPredictions(models: ModelGroup, rows: Table): { values: number[]; scale: number[] } {
  const values = Array.from(models.predict(rowsOf(rows), { unseen: "na" }));
  const scale = values.map(() => Number.NaN);
  for (const [group, model] of models.models) {
    const own = values.map((_, r) => r).filter((r) => String(rows[models.groupBy]![r]) === group);
    if (own.length === 0) continue;
    const table = Object.fromEntries(
      Object.entries(rows).map(([name, cells]) => [name, own.map((r) => cells[r]!)]),
    );
    const sizes = predictionsOf(model, table).scale;
    for (const [i, r] of own.entries()) scale[r] = sizes[i]!;
  }
  return { values, scale };
}

/**
 * The first row whose prediction is not goml's, in words; undefined where all agree, to `tolerance` times the sum of
 * the terms' sizes, and NaN or null for NaN.
 */
export function firstDifference(
  { formula, model, rows }: Example,
  predicted: readonly (number | null | undefined)[],
  tolerance: number,
): string | undefined {
  const { values, scale } = predictionsOf(model, rows);
  if (predicted.length !== values.length) return `${predicted.length} predictions of ${values.length} rows`;
  for (const [r, expected] of values.entries()) {
    const found = predicted[r] ?? Number.NaN;
    const same = Number.isNaN(expected)
      ? Number.isNaN(found)
      : Math.abs(found - expected) <= tolerance * scale[r]!;
    if (!same) return `${formula}: row ${r}: expected ${expected}, found ${found}`;
  }
  return undefined;
}

/** A table's rows as objects. */
export function rowsOf(rows: Table): Record<string, number | string | null>[] {
  const names = Object.keys(rows);
  return rows[names[0]!]!.map((_, r) => Object.fromEntries(names.map((name) => [name, rows[name]![r]!])));
}

function randomTable(n: number, random: () => number): Table {
  const pick = (list: readonly string[]) => list[Math.floor(random() * list.length)]!;
  const table: Table = { y: [] };
  const columns = [
    "x",
    "z",
    "double_x",
    "odd \"name's",
    "tiny",
    "code",
    "state",
    "kind",
    "single",
    "region",
    "year",
  ];
  for (const name of columns) table[name] = [];
  for (let r = 0; r < n; r++) {
    const x = random() * 3;
    table.x!.push(x);
    table.z!.push(0.5 + random() * 4);
    table.double_x!.push(2 * x);
    table["odd \"name's"]!.push(random() * 1000);
    table.tiny!.push((random() + 0.1) * 1e-12);
    table.code!.push([1, 2, 24, 0.1][Math.floor(random() * 4)]!);
    table.state!.push(pick(STATES));
    table.kind!.push(pick(KINDS));
    table.single!.push(7);
    table.region!.push(GROUPS.region[r % 2]!);
    table.year!.push(GROUPS.year[Math.floor(r / 2) % 2]!);
    table.y!.push(5 + x + random());
  }
  return table;
}

function csv(table: Table): string {
  const names = Object.keys(table);
  const quoted = (cell: unknown) =>
    typeof cell === "number" ? String(cell) : `"${String(cell).replaceAll('"', '""')}"`;
  const lines = table[names[0]!]!.map((_, r) => names.map((name) => quoted(table[name]![r])).join(","));
  return `${names.map(quoted).join(",")}\n${lines.join("\n")}\n`;
}

/** Uniform numbers from 0 to 1 (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
