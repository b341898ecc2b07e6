import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fit } from "../../src/training/fit.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import { scratchFolder } from "../csv/scratch.js";
import { uniform } from "../uniform.js";

interface Fold {
  n: number;
  mse: number;
}

// scikit-learn's splitters and LinearRegression: test/golden/cv-kinds.py
const golden: { rows: number[][] } & Record<"loo" | "logo" | "groupKFold" | "time" | "time4", Fold[]> =
  JSON.parse(readFileSync("test/golden/cv-kinds.json", "utf8"));

const scratch = scratchFolder();
const csv = (name: string, head: string, rows: readonly (readonly (string | number)[])[]) =>
  scratch.file(`${name}.csv`, `${head}\n${rows.map((row) => `${row.join()}\n`).join("")}`);
const data = () => csv("golden", "x1,x2,x3,g,t,y", golden.rows);
const features = ["x1", "x2", "x3"];

const mean = (folds: readonly Fold[]) =>
  folds.reduce((sum, { n, mse }) => sum + n * mse, 0) / folds.reduce((sum, { n }) => sum + n, 0);

// LinearRegression solves by an SVD of a well-conditioned matrix: 1e-12 apart at most.
const close = (value: number, expected: number) => expect(Math.abs(value / expected - 1)).toBeLessThan(1e-11);

