import { describe, expect, test } from "vitest";
import { type FitCsvOptions, fitCsv, fitTargetsCsv, type LinearModel } from "../../src/index.js";
import { inFolder } from "../cli/goml.js";

/** A table of 160 rows with two targets, of which some rows lack one, some the other and some both; a term lacks one too. */
function table(holes: boolean): string {
  let state = 7;
  const next = () => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return state / 2147483648;
  };
  const lines = ["a,b,x,z,g,firm,w,k,t"];
  for (let r = 0; r < 160; r++) {
    const [x, z] = [next() * 4 - 2, next() * 10];
    const g = ["p", "q", "r"][Math.floor(next() * 3)]!;
    const firm = `f${Math.floor(next() * 12)}`;
    const [a, b] = [1 + x + next(), 5 - 2 * x + 0.3 * z + (g === "q" ? 1 : 0) + 2 * next()];
    const out = (value: number, every: number, at: number) =>
      holes && r % every === at ? "" : value.toFixed(4);
    const cells = [out(a, 11, 3), out(b, 13, 3), out(x, 50, 7), z.toFixed(3), g, firm];
    lines.push([...cells, 1 + Math.floor(next() * 3), r, r % 20].join(","));
  }
  return `${lines.join("\n")}\n`;
}

/** What of a model does not follow from which other targets there are. */
function own(model: LinearModel) {
  const { formula: _, targets: __, moments: ___, folds: ____, scan, spec, reading, ...rest } = model.toJSON();
  const { formula: _____, ...equation } = spec;
  const { where: ______, ...read } = { where: undefined, ...reading };
  return { ...rest, scan: scan?.test ?? null, spec: equation, read };
}

const CASES: Record<string, FitCsvOptions> = {
  plain: { features: ["x", "z"] },
  "in double": { features: ["x", "z"], solver: "normal" },
  factors: { features: ["x", "g"] },
  "many levels": { formula: "~ x * g + firm" },
  "no intercept": { features: ["x", "z"], intercept: false },
  weights: { features: ["x", "g"], weights: "w" },
  frequencies: { features: ["x", "g"], weights: "w", weightsKind: "frequency" },
  probabilities: { features: ["x", "g"], weights: "w", weightsKind: "probability" },
  basis: { formula: "~ poly(z, 2) + I(x > 0)" },
  hc3: { features: ["x", "g"], vcov: "hc3" },
  "kept meat": { features: ["x", "z"], vcov: "hc1", keepMeat: "quartic" },
  "one way": { features: ["x", "z"], vcov: "cluster", cluster: "firm" },
  "one way, factors": { features: ["x", "g"], vcov: "cr2", cluster: "firm" },
  "two ways": { features: ["x", "z"], vcov: "cluster", cluster: ["firm", "g"] },
  bootstrap: { features: ["x", "z"], vcov: "bootstrap", reps: 50 } as FitCsvOptions,
  hac: { features: ["x", "z"], vcov: "hac", time: "k" },
  absorbed: { features: ["x", "z"], absorb: ["firm"] },
  "absorbed, two": { features: ["x"], absorb: ["firm", "g"], folds: 5 },
  "absorbed, clusters": { features: ["x", "z"], absorb: ["firm"], vcov: "cluster", cluster: "firm" },
  "absorbed, hc1": { features: ["x", "z"], absorb: ["firm"], vcov: "hc1" },
  singletons: { features: ["x"], absorb: ["firm"], dropSingletons: true },
  instruments: { formula: "~ z | 0 | x ~ w + k" },
  "instruments, robust": { formula: "~ z | firm | x ~ w + k", vcov: "hc1" },
  "held out": { features: ["x", "g"], testSize: 0.3 },
  "λ given": { features: ["x", "z", "g"], lambda: 0.1, alpha: 0.5 },
  "λ chosen": { features: ["x", "z", "g"], lambda: "path", alpha: 1 },
  "λ chosen, absorbed": { features: ["x", "z"], absorb: ["firm"], lambda: "1se" },
  adaptive: { features: ["x", "z", "g"], lambda: "path", alpha: 1, adaptive: 1 },
  bounds: { features: ["x", "z"], lower: 0 },
  "left out, one by one": { features: ["x", "z"], cv: { kind: "loo" } },
  "by groups": { features: ["x", "z"], cv: { kind: "group", column: "firm" } },
  "along time": { features: ["x", "z"], cv: { kind: "time", column: "t" } },
  repeated: { features: ["x", "z"], cv: { kind: "repeated", folds: 5, times: 2 } },
  split: { features: ["x", "g"], conformal: "split" },
  "cv+": { features: ["x", "z"], conformal: "cv+" },
  "jackknife+": { features: ["x", "z"], conformal: "jackknife+", testSize: 0.2 },
  "by a key": { features: ["x", "z"], foldBy: "k" },
};

describe("several targets are each fitted as by itself", () => {
  // A basis of the data is that of all rows in which its column has a value, whatever a condition leaves out.
  for (const holes of [false, true])
    test.for(Object.entries(CASES).filter(([name]) => !holes || name !== "basis"))(
      `%s${holes ? ", rows lacking one" : ""}`,
      async ([, options]) => {
        await inFolder({ "rows.csv": table(holes) }, async (folder) => {
          const path = `${folder}/rows.csv`;
          const { fits, notes } = await fitTargetsCsv(path, { ...options, targets: ["a", "b"], threads: 1 });
          expect(fits.map(({ model }) => model.target)).toEqual(["a", "b"]);
          // Rows that lack only one target: 15 lack a, 13 lack b, of which one lacks both and one of those x.
          expect(notes.some((note) => note.includes("lack only some"))).toBe(holes);
          for (const [t, fit] of fits.entries()) {
            const alone = await fitCsv(path, {
              ...options,
              target: ["a", "b"][t]!,
              where: holes ? "!is.na(a) & !is.na(b)" : undefined,
              threads: 1,
            });
            expect(own(fit.model)).toEqual(own(alone.model));
            expect(fit.cv).toEqual(alone.cv);
            expect(fit.test).toEqual(alone.test);
            expect(fit.coverage).toEqual(alone.coverage);
            expect(fit.path).toEqual(alone.path);
            expect(fit.model.targets.map(({ label }) => label)).toEqual([["b", "a"][t]!]);
          }
        });
      },
    );
});
