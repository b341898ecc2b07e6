import { execFile } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { build as esbuild } from "esbuild";
import { build as vite } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

// A program that uses the library, on Deno and Bun, and bundled: its files are those of the package all the same. Deno, Bun and
// webpack come from where CI puts them; without them their tests are skipped.

const run = promisify(execFile);
const RUNTIMES = resolve("node_modules/.cache/goml/runtimes/node_modules");
const { peerDependencies } = JSON.parse(readFileSync("package.json", "utf8"));
const folder = mkdtempSync(join(tmpdir(), "goml-runtimes-"));
const external = Object.keys(peerDependencies).flatMap((name) => [name, `${name}/*`]);

const PROGRAM = `
import { fit, fitCsv, LinearModel } from "goml";

const { model, timing } = await fitCsv("large.csv", { threads: 2 });
const X = new Float64Array(2 * 100000).map((_, i) => (i * 7) % 13);
const serial = model.predict(X);
const concurrent = await model.predictConcurrent(X, { threads: 2 });
const odd = await fitCsv("odd.csv", { solver: "qr" });
console.log(JSON.stringify({
  coefficients: [...model.coefficients],
  threads: timing.threads,
  same: serial.every((value, i) => value === concurrent[i]),
  again: LinearModel.fromJSON(JSON.parse(JSON.stringify(model))).predict([[1, 2]])[0] === model.predict([[1, 2]])[0],
  slope: fit([[1], [2], [3]], [1, 2, 4]).coefficients[1].toFixed(12),
  odd: odd.model.n,
}));
`;
let expected: unknown;

beforeAll(async () => {
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(resolve("."), join(folder, "node_modules/goml"));
  writeFileSync(join(folder, "package.json"), '{ "name": "user", "private": true, "type": "module" }');
  writeFileSync(join(folder, "use.js"), PROGRAM);
  // More than a thread is started for.
  const lines = Array.from(
    { length: 300_000 },
    (_, i) => `${i % 101}.25,${(i * i) % 37}.5,${(i * 31) % 53}.125`,
  );
  writeFileSync(join(folder, "large.csv"), `a,b,y\n${lines.join("\n")}\n`);
  // Quotes within cells, which csv-parse reads, a module apart.
  const cells = Array.from({ length: 50 }, (_, i) => `${i % 7},x ${i % 2 ? '"q" y' : "z"},${(i * i) % 11}`);
  writeFileSync(join(folder, "odd.csv"), `a,g,y\n${cells.join("\n")}\n`);
  expected = await output(process.execPath, "use.js");
  expect(expected).toMatchObject({ threads: 2, same: true, again: true, slope: "1.500000000000", odd: 50 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function output(program: string, ...args: string[]): Promise<unknown> {
  const env = { ...process.env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" };
  const { stdout } = await run(program, args, { cwd: folder, env });
  return JSON.parse(stdout);
}

describe("a program with the library", () => {
  for (const [name, args] of Object.entries({ deno: ["run", "--allow-all"], bun: [] })) {
    const program = join(RUNTIMES, ".bin", name);
    test.skipIf(!existsSync(program))(
      `runs in ${name}, threads included, and so does the command`,
      async () => {
        // Deno's threads do not share files that are open: it reads on one, and predicts in memory on two.
        const threads = name === "deno" ? 1 : 2;
        expect(await output(program, ...args, "use.js")).toEqual({ ...(expected as object), threads });
        const command = [
          ...args,
          "node_modules/goml/bin/goml.js",
          "train",
          "large.csv",
          "--json",
          "-m",
          `${name}.json`,
        ];
        expect(await output(program, ...command)).toMatchObject({ fit: { n: 300_000 } });
      },
    );
  }

  for (const format of ["esm", "cjs"] as const)
    test(`is bundled by esbuild, as ${format}`, async () => {
      const outfile = join(folder, format === "esm" ? "out/esbuild.mjs" : "out/esbuild.cjs");
      await esbuild({
        // Modules of CommonJS do not await at their top.
        stdin: { contents: format === "esm" ? PROGRAM : awaiting(PROGRAM), resolveDir: folder },
        bundle: true,
        format,
        platform: "node",
        target: "node20",
        external,
        outfile,
        logLevel: "error",
        logOverride: { "empty-import-meta": "silent" },
        ...(format === "esm" && {
          banner: {
            js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
          },
        }),
      });
      expect(await output(process.execPath, outfile)).toEqual(expected);
    });

  test("is bundled by Vite for a server", async () => {
    await vite({
      root: folder,
      logLevel: "silent",
      configFile: false,
      build: { ssr: "use.js", outDir: "out/vite", target: "node20" },
      // Vite leaves packages out of a server's bundle, unless it is told otherwise.
      ssr: { noExternal: ["goml"], external: Object.keys(peerDependencies) },
    });
    expect(await output(process.execPath, "out/vite/use.js")).toEqual(expected);
  });

  test.skipIf(!existsSync(join(RUNTIMES, "webpack")))("is bundled by webpack", async () => {
    const webpack = createRequire(import.meta.url)(join(RUNTIMES, "webpack"));
    const stats = await promisify(webpack)({
      context: folder,
      entry: "./use.js",
      mode: "development",
      devtool: false,
      target: "node20",
      experiments: { outputModule: true },
      output: {
        path: join(folder, "out/webpack"),
        module: true,
        filename: "use.mjs",
        library: { type: "module" },
      },
      externals: [
        ({ request }: { request: string }, done: (error?: null, result?: string) => void) =>
          external.some((name) => request === name || request.startsWith(name.replace("*", "")))
            ? done(null, `import ${request}`)
            : done(),
      ],
      optimization: { minimize: false },
    });
    expect(stats.toJson().errors).toEqual([]);
    expect(await output(process.execPath, "out/webpack/use.mjs")).toEqual(expected);
  });
});

/** A module whose top awaits, as one whose function does. */
function awaiting(text: string): string {
  const [, imports, rest] = /^((?:\s*import [^\n]*\n)+)([\s\S]*)$/.exec(text)!;
  return `${imports}(async () => {${rest}})();`;
}
