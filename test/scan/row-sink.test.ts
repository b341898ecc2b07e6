import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { openSource } from "../../src/csv/open-source.js";
import { readTable, type Table } from "../../src/csv/table.js";
import { rawSlots } from "../../src/dataset/formula/spec.js";
import { DataError } from "../../src/errors.js";
import { createScoreJob } from "../../src/linear/model/score-job.js";
import { matchColumns } from "../../src/prediction/match-columns.js";
import { PredictJob, type PredictPlan } from "../../src/prediction/predict-job.js";
import type { BlockView } from "../../src/scan/block-view.js";
import type { ChunkJob } from "../../src/scan/chunk-job.js";
import { layoutOf, type RowLayout } from "../../src/scan/row-layout.js";
import { scan } from "../../src/scan/scan.js";
import { fit } from "../../src/training/fit.js";
import { MomentsJob, type MomentsPlan } from "../../src/training/moments-job.js";
import { scratchFolder } from "../csv/scratch.js";
import { PATIENCE, runs } from "../kernels/bytes.js";

const scratch = scratchFolder();
const model = fit(
  [
    [1, 2],
    [2, -1],
    [3, 5],
    [4, 4],
    [7, 1],
  ],
  [1, 2, 4, 3, 9],
  { terms: ["a", "b"], target: "y" },
);

/** Cells: most of them plain, and some of all that is not. */
const cell = fc.oneof(
  { weight: 60, arbitrary: fc.integer({ min: -99999, max: 99999 }).map((n) => String(n / 100)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom("NA", "", "1e3", "0.12345678901234567890123", '"7"', " 8 ", "+1", "1e308"),
  },
);
const line = fc.oneof(
  { weight: 80, arbitrary: fc.tuple(cell, cell, cell).map((cells) => cells.join(",")) },
  { weight: 1, arbitrary: fc.constantFrom("", '1,"é",2', "1,2", "x,1,2") },
);
const table = fc.record({
  lines: fc.array(line, { minLength: 1, maxLength: 700 }),
  ending: fc.constantFrom("\n", "\r\n"),
  open: fc.boolean(),
  chunkBytes: fc.constantFrom(64, 700, 3000, 1 << 20),
});

/** A job of a table, and the columns that it sees. */
type Made<Result> = (table: Table) => { layout: RowLayout; job: (view: BlockView) => ChunkJob<Result> };

/** What a job makes of each chunk of a file, and the error that ends it; `blind` for one that sees each block. */
async function results<Result>(
  path: string,
  chunkBytes: number,
  make: Made<Result>,
  blind: boolean,
): Promise<unknown[]> {
  const source = await openSource(path);
  const found: unknown[] = [];
  const sinks: boolean[] = [];
  try {
    const read = await readTable(source, { text: [] });
    const { layout, job } = make(read);
    await scan(
      read,
      layout,
      {
        plan: undefined,
        entry: new URL("file:///none"),
        create: (view: BlockView) => {
          const own = job(view);
          sinks.push(own.sink !== undefined);
          return blind ? { add: (rows) => own.add(rows), finish: () => own.finish() } : own;
        },
        collect: (result) => {
          // Its memory may be another's when this is over.
          found.push(structuredClone({ ...result, dictionary: undefined }));
          return undefined;
        },
      },
      { threads: 1, chunkBytes },
    );
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    found.push(String(error));
  } finally {
    await source.close();
  }
  expect(sinks).not.toContain(false);
  return found;
}

/** That a job comes to the same, bit for bit, whether the kernels take its rows or it sees all of them. */
async function same<Result>(
  { lines, ending, open, chunkBytes }: { lines: string[]; ending: string; open: boolean; chunkBytes: number },
  make: Made<Result>,
): Promise<void> {
  const path = join(scratch.path, "rows.csv");
  writeFileSync(path, ["y,a,b", "1,2,3", "4,5.5,6", ...lines].join(ending) + (open ? "" : ending));
  const seen = await results(path, chunkBytes, make, true);
  expect(await results(path, chunkBytes, make, false)).toEqual(seen);
}

const { spec } = model;

test("the kernels take all rows of a plain file, and none is seen", async () => {
  const path = join(scratch.path, "plain.csv");
  writeFileSync(
    path,
    `y,a,b\n${Array.from({ length: 1000 }, (_, i) => `${i % 7},${i},${i / 8}`).join("\n")}\n`,
  );
  let seen = 0;
  const plan = { spec, extended: false, folds: 10, seed: 7, testSize: 0, firstRow: 0 };
  const make = (read: Table) => ({
    layout: layoutOf(read, rawSlots(spec)),
    job: (view: BlockView) => {
      const own = new MomentsJob(view, plan);
      const add = own.add.bind(own);
      own.add = (rows) => {
        seen += rows;
        add(rows);
      };
      return own;
    },
  });
  const [only] = (await results(path, 1 << 20, make, false)) as [{ rows: number; folds: { n: number }[] }];
  expect([only.rows, only.folds.reduce((sum, { n }) => sum + n, 0), seen]).toEqual([1000, 1000, 0]);
});

test.each<[string, Partial<MomentsPlan>]>([
  ["ten folds", {}],
  ["one fold", { folds: 1 }],
  ["three folds, of another seed", { folds: 3, foldSeed: 12 }],
  ["double-double", { extended: true }],
  ["rows beyond 2³²", { firstRow: 2 ** 32 - 300 }],
])(
  "moments have the same bits where the kernels take the rows: %s",
  async (_, own) => {
    const plan = { spec, extended: false, folds: 10, seed: 7, testSize: 0, firstRow: 0, ...own };
    const make = (read: Table) => ({
      layout: layoutOf(read, rawSlots(spec)),
      job: (view: BlockView) => new MomentsJob(view, plan),
    });
    await fc.assert(
      fc.asyncProperty(table, (made) => same(made, make)),
      runs(40),
    );
  },
  PATIENCE,
);

test(
  "errors of predictions have the same bits",
  async () => {
    const make = (read: Table) => {
      const { layout, predictor } = matchColumns(model, read, { text: false, target: true });
      return { layout, job: (view: BlockView) => createScoreJob(view, { predictor, unseen: "na" }) };
    };
    await fc.assert(
      fc.asyncProperty(table, (made) => same(made, make)),
      runs(40),
    );
  },
  PATIENCE,
);

test.each([true, false])(
  "predictions are the same bytes, and their errors the same bits; the target known: %s",
  async (target) => {
    const make = (read: Table) => {
      const { layout, predictor } = matchColumns(model, read, { text: false, target });
      const plan: PredictPlan = { predictor, unseen: "na", append: false, delimiter: "," };
      return { layout, job: (view: BlockView) => new PredictJob(view, plan) };
    };
    await fc.assert(
      fc.asyncProperty(table, (made) => same(made, make)),
      runs(40),
    );
  },
  PATIENCE,
);
