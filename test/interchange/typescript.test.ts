import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import * as esbuild from "esbuild";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toTypeScript } from "../../src/index.js";
import { inFolder } from "../cli/goml.js";
import { type Example, exampleOf, examples, firstDifference, rowsOf } from "./models.js";

type Predict = (row: Record<string, number | string | null>) => number;

async function run({ model, rows }: Example): Promise<number[]> {
  const { code } = await esbuild.transform(toTypeScript(model), { loader: "ts", format: "esm" });
  const { predict } = (await import(`data:text/javascript,${encodeURIComponent(code)}`)) as {
    predict: Predict;
  };
  return rowsOf(rows).map(predict);
}

describe("toTypeScript", () => {
  test("gives goml's predictions for random models", async () => {
    await fc.assert(
      fc.asyncProperty(examples, async (promised) => {
        const example = await promised;
        // Powers are those of Math.pow, within a unit in the last place; each term is then rounded two or three times.
        expect(firstDifference(example, await run(example), 1e-14)).toBeUndefined();
      }),
      { numRuns: process.env.GOML_LONG ? 500 : 30 },
    );
  });

  test("compiles in the strictest mode, and runs as compiled", async () => {
    const formulas = [
      "y ~ 1",
      "log(y) ~ x + z - 1",
      "y ~ `odd \"name's` + state * log(z, 3) + C(code):kind + poly(x, 2, raw = TRUE)",
    ];
    const models = await Promise.all(formulas.map((formula) => exampleOf(formula, 5)));
    await inFolder({}, async (folder) => {
      models.forEach(({ model }, i) => {
        writeFileSync(join(folder, `model${i}.ts`), toTypeScript(model));
      });
      writeFileSync(
        join(folder, "tsconfig.json"),
        JSON.stringify({
          compilerOptions: {
            strict: true,
            noUnusedLocals: true,
            noUnusedParameters: true,
            noUncheckedIndexedAccess: true,
            noPropertyAccessFromIndexSignature: true,
            erasableSyntaxOnly: true,
            types: [],
            target: "es2020",
            module: "nodenext",
            outDir: "out",
          },
        }),
      );
      writeFileSync(join(folder, "package.json"), '{"type": "module"}');
      const tsc = join(createRequire(import.meta.url).resolve("typescript/package.json"), "../bin/tsc");
      execFileSync(process.execPath, [tsc, "-p", folder], { encoding: "utf8" });
      for (const [i, example] of models.entries()) {
        const { predict } = (await import(pathToFileURL(join(folder, `out/model${i}.js`)).href)) as {
          predict: Predict;
        };
        expect(firstDifference(example, rowsOf(example.rows).map(predict), 1e-14)).toBeUndefined();
      }
    });
  });

  test("takes a text for a number as missing", async () => {
    const example = await exampleOf("y ~ x + I(x + 1)", 5);
    expect(await run({ ...example, rows: { x: ["1", null] } })).toEqual([Number.NaN, Number.NaN]);
  });
});
