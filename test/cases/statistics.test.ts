import { spawnSync } from "node:child_process";
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
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

/** The JSON that a command prints. */
async function json(folder: string, ...args: string[]) {
  const { code, stdout, stderr } = await goml(folder, [...args, "--json"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout);
}

describe("selection", () => {
  it("finds the best subsets where leaving a term out codes another anew", () =>
    inCase("best-subset-no-intercept", async (folder) => {
      await goml(folder, ["train", "d.csv", "--formula", "y ~ a + b + x - 1", "-q"]);
      const { selection } = await json(folder, "select", "model.json", "--direction", "best");
      // R: deviance(lm(f, d)) of every submodel; without an intercept R codes the first factor that is left in full.
      const best = [
        [1, 15137.548, "x"],
        [3, 8106.2511, "a"],
        [4, 242.7586, "b"],
        [5, 5.2424, "b + x"],
        [6, 219.6332, "a + b"],
        [7, 4.9619, "a + b + x"],
      ];
      const found = selection.bySize.slice(1) as { rank: number; rss: number; labels: string[] }[];
      expect(found.map(({ rank, rss, labels }) => [rank, rss, labels.join(" + ")])).toEqual(
        best.map(([rank, rss, terms]) => [rank, expect.closeTo(rss as number, 3), terms]),
      );
      expect(selection.terms).toEqual(["b", "x"]);
    }));

  it("finds them in models of deficient rank, where a term adds nothing to others", () =>
    inFolder(
      {
        "d.csv": `a,b,c,y\n${[1, 5, 2, 8, 3, 9, 4].map((a, i) => `${a},${2 * a},${i * i},${a + (i % 3)}`).join("\n")}\n`,
      },
      async (folder) => {
        await goml(folder, ["train", "d.csv", "-q"]);
        const { selection } = await json(folder, "select", "model.json", "--direction", "best");
        expect(selection.bySize.map(({ labels }: { labels: string[] }) => labels.length)).toEqual([0, 1, 2]);
      },
    ));

  it("by steps takes terms that add nothing out first, as R's step does", () =>
    inCase("step-rank-deficient", async (folder) => {
      await goml(folder, ["train", "d.csv", "--formula", "y ~ block + n*p*k", "-q"]);
      for (const direction of ["backward", "both"]) {
        const { selection } = await json(folder, "select", "model.json", "--direction", direction);
        // step(lm(y ~ block + n*p*k, d)): n:p:k is confounded with the blocks, and protects all terms marginal to it.
        expect(selection.steps.map(({ criterion }: { criterion: number }) => criterion)).toEqual(
          [20.5251611216, 20.5251611216, 18.5559624413, 16.7876263198, 16.0422803113].map((value) =>
            expect.closeTo(value, 9),
          ),
        );
        expect(selection.terms).toEqual(["block", "n", "p", "k"]);
      }
      // A constant and a copy: step gives "- c", "- n2".
      const [head, ...rows] = readFileSync(join(folder, "d.csv"), "utf8").trim().split("\n");
      const more = rows.map((row) => `${row.split(",")[1]},5,${row}`).join("\n");
      writeFileSync(join(folder, "e.csv"), `n2,c,${head}\n${more}\n`);
      await goml(folder, ["train", "e.csv", "--formula", "y ~ n + n2 + p + c + k", "-q"]);
      const { selection } = await json(folder, "select", "model.json", "--direction", "both");
      expect(selection.terms).toEqual(["n", "p", "k"]);
      expect(
        selection.steps.slice(0, 2).map(({ table }: { table: { change: string }[] }) => table.at(-1)!.change),
      ).toEqual(["- c", "- n2"]);
    }));
});

describe("clusters", () => {
  it("have t with G − 1 degrees of freedom, and a note where there are few", () =>
    inFolder(
      {
        "d.csv": `g,x,y\n${Array.from({ length: 60 }, (_, i) => `${i % 6},${(i * 7) % 11},${((i * 7) % 11) + (i % 6) * ((i * 3) % 5)}`).join("\n")}\n`,
      },
      async (folder) => {
        const { coefficients, wald, notes } = await json(
          folder,
          ...["train", "d.csv", "-t", "y", "-f", "x", "--vcov", "cluster", "--cluster", "g"],
        );
        // With one slope the Wald F is t², and has the p of t: on 1 and G − 1, not on 1 and n − 2.
        const { t, p } = coefficients[1];
        expect(wald).toMatchObject({ df1: 1, df2: 5, f: expect.closeTo(t * t, 8), p: expect.closeTo(p, 12) });
        expect(notes.join()).toContain("6 clusters are few");
        const { stdout } = await goml(folder, ["inspect", "model.json"]);
        expect(stdout).toContain("clustered by g, 6 groups (CR1), t on 5 degrees of freedom");
        expect(stdout).toContain("note: 6 clusters are few");
      },
    ));
});

describe("what is built on θ", () => {
  it("GVIF does not depend on the basis: raw polynomials of a year", () =>
    inCase("gvif-raw-polynomial", async (folder) => {
      // car::vif(lm(y ~ poly(year - 1985, k) + z)), of the same span.
      const expected = [1.02200666294, 1.02223975378, 1.02831413248, 1.09160996399, 1.09161561783];
      for (const [i, gvif] of expected.entries()) {
        const { vif } = await json(
          folder,
          ...["train", "year.csv", "--vif", "--formula", `y ~ poly(year, ${i + 2}, raw = TRUE) + z`],
        );
        // Each of two terms is inflated by the other, so both figures are the same.
        expect(vif.map((row: { gvif: number }) => row.gvif)).toEqual([
          expect.closeTo(gvif, 9),
          expect.closeTo(gvif, 9),
        ]);
      }
    }));

  it("RESET is the same with and without an intercept where the columns span it, and R's where they do not", () =>
    inCase("reset-without-intercept", async (folder) => {
      // F of lm.fit(cbind(X, z^2, z^3)) with z = fitted - mean(fitted), or fitted/36 where 1 is not in the span of X.
      const cases = [
        ["temp ~ active + time", 1.436956078709, 95],
        ["temp ~ active + time - 1", 1.436956078706, 95],
        ["temp ~ time - 1", 17456.93641913, 97],
      ] as const;
      for (const [formula, statistic, df2] of cases) {
        await goml(folder, ["train", "d.csv", "--formula", formula, "-q"]);
        const { reset } = await json(folder, "diagnose", "d.csv");
        expect(reset).toMatchObject({ df1: 2, df2 });
        // R's QR on columns of which the mean is 100 standard deviations loses some digits itself.
        expect(Math.abs(reset.statistic / statistic - 1)).toBeLessThan(1e-8);
      }
    }));

  it("a robust variance that is 0 in exact arithmetic is 0, not NA and not what rounding leaves", () =>
    inCase("robust-error-of-zero", async (folder) => {
      for (const vcov of ["hc0", "hc1"]) {
        const { coefficients } = await json(folder, "train", "d.csv", "--formula", "y ~ x*g", "--vcov", vcov);
        // Level a has two rows, which its own line fits exactly. sandwich::vcovHC(m, "HC0") for the others.
        const errors = coefficients.map(({ stdError }: { stdError: number }) => stdError);
        const scale = vcov === "hc1" ? Math.sqrt(10 / 4) : 1;
        const others = [0.20832666656, 0.2556784274015, 0.1170213655706, 0.0577231180057];
        expect(errors).toEqual([0, 0, ...others.map((value) => expect.closeTo(value * scale, 10))]);
      }
      const { stdout } = await goml(folder, ["train", "d.csv", "--formula", "y ~ x*g", "--vcov", "hc0"]);
      expect(stdout).not.toMatch(/Infinity|F NA/);
      // car::linearHypothesis stops there: "the covariance matrix is singular".
      expect(stdout).toContain("no Wald test of all slopes: the robust covariance of the 5 is singular");
    }));

  it("fewer rows than coefficients are enough where some of them depend on others", () =>
    inCase("estimable-though-few-rows", async (folder) => {
      const a = await json(folder, "train", "d.csv", "--formula", "y ~ a*b");
      // lm(y ~ a*b): coef 1.20 3.00 4.05 1.30 -1.20 and NA; rank 5, 2 degrees of freedom.
      expect([a.model.rank, a.fit.dfResidual]).toEqual([5, 2]);
      const estimates = a.coefficients.map(({ estimate }: { estimate: number | null }) => estimate);
      expect(estimates.slice(0, 5)).toEqual(
        [1.2, 3, 4.05, 1.3, -1.2].map((value) => expect.closeTo(value, 12)),
      );
      expect(new Set(estimates.slice(5))).toEqual(new Set([null]));
      const f = await json(folder, "train", "f.csv", "-t", "y");
      expect([f.model.rank, f.fit.dfResidual, f.model.aliased]).toEqual([3, 1, ["b", "d"]]);
      // lm(y ~ ., e): b is 2a, so that 4 rows are left with 1 degree of freedom.
      const e = await json(folder, "train", "e.csv", "-t", "y");
      expect([e.model.rank, e.fit.dfResidual, e.model.aliased]).toEqual([3, 1, ["b"]]);
      // All rows used up, and not all coefficients had: any y would be fitted exactly.
      writeFileSync(join(folder, "g.csv"), "a,b,c,y\n1,2,3,4\n2,5,1,1\n7,1,1,2\n");
      const { code, stderr } = await goml(folder, ["train", "g.csv"]);
      expect([code, stderr.split("\n")[0]]).toEqual([
        4,
        "goml: 3 complete rows cannot determine 4 coefficients",
      ]);
    }));

  it("a column that depends on another to the last digit, far from 0, is left out with a note", () =>
    inCase("dependent-decimals-with-offset", async (folder) => {
      const { coefficients, model, notes } = await json(folder, "train", "p.csv", "-t", "y");
      // lm(y ~ gauge + absolute): -0.041570 (0.108007), 0.309437 (0.006601), NA
      expect(model.aliased).toEqual(["absolute"]);
      expect(coefficients).toMatchObject([
        { estimate: expect.closeTo(-0.04157, 5), stdError: expect.closeTo(0.108007, 5) },
        { estimate: expect.closeTo(0.309437, 5), stdError: expect.closeTo(0.006601, 5) },
        { estimate: null },
      ]);
      expect(notes.join()).toContain("absolute lies 7870 standard deviations from 0");
      expect((await goml(folder, ["train", "p.csv", "-t", "y", "--strict"])).code).toBe(4);
    }));

  it("residuals keep their digits where columns lie a million deviations from 0", () =>
    inFolder(
      {
        "near.csv": `x,z,y\n${rows(0)}`,
        "far.csv": `x,z,y\n${rows(2 ** 27)}`,
      },
      async (folder) => {
        // The same numbers, moved by a power of two: every residual is the same in exact arithmetic.
        const found: Record<string, number[][]> = {};
        const errors: number[][] = [];
        for (const file of ["near.csv", "far.csv"]) {
          const { coefficients } = await json(folder, "train", file, "--vcov", "hc3");
          errors.push(coefficients.slice(1).map(({ stdError }: { stdError: number }) => stdError));
          await goml(folder, ["diagnose", file, "-o", "rows.csv", "-q"]);
          found[file] = readFileSync(join(folder, "rows.csv"), "utf8")
            .trim()
            .split("\n")
            .slice(1)
            .map((line) => line.split(",").slice(2).map(Number));
        }
        const pairs = (a: number[], b: number[]) =>
          a.map((v, i) => Math.abs(v - b[i]!) / Math.max(1e-3, Math.abs(v)));
        const worst = found["near.csv"]!.flatMap((row, r) => pairs(row, found["far.csv"]![r]!));
        // Some ulps of numbers of size 1; without the mean taken off first it is 1e-8.
        expect(Math.max(...worst, ...pairs(errors[0]!, errors[1]!))).toBeLessThan(1e-11);
      },
    ));

  it("a perfect fit gets R's warning, and what is made of it neither fails nor is infinite", () =>
    inCase("perfect-fit", async (folder) => {
      // summary(lm(y ~ .)): "essentially perfect fit: summary may be unreliable"
      const { coefficients, notes } = await json(folder, "train", "pf.csv");
      expect(coefficients.map(({ estimate }: { estimate: number }) => estimate)).toEqual(
        [1, 2, 0].map((value) => expect.closeTo(value, 12)),
      );
      expect(notes.join()).toContain("essentially perfect fit");
      for (const args of [
        ["train", "pf.csv"],
        ["train", "pf.csv", "-f", "x"],
        ["inspect", "model.json"],
        ["cv", "model.json"],
        ["select", "model.json"],
        ["anova", "model.json"],
        ["diagnose", "pf.csv"],
        ["update", "model.json", "pf.csv", "--again"],
      ]) {
        const { code, stdout, stderr } = await goml(folder, args);
        expect([code, stderr]).toEqual([0, ""]);
        expect(stdout).not.toMatch(/Infinity|NaN/);
        if (args[0] === "train" || args[0] === "inspect") expect(stdout).toContain("essentially perfect fit");
      }
      await json(folder, "select", "model.json");
      await json(folder, "diagnose", "pf.csv");
    }));

  it("R² without an intercept is about 0, as R's, and says so; that of evaluate is about the mean", () =>
    inCase("uncentred-r2", async (folder) => {
      // summary(lm(y ~ x - 1)): R-squared, adjusted, F; and 1 - RSS / sum((y - mean(y))^2)
      const { fit } = await json(folder, "train", "o.csv", "--no-intercept");
      expect(fit).toMatchObject({
        r2: expect.closeTo(0.998765029141673, 13),
        adjR2: expect.closeTo(0.998722443939662, 13),
        f: expect.closeTo(23453.3354773646, 7),
      });
      const { stdout } = await goml(folder, ["train", "o.csv", "--no-intercept"]);
      expect(stdout).toContain("R² 0.998765 (uncentred)   adjusted R²");
      const { metrics } = await json(folder, "evaluate", "o.csv");
      expect(metrics.r2).toBeCloseTo(0.017348973743279, 12);
    }));

  it("levels that are numbers are named as R names them", () =>
    inCase("numeric-level-names", async (folder) => {
      const { model } = await json(folder, "train", "d.csv", "--formula", "y ~ factor(q)");
      // names(coef(lm(y ~ factor(q), read.csv("d.csv"))))
      expect(model.terms).toEqual(["factor(q)1e-04", "factor(q)1e+05", "factor(q)123456", "factor(q)1e+06"]);
      expect((await goml(folder, ["predict", "d.csv", "-q"])).stdout).not.toContain("NA");
      // A model that was written with the names before is read.
      const text = readFileSync(join(folder, "model.json"), "utf8");
      writeFileSync(join(folder, "old.json"), text.replace('"factor(q)1e+05"', '"factor(q)100000"'));
      expect((await goml(folder, ["inspect", "old.json", "--trust"])).code).toBe(0);
    }));

  it("texts that all differ are levels in a few rows, and an identifier from 20 on", () => {
    const file = (n: number) =>
      `name,x,y\n${Array.from({ length: n }, (_, i) => `n${i},${i % 4},${i + (i % 3)}\n`).join("")}`;
    return inFolder({ "few.csv": file(19), "many.csv": file(20) }, async (folder) => {
      // lm(y ~ name): a coefficient for each row, and no degrees of freedom.
      const few = await json(folder, "train", "few.csv", "--formula", "y ~ name");
      expect([few.model.rank, few.fit.dfResidual]).toEqual([19, 0]);
      const { model, notes } = await json(folder, "train", "many.csv");
      expect(model.terms).toEqual(["x"]);
      expect(notes).toEqual(["left out: name, it looks like an identifier: all its texts differ"]);
      const { code, stderr } = await goml(folder, ["train", "many.csv", "--formula", "y ~ name"]);
      expect(code).toBe(3);
      expect(stderr).toContain("the factor has 20 levels in as many rows: it looks like an identifier");
    });
  });

  it("a level whose numbers are all 0 stays one, in groups and after forget", () =>
    inCase("level-whose-numbers-are-zero", async (folder) => {
      const formula = ["--formula", "y ~ x + x:g", "-q"];
      await goml(folder, ["train", "z.csv", ...formula, "--group-by", "grp", "-m", "g.json"]);
      const group = await json(folder, "inspect", "g.json", "--group", "k");
      // lm(y ~ x + x:g, d[d$grp == "k", ]): a stays the reference.
      expect(group.coefficients).toMatchObject([
        { term: "(Intercept)", estimate: expect.closeTo(0.04195237, 8) },
        { term: "x", estimate: expect.closeTo(2.79852104, 8) },
        { term: "x:gb", estimate: expect.closeTo(-0.9981039, 7) },
        { term: "x:gc", estimate: null },
      ]);
      const text = (name: string) => readFileSync(join(folder, name), "utf8").trimEnd();
      const extra = text("extra.csv").split("\n").slice(1);
      writeFileSync(join(folder, "all.csv"), `${[text("z.csv"), ...extra].join("\n")}\n`);
      // With folds, too: a row's fold follows from its number, which is another in the file of its own.
      for (const folds of [[], ["--folds", "1"]]) {
        for (const name of ["all", "extra"])
          await goml(folder, ["train", `${name}.csv`, ...formula, ...folds, "-m", `${name}.json`]);
        const forgotten = await goml(folder, ["forget", "all.json", "extra.json", "-m", "left.json"]);
        expect(forgotten.code).toBe(0);
        expect(forgotten.stdout.includes("note: the cross-validation folds are left out")).toBe(
          folds.length === 0,
        );
        const left = await json(folder, "inspect", "left.json");
        expect(left.cv).toBeUndefined();
        // coef(lm(y ~ x + x:g, read.csv("z.csv")))
        expect(left.coefficients).toMatchObject([
          { term: "(Intercept)", estimate: expect.closeTo(0.01557856, 8) },
          { term: "x", estimate: expect.closeTo(2.80100496, 8) },
          { term: "x:gb", estimate: expect.closeTo(-0.99820386, 8) },
          { term: "x:gc", estimate: null },
        ]);
      }
    }));
});

/** Runs R code in a folder; what it prints as JSON. */
function r(folder: string, code: string) {
  const { status, stdout, stderr } = spawnSync("Rscript", ["--vanilla", "-e", code], {
    cwd: folder,
    encoding: "utf8",
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return JSON.parse(stdout);
}

// R's data sets come with R, under its licence: they are written by it, and are no files here.
describe.skipIf(spawnSync("Rscript", ["--version"]).status !== 0)("on data sets of R, beside R", () => {
  it("step of ?npk: N:P:K, confounded with the blocks, goes first, then P:K", () =>
    inFolder({}, async (folder) => {
      const answer = r(
        folder,
        `d <- npk; for (k in c("N", "P", "K")) d[[k]] <- c("no", "yes")[as.integer(d[[k]])]; d$block <- paste0("b", d$block)
        write.csv(d, "npk.csv", row.names = FALSE)
        for (direction in c("backward", "both")) s <- step(lm(yield ~ block + N*P*K, d), direction = direction, trace = 0)
        cat(sprintf('{"aic": [%s], "rss": %.17g, "terms": ["%s"]}', paste(sprintf("%.17g", s$anova$AIC), collapse = ", "),
          deviance(s), paste(labels(terms(s)), collapse = '", "')))`,
      );
      expect(answer.aic).toEqual([73.0524, 73.0524, 71.1147].map((aic) => expect.closeTo(aic, 3)));
      await goml(folder, ["train", "npk.csv", "--formula", "yield ~ block + N*P*K", "-q"]);
      for (const direction of ["backward", "both"]) {
        const { selection, fit } = await json(folder, "select", "model.json", "--direction", direction);
        expect(selection.steps.map(({ criterion }: { criterion: number }) => criterion)).toEqual(
          answer.aic.map((aic: number) => expect.closeTo(aic, 9)),
        );
        expect(selection.terms).toEqual(answer.terms);
        expect(fit.rss).toBeCloseTo(answer.rss, 9);
      }
    }));

  it("RESET of beaver2 has one value for two spellings of a fit: 20.84 on 2 and 95", () =>
    inFolder({}, async (folder) => {
      // lmtest::resettest(lm(temp ~ activ + time - 1)) gives 12.57: powers of what is 100 deviations from 0.
      const exact = r(
        folder,
        `d <- beaver2; d$activ <- ifelse(d$activ == 1, "yes", "no")
        write.csv(d[c("temp", "time", "activ")], "beaver.csv", row.names = FALSE)
        m <- lm(temp ~ activ + time - 1, d); z <- fitted(m) - mean(fitted(m))
        a <- lm.fit(cbind(model.matrix(m), z^2, z^3), d$temp); e <- sum(a$residuals^2)
        cat(sprintf("[%.17g, %d, %d]", (deviance(m) - e) / 2 / (e / a$df.residual), a$rank - m$rank, a$df.residual))`,
      );
      expect(exact).toEqual([expect.closeTo(20.84247, 4), 2, 95]);
      for (const formula of ["temp ~ activ + time", "temp ~ activ + time - 1"]) {
        await goml(folder, ["train", "beaver.csv", "--formula", formula, "-q"]);
        const { reset } = await json(folder, "diagnose", "beaver.csv");
        expect(reset).toMatchObject({ df1: 2, df2: 95 });
        // Columns of which the mean is 100 deviations cost R's QR some digits.
        expect(Math.abs(reset.statistic / exact[0] - 1)).toBeLessThan(1e-8);
      }
    }));
});

/** 40 rows of x, z, y on multiples of 1/64, moved by `offset`. */
function rows(offset: number): string {
  return Array.from({ length: 40 }, (_, i) => {
    const [x, z] = [((37 * i) % 41) / 64, ((i * i) % 43) / 64];
    return `${x + offset},${z - offset},${(3 * x - z) * 2 + ((11 * i) % 17) / 64}\n`;
  }).join("");
}
