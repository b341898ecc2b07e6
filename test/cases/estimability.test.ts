import { copyFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { goml, inFolder } from "../cli/goml.js";

const here = fileURLToPath(new URL(".", import.meta.url));

/** A folder with a copy of a case's files. */
function inCase<T>(name: string, body: (folder: string) => Promise<T>): Promise<T> {
  return inFolder({}, (folder) => {
    for (const file of readdirSync(join(here, name)))
      copyFileSync(join(here, name, file), join(folder, file));
    return body(folder);
  });
}

describe("a row outside the row space of the fit", () => {
  // x3 = x1 + x2 in the training data; so it is in the first new row, and not in the second. R 4.2's predict gives 19.28
  // for both with a warning that it may be misleading; the rule of R 4.3 is that the second has no prediction.
  it("has no prediction, whatever the columns' order, is counted, and the aliased term is named", () =>
    inCase("rank-deficient-predict", async (folder) => {
      for (const features of ["x1,x2,x3", "x3,x2,x1"]) {
        await goml(folder, ["train", "rd.csv", "-f", features, "-q"]);
        const { code, stdout, stderr } = await goml(folder, [
          "predict",
          "new.csv",
          "--interval",
          "prediction",
        ]);
        const [, first, second] = stdout.split("\n");
        // predict(lm(y ~ ., read.csv("rd.csv")), read.csv("new.csv")[1, ], interval = "prediction")
        const [fitted, lower, upper] = first!.split(",").map(Number);
        expect([code, fitted, lower, upper]).toEqual([
          0,
          expect.closeTo(19.2774025608555, 11),
          expect.closeTo(17.421730578826, 11),
          expect.closeTo(21.133074542885, 11),
        ]);
        expect(second).toBe("NA,NA,NA");
        expect(stderr).toContain("2 rows of new.csv, 1 NA outside what the training data determine");
        expect(stderr).toContain(
          `note: 1 row has no prediction (NA): in the training data ${features.split(",")[2]} depends on other terms`,
        );
      }
    }));

  it("is said by predict --json and on the machines, counts in evaluate and diagnose", () =>
    inCase("rank-deficient-predict", async (folder) => {
      await goml(folder, ["train", "rd.csv", "-q"]);
      const json = await goml(folder, ["predict", "new.csv", "--json", "-o", "p.csv"]);
      expect(JSON.parse(json.stderr)).toMatchObject({ data: { rows: 2, missing: 0, outside: 1 } });
      const machine = await goml(folder, ["predict", "new.csv", "--machine", "tape"]);
      expect(machine.stdout).toMatch(/^prediction\n19\.2774\S+\nNA\n$/);
      expect(machine.stderr).toContain("1 NA outside what the training data determine");
      const { stdout } = await goml(folder, ["predict", "rd.csv"]);
      expect(stdout).not.toContain("NA");
    }));

  it("with the target beside it counts neither as an error nor as missing", () =>
    inFolder(
      {
        "d.csv": "a,b,y\n1,2,3\n2,4,5\n3,6,6\n4,8,9\n5,10,10\n6,12,14\n",
        "e.csv": "a,b,y\n1,2,3\n1,3,3\n,3,4\n",
      },
      async (folder) => {
        await goml(folder, ["train", "d.csv", "-q"]);
        const { stdout } = await goml(folder, ["evaluate", "e.csv"]);
        expect(stdout).toContain("1 of 3 rows, 1 dropped for missing cells, 1 without a prediction");
        expect(stdout).toContain("in the training data b depends on other terms");
      },
    ));

  it("a level that only rows of weight 0 have is not one that was seen", () =>
    inCase("level-only-in-zero-weight-rows", async (folder) => {
      const train = await goml(folder, [
        ...["train", "l.csv", "-t", "y", "-f", "x,g", "--weights", "w", "--json"],
      ]);
      // lm(y ~ x + g, weights = w): gc is NA there, for R keeps the level.
      expect(JSON.parse(train.stdout).coefficients).toMatchObject([
        { term: "(Intercept)", estimate: expect.closeTo(0.62987, 5) },
        { term: "x", estimate: expect.closeTo(0.99814, 5) },
        { term: "gb", estimate: expect.closeTo(1.87523, 5) },
      ]);
      const { code, stdout } = await goml(folder, ["predict", "l.csv", "--unseen", "na", "-q"]);
      expect([code, stdout.split("\n").slice(1, 4).map(Number)]).toEqual([
        0,
        [expect.closeTo(0.62987, 5), expect.closeTo(0.62987 + 0.99814 + 1.87523, 4), Number.NaN],
      ]);
    }));

  it("an empty cell of an interaction has none; NaN coefficients do not count as 0", () =>
    inFolder(
      {
        "d.csv": "a,b,y\np,u,1\np,u,2\np,v,4\np,v,5\nq,u,2\nq,u,4\n",
        "new.csv": "a,b\np,v\nq,u\nq,v\n",
      },
      async (folder) => {
        await goml(folder, ["train", "d.csv", "--formula", "y ~ a * b", "-q"]);
        const { stdout, stderr } = await goml(folder, ["predict", "new.csv"]);
        expect(stdout).toBe("prediction\n4.5\n3\nNA\n");
        expect(stderr).toContain("aq:bv depends on other terms");
        // Models by group keep the rule.
        await goml(folder, ["train", "d.csv", "-t", "y", "-f", "b", "--group-by", "a", "-q"]);
        expect((await goml(folder, ["predict", "new.csv", "--unseen", "na", "-q"])).stdout).toBe(
          "prediction\n4.5\n3\nNA\n",
        );
      },
    ));
});

describe("a fold whose rows need a coefficient that the others cannot estimate", () => {
  it("is left out of the error and counted, with the coefficient", () =>
    inFolder(
      // One row alone has level c, with an outlying value: as a reference it was predicted by 0 for its coefficient.
      {
        "d.csv": `x,g,y\n${Array.from({ length: 40 }, (_, i) => `${i},${i === 17 ? "c" : "ab"[i % 2]},${i === 17 ? 500 : i + (i % 2) + (i % 5) / 10}\n`).join("")}`,
      },
      async (folder) => {
        const { stdout } = await goml(folder, ["train", "d.csv", "-t", "y"]);
        expect(stdout).toMatch(/9-fold cross-validation: RMSE 0\.1\d+, R² 0\.999\d+ out of fold\n/);
        expect(stdout).toContain("1 fold left out: its rows need what the other folds cannot estimate (gc)");
        const cv = JSON.parse((await goml(folder, ["cv", "model.json", "--json"])).stdout);
        const left = cv.folds.filter(({ needs }: { needs?: string[] }) => needs !== undefined);
        expect([cv.cv.leftOut, left]).toEqual([1, [expect.objectContaining({ needs: ["gc"], mse: null })]]);
      },
    ));
});