describe("cross-validation by kinds of folds", () => {
  test.each([
    ["logo", { kind: "group", column: "g" }, undefined],
    ["groupKFold", { kind: "group", column: "g" }, 3],
    ["time", { kind: "time", column: "t" }, undefined],
    ["time4", { kind: "time", column: "t" }, 4],
  ] as const)("%s: the errors of scikit-learn", async (name, cv, folds) => {
    const found = await fitCsv(data(), { features, cv, folds });
    const expected = golden[name];
    expect(found.cv!.folds.map(({ n }) => n)).toEqual(expected.map(({ n }) => n));
    found.cv!.folds.forEach(({ mse }, f) => {
      close(mse, expected[f]!.mse);
    });
    close(found.cv!.mse, mean(expected));
  });

  test("leaving one out from leverages: the errors of as many fits", async () => {
    const { cv } = await fitCsv(data(), { features, cv: { kind: "loo" } });
    close(cv!.mse, mean(golden.loo));
    const spread = golden.loo.map(({ mse }) => (mse - cv!.mse) ** 2).reduce((a, b) => a + b);
    close(cv!.mseError, Math.sqrt(spread / golden.loo.length / (golden.loo.length - 1)));
  });

  test("leaving one out of a penalised fit: as many fits by the same λ", async () => {
    const rows = golden.rows.slice(0, 40);
    const { cv } = await fitCsv(csv("forty", "x1,x2,x3,g,t,y", rows), {
      features,
      cv: { kind: "loo" },
      lambda: 0.3,
      alpha: 0.5,
    });
    const squares = rows.map((left, i) => {
      const others = rows.filter((_, r) => r !== i);
      const model = fit(
        others.map((row) => row.slice(0, 3)),
        others.map((row) => row[5]!),
        { lambda: 0.3, alpha: 0.5 },
      );
      return (left[5]! - model.predict([left.slice(0, 3)])[0]!) ** 2;
    });
    close(cv!.mse, squares.reduce((a, b) => a + b) / rows.length);
  });

  test("by factors, weights and a condition: what the rows left over come to", async () => {
    const next = uniform(3);
    const rows = Array.from({ length: 90 }, (_, i) => {
      const f = "abc"[i % 3]!;
      return [next(), f, `s${Math.floor(5 * next())}`, 1 + Math.floor(3 * next()), i % 7, 3 * next()];
    });
    const path = csv("factors", "x,f,school,w,k,y", rows);
    const how = { formula: "y ~ x + f", weights: "w", where: "k > 0" };
    const { cv, cvBy } = await fitCsv(path, { ...how, cv: { kind: "group", column: "school" } });
    expect(cvBy!.names).toEqual(["s0", "s1", "s2", "s3", "s4"]);
    const used = rows.filter((row) => (row[4] as number) > 0);
    const n = used.length;
    const W = used.reduce((sum, row) => sum + (row[3] as number), 0);
    const X = (row: (string | number)[]) => [
      row[0] as number,
      row[1] === "b" ? 1 : 0,
      row[1] === "c" ? 1 : 0,
    ];
    let total = 0;
    for (const school of cvBy!.names!) {
      const others = used.filter((row) => row[2] !== school);
      const model = fit(
        others.map(X),
        Float64Array.from(others, (row) => row[5] as number),
        {
          weights: Float64Array.from(others, (row) => row[3] as number),
        },
      );
      for (const row of used.filter((one) => one[2] === school))
        total += (row[3] as number) * ((row[5] as number) - model.predict([X(row)])[0]!) ** 2;
    }
    close(cv!.mse, (total / W) * (W / n));
  });

  test("never trains on the time it predicts, or later", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 12 }), fc.integer({ min: -50, max: 50 })), {
          minLength: 12,
          maxLength: 60,
        }),
        fc.integer({ min: 2, max: 6 }),
        async (drawn, folds) => {
          const times = [...new Set(drawn.map(([t]) => t))];
          fc.pre(times.length > 2);
          const rows = drawn.map(([t, y], i) => [t, i % 5, y + 0.5 * (i % 3)]);
          const found = await fitCsv(csv("times", "t,x,y", rows), {
            cv: { kind: "time", column: "t" },
            folds,
          }).catch((error: Error) => {
            expect(error.message).toContain("no fold can be predicted from the others");
          });
          // Where the past has one x all along.
          fc.pre(found !== undefined);
          const { cv, cvBy } = found;
          const bounds = cvBy!.names!.map((name) => name.split(" to ").map(Number));
          // Stretches follow each other, and no time is in two.
          bounds.slice(1).forEach(([first], i) => {
            expect(first!).toBeGreaterThan(bounds[i]!.at(-1)!);
          });
          cv!.folds.forEach(({ n, mse, needs }, f) => {
            const [first, last] = [bounds[f + 1]![0]!, bounds[f + 1]!.at(-1)!];
            const past = rows.filter(([t]) => t! < first);
            const own = rows.filter(([t]) => t! >= first && t! <= last);
            expect(n).toBe(own.length);
            if (needs.length > 0) return;
            if (new Set(past.map(([, x]) => x)).size < 2) return;
            const model = fit(
              past.map(([, x]) => [x!]),
              past.map(([, , y]) => y!),
            );
            const squares = own.map(([, x, y]) => (y! - model.predict([[x!]])[0]!) ** 2);
            expect(mse).toBeCloseTo(squares.reduce((a, b) => a + b) / n, 6);
          });
        },
      ),
      { numRuns: 25 },
    );
  });

  test("has the same bits on any number of threads, and repetitions are those of their seeds", async () => {
    const kinds = [
      { kind: "loo" },
      { kind: "group", column: "g" },
      { kind: "time", column: "t" },
      { kind: "repeated", folds: 4, times: 2 },
    ] as const;
    for (const cv of kinds) {
      const one = await fitCsv(data(), { features, cv, threads: 1 });
      const three = await fitCsv(data(), { features, cv, threads: 3 });
      expect(three.cv).toEqual(one.cv);
    }
    const { cvBy } = await fitCsv(data(), { features, cv: kinds[3], seed: 5 });
    for (const [i, seed] of [5, 6].entries()) {
      const { cv } = await fitCsv(data(), { features, folds: 4, seed });
      expect(cvBy!.repetitions![i]!.mse).toBe(cv!.mse);
    }
  });

  test("folds by a column that is in the model, the weight or a condition, as by a copy of it", async () => {
    const rows = golden.rows.map((row) => [...row, row[3]!, row[4]!]);
    const path = csv("copies", "x1,x2,x3,g,t,y,g2,t2", rows);
    for (const options of [
      { formula: "y ~ x1 + t + g" },
      { formula: "y ~ x1 + C(g)", lambda: 1 },
      { formula: "y ~ x1", weights: "g", where: "g > 0" },
      { formula: "y ~ x1", where: "t > 2" },
    ])
      for (const [kind, column] of [
        ["time", "t"],
        ["group", "g"],
      ] as const) {
        const of = (name: string) => fitCsv(path, { ...options, cv: { kind, column: name } });
        const [own, copy] = [await of(column), await of(`${column}2`)];
        expect(own.cv).toEqual(copy.cv);
        expect(own.cvBy).toEqual(copy.cvBy && { ...copy.cvBy, kind: { kind, column } });
      }
  });

  test("counts rows of leverage 1, and leaves absorbed effects out with their rows", async () => {
    const rows = [...golden.rows.slice(0, 30).map((row) => [...row, 0]), [...golden.rows[30]!, 1]];
    const path = csv("alone", "x1,x2,x3,g,t,y,d", rows);
    const { cv } = await fitCsv(path, { target: "y", features: [...features, "d"], cv: { kind: "loo" } });
    expect(cv!.unpredicted).toBe(1);
    const absorbed = await fitCsv(data(), { features, absorb: ["g"], cv: { kind: "loo" } });
    const asTerms = await fitCsv(data(), { formula: "y ~ x1 + x2 + x3 + C(g)", cv: { kind: "loo" } });
    close(absorbed.cv!.mse, asTerms.cv!.mse);
  });

  // Each point of a path has the error that a fit by its λ has in the same folds.
  test.each([
    { kind: "loo" },
    { kind: "group", column: "g" },
    { kind: "time", column: "t" },
    { kind: "repeated", folds: 4, times: 3 },
  ] as const)("a λ is chosen by $kind", async (cv) => {
    for (const lambda of ["path", "1se"] as const) {
      const how = { features, alpha: 0.5, cv };
      const { path, cv: chosen, model, cvBy } = await fitCsv(data(), { ...how, lambda });
      const { path: points, best, withinOneError } = path!;
      expect(model.penalty!.lambda).toBe(points[lambda === "path" ? best : withinOneError]!.lambda);
      expect(cvBy!.kind).toEqual(cv);
      for (const at of [0, 20, best, withinOneError, points.length - 1]) {
        const fixed = await fitCsv(data(), { ...how, lambda: points[at]!.lambda });
        close(points[at]!.mse, fixed.cv!.mse);
        close(points[at]!.mseError, fixed.cv!.mseError);
      }
      close(chosen!.mse, points[lambda === "path" ? best : withinOneError]!.mse);
      const plain = await fitCsv(data(), { features, cv });
      close(path!.unpenalized!.mse, plain.cv!.mse);
      expect(Math.min(...points.map(({ mse }) => mse))).toBe(points[best]!.mse);
    }
  });

  test("weights that are frequencies: as if rows were there so often", async () => {
    const weights = golden.rows.map((_, i) => i % 4);
    const weighted = csv(
      "weighted",
      "x1,x2,x3,g,t,y,w",
      golden.rows.map((row, i) => [...row, weights[i]!]),
    );
    const written = csv(
      "written",
      "x1,x2,x3,g,t,y",
      golden.rows.flatMap((row, i) => new Array(weights[i]!).fill(row)),
    );
    for (const cv of [
      { kind: "group", column: "g" },
      { kind: "time", column: "t" },
    ] as const)
      for (const more of [{}, { lambda: "path" }] as const) {
        const how = { target: "y", features, cv, ...more };
        const own = await fitCsv(weighted, { ...how, weights: "w", weightsKind: "frequency" });
        const copies = await fitCsv(written, how);
        close(own.cv!.mse, copies.cv!.mse);
        close(own.cv!.r2, copies.cv!.r2);
        expect(own.cv!.folds.map(({ n }) => n)).toEqual(copies.cv!.folds.map(({ n }) => n));
      }
    // Leaving a row out would be leaving out all that it stands for: folds are random ones then.
    const alone = { target: "y", features, weights: "w", weightsKind: "frequency", folds: 1000 } as const;
    const { cv } = await fitCsv(weighted, { ...alone, leaveOneOut: true });
    expect(cv!.folds.length).toBeLessThanOrEqual(golden.rows.length);
  });

  test("refuses what does not go together", async () => {
    const loo = { kind: "loo" } as const;
    await expect(fitCsv(data(), { cv: loo, folds: 3 })).rejects.toThrow("as many folds as rows");
    await expect(fitCsv(data(), { cv: { kind: "group", column: "g" }, conformal: "cv+" })).rejects.toThrow(
      "of random folds",
    );
    const absorbing = [{ features, absorb: ["g"] }, { formula: "y ~ x1 + x2 | g" }];
    for (const options of absorbing)
      for (const cv of [
        { kind: "group", column: "t" },
        { kind: "time", column: "t" },
        { kind: "repeated", folds: 3, times: 2 },
      ] as const)
        await expect(fitCsv(data(), { ...options, cv })).rejects.toThrow("in one draw of random folds");
    await expect(fitCsv(data(), { cv: { kind: "group", column: "nope" } })).rejects.toThrow("nope");
    await expect(
      fitCsv(
        csv("missing", "x,g,y", [
          [1, "a", 2],
          [2, "b", 4],
          [3, "", 1],
          [4, "a", 5],
        ]),
        {
          features: ["x"],
          cv: { kind: "group", column: "g" },
        },
      ),
    ).rejects.toThrow("1 row of the fit have no value in g");
  });

  test("refuses folds of which none can be predicted from the others", async () => {
    const path = csv("levels", "g,x,y", [
      ["a", 1, 2],
      ["b", 2, 4],
      ["a", 3, 1],
      ["b", 5, 5],
      ["c", 2, 5],
      ["c", 3, 6],
    ]);
    const cv = { kind: "group", column: "g" } as const;
    await expect(fitCsv(path, { features: ["g", "x"], cv })).rejects.toThrow(
      "no fold can be predicted from the others: all need what these cannot estimate (gb, gc)",
    );
    expect((await fitCsv(path, { features: ["x"], cv })).cv!.leftOut).toBe(0);
  });
});
