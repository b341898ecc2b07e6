import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { groupReportOf, groupsDocument } from "../../src/cli/render/group-report.js";
import { reportOf } from "../../src/cli/render/model-report.js";
import { summaryDocument } from "../../src/cli/render/summary-document.js";
import {
  type Estimate,
  forgetRows,
  LinearModel,
  ModelGroup,
  mergeModels,
  predictCsv,
  readAnyModel,
  readModel,
  refit,
  updateCsv,
} from "../../src/index.js";
import { forgetGroupsSteps } from "../../src/linear/shards/forget-groups.js";
import { mergeGroupsSteps } from "../../src/linear/shards/merge-groups.js";
import { inOneGo } from "../../src/parallel/steps.js";
import { updateGroupsCsv } from "../../src/training/update-groups-csv.js";
import { scratchFolder } from "../csv/scratch.js";

// Model files that earlier versions wrote (write.js says how): people keep theirs, so whatever changes inside goml,
// these load, predict the same bytes, and merge, update, forget and refit as they did.
const HERE = "test/models";
const scratch = scratchFolder();

/** The versions' folders, and the names of their models. */
const files = readdirSync(HERE)
  .filter((folder) => /^v\d+b?$/.test(folder))
  .flatMap((version) =>
    readdirSync(`${HERE}/${version}`)
      .filter((file) => file.endsWith(".json"))
      .map((file) => ({ version, name: file.replace(".json", "") })),
  );
const pathOf = (name: string, version = "v1") => `${HERE}/${version}/${name}.json`;

test("there are frozen models", () => {
  for (const version of ["v1", "v2", "v2b"])
    expect(files.filter((file) => file.version === version).length).toBeGreaterThan(40);
});

describe.each(files)("$version/$name", ({ version, name }) => {
  const path = `${HERE}/${version}/${name}.json`;
  const text = readFileSync(path, "utf8");

  test("loads, and writes itself again as it was", async () => {
    const model = await readAnyModel(path);
    // A later schema may add fields; what was written stays.
    expect(JSON.parse(JSON.stringify(model))).toMatchObject(withoutSchema(withNames(JSON.parse(text))));
  });

  test("predicts the same bytes", async () => {
    const model = await readAnyModel(path);
    const frozen = readFileSync(`${HERE}/${version}/predicted/${name}.csv`, "utf8");
    const output = scratch.file("predicted.csv", "");
    const kind = model instanceof LinearModel && model.conformal !== undefined ? "conformal" : "prediction";
    const interval = frozen.startsWith("prediction,lower,upper\n") ? kind : "none";
    const [data] = name.split(".");
    const { outside } = await predictCsv(model, `${HERE}/data/${data}-new.csv`, {
      output,
      interval,
      unseen: "na",
    });
    const lines = readFileSync(output, "utf8").split("\n");
    if (version !== "v1") {
      expect(lines.join("\n")).toBe(frozen);
      return;
    }
    // Versions that wrote v1 predicted with 0 for aliased terms; rows that need them have no prediction any more.
    const before = frozen.split("\n");
    const lost = lines.flatMap((line, i) => (/^NA/.test(line) && !/^NA/.test(before[i]!) ? [i] : []));
    expect(lost.length).toBe(outside);
    for (const i of lost) lines[i] = before[i]!;
    // Intervals of clustered covariances had n − p degrees of freedom, and have G − 1.
    const clustered = model instanceof LinearModel && model.vcov.type === "cluster";
    const shown = (line: string) => (clustered ? line.split(",")[0] : line);
    // Those of other robust ones were made of the meat, and are of a factor of it: they differ in the last digits.
    if (model instanceof LinearModel && model.vcov.type !== "iid" && !clustered)
      lines.forEach((line, i) => {
        const [now, was] = [line, before[i]!].map((text) => text.split(","));
        expect(now![0]).toBe(was![0]);
        now!.slice(1).forEach((bound, j) => {
          const value = was![j + 1]!;
          if (/\d/.test(value)) expect(Math.abs(Number(bound) / Number(value) - 1)).toBeLessThan(1e-12);
          else expect(bound).toBe(value);
        });
      });
    else expect(lines.map(shown)).toEqual(before.map(shown));
  });

  test("is inspected as it was", async () => {
    const model = await readAnyModel(path);
    const frozen = JSON.parse(readFileSync(`${HERE}/${version}/inspected/${name}.json`, "utf8"));
    const now = inspected(model);
    if (version !== "v1") {
      expectClose(now, frozen, name);
      return;
    }
    // Versions that wrote v1 predicted folds' rows with 0 for what the other folds cannot estimate.
    if (now.cv?.leftOut > 0) delete frozen.cv;
    // Tests and intervals of clustered covariances had n − p degrees of freedom.
    if (frozen.model?.vcov?.type === "cluster") {
      delete frozen.wald;
      delete frozen.notes;
      for (const row of frozen.coefficients) for (const part of ["p", "lower", "upper"]) delete row[part];
    }
    // The squared errors of weighted fits were means by weight, and are on the scale of RSS/n.
    if (frozen.cv !== undefined && model instanceof LinearModel && model.weightsColumn !== undefined) {
      const { sumW, n } = model.moments;
      frozen.cv.mse *= sumW / n;
      frozen.cv.rmse *= Math.sqrt(sumW / n);
    }
    expectClose(now, withNames(frozen), name);
  });

  test("refits to the same θ", async () => {
    const model = await readAnyModel(path);
    const models = model instanceof LinearModel ? [model] : [...model.models.values()];
    // The weights of two-step GMM are made of rows: without them it is the fit by 2SLS.
    for (const one of models) {
      const again = refit(one, {}).model;
      if (again.instruments?.estimator === one.instruments?.estimator) expectSame(again, one);
      else expectSame(again, await readModel(`${HERE}/v2b/counts.2sls.json`));
    }
  });
});

describe("what was derived from frozen models comes out again", () => {
  const named = async (...names: string[]) =>
    Promise.all(names.map(async (name) => ({ name, model: await readModel(pathOf(name)) })));

  test.each<[name: string, derive: () => Promise<Estimate>]>([
    ["panel.merged", async () => mergeModels(await named("panel.first", "panel.second"))],
    ["panel.whole", async () => mergeModels(await named("panel.first", "panel.second"))],
    [
      "panel.updated",
      async () => updateCsv(await readModel(pathOf("panel.merged")), `${HERE}/data/panel-later.csv`),
    ],
    [
      "panel.whole",
      async () => updateCsv(await readModel(pathOf("panel.first")), `${HERE}/data/panel-second.csv`),
    ],
    ["panel.forgotten", async () => forget("panel.merged", "panel.second")],
    ["panel.first", async () => forget("panel.merged", "panel.second")],
    ["panel.second", async () => forget("panel.whole", "panel.first")],
    [
      "panel.refitted",
      async () => refit(await readModel(pathOf("panel.merged")), { references: { region: "west" } }),
    ],
    [
      "panel.refitted-target",
      async () => refit(await readModel(pathOf("panel.normal")), { target: "z", features: ["y", "x1"] }),
    ],
    [
      "panel.refitted-lambda",
      async () => {
        const model = await readModel(pathOf("panel.weights"));
        // Version 0.1 took a ridge's λ as it is; now it is on y's scale, and divided by the standard deviation of y.
        const y = model.moments.index(model.regression.target);
        return refit(model, { lambda: 0.3 * Math.sqrt(model.moments.product(y, y) / model.moments.sumW) });
      },
    ],
  ])("%s (%#)", async (name, derive) => {
    const { model } = await derive();
    const frozen = await readModel(pathOf(name));
    expectSame(model, frozen);
    expect(model.n).toBe(frozen.n);
    expect(model.levels).toEqual(frozen.levels);
    // A λ of now is divided by the standard deviation of y, which each fold's fit has its own of.
    if (model.penalty?.parametrization === frozen.penalty?.parametrization)
      expectClose(inspected(model).cv, inspected(frozen).cv, "cv");
  });

  test.each<[name: string, derive: () => Promise<Estimate>]>([
    ["panel.merged", async () => mergeModels(await second("panel.first", "panel.second"))],
    ["panel.whole", async () => mergeModels(await second("panel.first", "panel.second"))],
    ["panel.updated", async () => updateCsv(await one("panel.merged"), `${HERE}/data/panel-later.csv`)],
    ["panel.forgotten", async () => forgotten("panel.merged", "panel.second")],
    ["panel.first", async () => forgotten("panel.merged", "panel.second")],
    ["panel.refitted", async () => refit(await one("panel.merged"), { references: { region: "west" } })],
    [
      "panel.absorbed-merged",
      async () => mergeModels(await second("panel.absorbed-first", "panel.absorbed-second")),
    ],
    [
      "panel.absorbed-two",
      async () => mergeModels(await second("panel.absorbed-first", "panel.absorbed-second")),
    ],
    [
      "panel.absorbed-updated",
      async () => updateCsv(await one("panel.absorbed-merged"), `${HERE}/data/panel-later.csv`),
    ],
    ["panel.absorbed-first", async () => forgotten("panel.absorbed-merged", "panel.absorbed-second")],
  ])("of schema 2: %s (%#)", async (name, derive) => {
    const { model } = await derive();
    const frozen = await one(name);
    expectSame(model, frozen);
    expect(model.n).toBe(frozen.n);
    expect(model.levels).toEqual(frozen.levels);
  });

  test.each<[name: string, derive: () => Promise<Estimate>]>([
    [
      "counts.cells-merged",
      async () => mergeModels(await later("counts.cells-first", "counts.cells-second")),
    ],
    ["counts.cells", async () => mergeModels(await later("counts.cells-first", "counts.cells-second"))],
    ["counts.cells-forgotten", async () => forgetLater("counts.cells-merged", "counts.cells-second")],
    ["counts.cells-first", async () => forgetLater("counts.cells-merged", "counts.cells-second")],
    [
      "counts.cells-refitted",
      async () => refit((await later("counts.cells"))[0]!.model, { formula: "y ~ sex" }),
    ],
    [
      "panel.contrasts-recoded",
      async () => refit((await later("panel.contrasts-option"))[0]!.model, { contrasts: { region: "sum" } }),
    ],
    [
      "panel.decayed",
      async () => updateCsv(await one("panel.plain"), `${HERE}/data/panel-later.csv`, { decay: 0.98 }),
    ],
    ["counts.liml", async () => refit((await later("counts.2sls"))[0]!.model, { iv: "liml" })],
  ])("of what came to schema 2: %s (%#)", async (name, derive) => {
    const { model } = await derive();
    const frozen = (await later(name))[0]!.model;
    expectSame(model, frozen);
    expect(model.n).toBe(frozen.n);
    // What rows say of the errors is kept, and tells the same.
    if (frozen.keptMeat === undefined) return;
    expect(model.vcov.type).toBe("hc2");
    frozen.standardErrors.forEach((was, j) => {
      expect(Math.abs(model.standardErrors[j]! / was - 1)).toBeLessThan(1e-10);
    });
  });

  test.each<[name: string, derive: () => Promise<ModelGroup>]>([
    [
      "panel.groups-merged",
      async () => {
        const [first, later] = await Promise.all(["panel.groups-first", "panel.groups-second"].map(group));
        return inOneGo(mergeGroupsSteps([first!, later!]));
      },
    ],
    [
      "panel.groups-updated",
      async () =>
        (await updateGroupsCsv((await group("panel.groups-merged")).model, `${HERE}/data/panel-later.csv`))
          .models,
    ],
    [
      "panel.groups-forgotten",
      async () =>
        inOneGo(forgetGroupsSteps(await group("panel.groups-merged"), await group("panel.groups-second")))
          .models,
    ],
    [
      "panel.groups-first",
      async () =>
        inOneGo(forgetGroupsSteps(await group("panel.groups-merged"), await group("panel.groups-second")))
          .models,
    ],
  ])("by group: %s (%#)", async (name, derive) => {
    const models = await derive();
    const { model: frozen } = await group(name);
    expect([...models.models.keys()]).toEqual([...frozen.models.keys()]);
    for (const [key, model] of models.models) expectSame(model, frozen.models.get(key)!);
  });

  const one = (name: string) => readModel(pathOf(name, "v2"));
  const second = (...names: string[]) =>
    Promise.all(names.map(async (name) => ({ name, model: await one(name) })));
  const later = (...names: string[]) =>
    Promise.all(names.map(async (name) => ({ name, model: await readModel(pathOf(name, "v2b")) })));
  const forgetLater = async (whole: string, shard: string): Promise<Estimate> => {
    const [all, part] = await later(whole, shard);
    return forgetRows(all!, part!);
  };
  const group = async (name: string) => {
    const model = await readAnyModel(pathOf(name, "v2"));
    if (!(model instanceof ModelGroup)) throw new Error(`${name} is one model`);
    return { name, model };
  };
  const forgotten = async (whole: string, shard: string): Promise<Estimate> => {
    const [all, part] = await second(whole, shard);
    return forgetRows(all!, part!);
  };

  async function forget(whole: string, shard: string): Promise<Estimate> {
    const [all, part] = await named(whole, shard);
    return forgetRows(all!, part!);
  }

  test("every model merges with itself, to the same θ of twice the rows", async () => {
    for (const { name, version } of files) {
      const model = await readAnyModel(pathOf(name, version));
      if (!(model instanceof LinearModel)) continue;
      // Fuller's κ is of n, and two-step GMM of the rows.
      if (["fuller", "gmm"].includes(model.instruments?.estimator ?? "")) continue;
      const { model: twice } = mergeModels(
        [
          { name: "a", model },
          { name: "b", model },
        ],
        { again: true, partial: true },
      );
      expect(twice.n).toBe(2 * model.n);
      expectSame(twice, model);
      expectSame(forgetRows({ name: "ab", model: twice }, { name: "b", model }).model, model);
    }
  });
});

interface Versioned {
  schema: number;
  digest?: string;
  models?: { model: Versioned }[];
}

/** A document but for its schema's number, which is raised when it is written again, and the digest, which only files have. */
function withoutSchema({ schema: _, digest: __, models, ...rest }: Versioned): object {
  if (models === undefined) return rest;
  return { ...rest, models: models.map(({ model, ...one }) => ({ ...one, model: withoutSchema(model) })) };
}

/** A document with the levels that are numbers named as R writes them, 1e-07 for what was 1e-7. */
function withNames<Document>(document: Document): Document {
  return JSON.parse(
    JSON.stringify(document, (key, value) =>
      ["terms", "aliased", "term"].includes(key)
        ? JSON.parse(JSON.stringify(value).replaceAll("factor(size)1e-7", "factor(size)1e-07"))
        : value,
    ),
  );
}

/** What `inspect --json` prints, but for the version, the paths and the time. */
function inspected(model: LinearModel | ModelGroup) {
  const none = { model: undefined, path: undefined, level: 0.95 };
  const document =
    model instanceof ModelGroup
      ? groupsDocument(groupReportOf(model), { path: "", data: undefined, level: 0.95 })
      : summaryDocument(reportOf(model), none);
  const { timing: _, ...rest } = JSON.parse(JSON.stringify(document));
  delete rest.model.path;
  return rest;
}

/**
 * The same structure and the same texts, numbers to 11 digits. What a file holds comes out as it is, but criteria,
 * tests and cross-validation are computed at each reading, and a better solver may change their last digits.
 */
function expectClose(value: unknown, frozen: unknown, where: string): void {
  if (typeof frozen === "number" && typeof value === "number") {
    // Probabilities are as good as the distribution's tails.
    const digits = /\.(p|fP)$/.test(where) ? 1e-9 : 1e-11;
    expect(Math.abs(value - frozen), `${where}: ${value}, was ${frozen}`).toBeLessThanOrEqual(
      digits * Math.abs(frozen),
    );
  } else if (typeof frozen === "object" && frozen !== null) {
    expect(typeof value, where).toBe("object");
    for (const [key, part] of Object.entries(frozen))
      expectClose((value as Record<string, unknown>)?.[key], part, `${where}.${key}`);
    if (Array.isArray(frozen)) expect((value as unknown[]).length, where).toBe(frozen.length);
  } else expect(value, where).toEqual(frozen);
}

/**
 * The same θ. Solved from the same moments it differs by a solver's rounding; gradient descent stops at a relative
 * gradient of 1e-12, and θ is measured by its standard error, or by its size where there is none.
 */
function expectSame(model: LinearModel, frozen: LinearModel): void {
  expect(model.coefficientNames).toEqual(frozen.coefficientNames);
  expect(model.aliased).toEqual(frozen.aliased);
  const tolerance = frozen.solver === "gd" ? 1e-8 : 1e-10;
  frozen.coefficients.forEach((was, i) => {
    const is = model.coefficients[i]!;
    if (Number.isNaN(was)) expect(is).toBeNaN();
    else {
      const scale = frozen.standardErrors[i]! || Math.abs(was);
      expect(Math.abs(is - was), `${frozen.coefficientNames[i]}: ${is}, was ${was}`).toBeLessThanOrEqual(
        tolerance * (Number.isFinite(scale) ? scale : Math.abs(was)),
      );
    }
  });
}
