import { execFile, spawn } from "node:child_process";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import * as esbuild from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { npm } from "../npm.js";
import { modelProto, nodeProto, valueProto } from "../onnx/protos.js";

const run = promisify(execFile);
const manifest = JSON.parse(readFileSync("package.json", "utf8"));
const folder = mkdtempSync(join(tmpdir(), "goml-package-"));
let packed: { path: string; mode: number; size: number }[] = [];

/** Runs a command in the folder where the package was installed. */
const inside = (command: string, ...args: string[]) =>
  run(command, args, { cwd: folder, env: { ...process.env, NO_COLOR: "1" }, maxBuffer: 1 << 26 });
const goml = (...args: string[]) => inside(join(folder, "node_modules/.bin/goml"), ...args);

beforeAll(async () => {
  // Without scripts: `prepare` would build anew under the other tests' feet.
  const { stdout } = await npm(["pack", "--json", "--ignore-scripts", "--pack-destination", folder]);
  const [{ filename, files }] = JSON.parse(stdout);
  packed = files;
  writeFileSync(join(folder, "package.json"), '{ "name": "user", "private": true, "type": "module" }');
  await npm(["install", "--prefer-offline", "--no-audit", "--no-fund", `./${filename}`], folder);
  copyFileSync("data/boston.csv", join(folder, "boston.csv"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the packed package", () => {
  test("has what it needs to run, and no sources, tests or benchmarks, nor the command once more", () => {
    const paths = packed.map((file) => file.path);
    for (const path of [
      "bin/goml.js",
      "dist/index.js",
      "dist/index.d.ts",
      "dist/bundle/start.js",
      "dist/kernels/kernels.wasm",
      "dist/model.schema.json",
      "dist/THIRD-PARTY-NOTICES.txt",
      "dist/bundled-packages.json",
      "data/boston.csv",
      "README.md",
      "LICENSE",
      "CHANGELOG.md",
    ])
      expect(paths).toContain(path);
    expect(paths.filter((path) => /^(src|test|bench|scripts|dist\/cli|dist\/code)\//.test(path))).toEqual([]);
  });

  test("names files and hosts of nobody: the lock file has no registry in it", () => {
    const lock = readFileSync("package-lock.json", "utf8");
    expect(lock).not.toMatch(/"resolved"/);
    expect(
      lock.match(
        /https?:\/\/(?!github\.com|opencollective\.com|[a-z.]*(funding|sponsors|patreon|tidelift|paypal|buymeacoffee|polar|ko-fi))[^"]*\.tgz/g,
      ),
    ).toBeNull();
  });
});

describe("installed in an empty folder", () => {
  test("brings no other package, and nothing in it imports one", async () => {
    expect(readdirSync(join(folder, "node_modules")).filter((name) => !name.startsWith("."))).toEqual([
      "goml",
    ]);
    const { stdout } = await npm(["ls", "--all", "--json"], folder);
    // npm lists optional peers, none of which is there.
    const peers = Object.keys(manifest.peerDependencies);
    expect(JSON.parse(stdout).dependencies.goml.dependencies).toEqual(
      Object.fromEntries(peers.map((name) => [name, {}])),
    );
    expect(manifest).not.toHaveProperty("dependencies");
    expect(manifest).not.toHaveProperty("optionalDependencies");
    expect(manifest.peerDependenciesMeta).toEqual(
      Object.fromEntries(peers.map((name) => [name, { optional: true }])),
    );
    const installed = join(folder, "node_modules/goml");
    const entryPoints = readdirSync(join(installed, "dist"), { recursive: true })
      .map(String)
      .filter((file) => file.endsWith(".js"))
      .map((file) => join(installed, "dist", file));
    expect(entryPoints.length).toBeGreaterThan(100);
    // What each imports is a file of ours that is there, or Node's own, of which newer ones have SQLite.
    const { metafile } = await esbuild.build({
      entryPoints,
      bundle: true,
      write: false,
      outdir: join(folder, "out"),
      platform: "node",
      format: "esm",
      splitting: true,
      target: "node20",
      metafile: true,
      external: peers.flatMap((name) => [name, `${name}/*`]),
      logLevel: "silent",
    });
    const others = Object.entries(metafile.inputs).flatMap(([file, { imports }]) =>
      imports
        // (`<runtime>` is what esbuild adds here for threads, which hand their `require` on.)
        .filter(({ external, path }) => external === true && !isBuiltin(path))
        .filter(({ path }) => path !== "node:sqlite" && path !== "<runtime>")
        // An optional peer is asked for when it is needed, and may be missing.
        .filter(
          ({ kind, path }) =>
            !(
              kind === "dynamic-import" && peers.some((name) => path === name || path.startsWith(`${name}/`))
            ),
        )
        .map(({ path }) => `${file}: ${path}`),
    );
    expect(others).toEqual([]);
  });

  test("takes less than 7 MB", () => {
    const bytes = packed.reduce((sum, { size }) => sum + size, 0);
    expect(bytes).toBeLessThan(7_000_000);
    expect(bytes).toBeGreaterThan(4_000_000);
  });

  test("says what to install for data that other packages read", async () => {
    writeFileSync(join(folder, "x.parquet"), "PAR1....PAR1");
    for (const [data, install] of [
      ["x.parquet", "npm install hyparquet hyparquet-compressors"],
      ["duckdb:x.db", "npm install @duckdb/node-api"],
      ["postgres://x/y", "npm install pg pg-copy-streams"],
    ] as const)
      await expect(goml("train", data)).rejects.toMatchObject({
        code: 3,
        stderr: expect.stringMatching(new RegExp(`^goml: ${data}: [^\\n]*\\nhint: ${install}\\n$`)),
      });
  });

  test("says how to install what knows GPUs", async () => {
    const { stdout } = await goml("graph", "--devices");
    expect(stdout).toBe("no GPU: the package webgpu is not installed\nhint: npm install webgpu\n");
    await expect(goml("graph", "--example", "network", "--run", "--device", "gpu")).rejects.toMatchObject({
      code: 3,
      stderr: "goml: no GPU: the package webgpu is not installed\nhint: npm install webgpu\n",
    });
    const program = `import { openGpu } from "goml/webgpu"; await openGpu().catch((error) => console.log(error.hint));`;
    const own = await inside(process.execPath, "--input-type=module", "-e", program);
    expect(own.stdout).toBe("npm install webgpu\n");
  });

  test("says what to install for pictures that go into a network", async () => {
    const pixels = valueProto("x", [1, 3, "h", "w"]);
    const nodes = [nodeProto("Relu", ["x"], ["y"])];
    writeFileSync(
      join(folder, "net.onnx"),
      modelProto({ inputs: [pixels], outputs: [valueProto("y", [1, 3, "h", "w"])], nodes }),
    );
    const kinds = [
      ["photo.png", [0x89, 0x50, 0x4e, 0x47], "a PNG image", "fast-png"],
      ["photo.jpg", [0xff, 0xd8, 0xff, 0xe0], "a JPEG image", "jpeg-js"],
    ] as const;
    for (const [file, bytes, kind, name] of kinds) {
      writeFileSync(join(folder, file), Uint8Array.from(bytes));
      await expect(goml("graph", "net.onnx", "--run", "--input", `x=@${file}`)).rejects.toMatchObject({
        code: 3,
        stderr: `goml: ${file}: this is ${kind}, for which a package is not installed\nhint: npm install ${name}\n`,
      });
    }
  });

  test("goml serve answers", async () => {
    await goml("train", "boston.csv", "-q", "-m", "served.json");
    const child = spawn(join(folder, "node_modules/.bin/goml"), ["serve", "served.json", "--port", "0"], {
      cwd: folder,
      stdio: ["ignore", "pipe", "inherit"],
    });
    let log = "";
    const url = await new Promise<string>((resolve, reject) => {
      child.stdout.on("data", (chunk) => {
        log += chunk;
        const [, found] = /"urls":\["([^"]+)"/.exec(log) ?? [];
        if (found !== undefined) resolve(found);
      });
      child.on("exit", () => reject(new Error(log)));
    });
    const { models } = (await (await fetch(`${url}/v2/models`)).json()) as { models: string[] };
    expect(models).toEqual(["served"]);
    child.kill("SIGTERM");
    expect(await new Promise((resolve) => child.on("exit", resolve))).toBe(0);
  });

  test("goml trains, predicts the same serial and concurrent, and evaluates", async () => {
    expect((await goml("--version")).stdout).toBe(`${manifest.version}\n`);
    const { stdout: summary } = await goml("train", "boston.csv");
    expect(summary).toContain("(Intercept)   36.4594884");
    const serial = await goml("predict");
    const concurrent = await goml("predict", "--concurrent");
    expect(concurrent.stdout).toBe(serial.stdout);
    expect(serial.stdout.split("\n").length).toBe(508);
    await goml("evaluate", "boston.csv", "--max-rmse", "5");
  });

  test("goml benches on the data that it brings along", async () => {
    const { stdout } = await goml("bench", "--quick", "--format", "github");
    expect(JSON.parse(stdout).length).toBeGreaterThan(10);
  });

  test("the library can be imported, threads included", async () => {
    writeFileSync(
      join(folder, "use.js"),
      `import { fit, fitCsv, LinearModel, Moments, version } from "goml";
       const { model } = await fitCsv("boston.csv");
       const X = new Float64Array(new SharedArrayBuffer(8 * 13 * 20000)).fill(2);
       const serial = model.predict(X);
       const concurrent = await model.predictConcurrent(X, { threads: 2 });
       const again = LinearModel.fromJSON(JSON.parse(JSON.stringify(model)));
       const small = fit([[1], [2], [3]], [1, 2, 4]);
       console.log(JSON.stringify({
         version,
         same: serial.every((v, i) => v === concurrent[i] && v === again.predict(X.subarray(0, 13))[0]),
         slope: small.coefficients[1],
         moments: typeof Moments,
       }));`,
    );
    const { stdout } = await inside(process.execPath, "use.js");
    expect(JSON.parse(stdout)).toEqual({
      version: manifest.version,
      same: true,
      slope: expect.closeTo(1.5, 14),
      moments: "function",
    });
  });

  test("its types hold in a strict TypeScript project, and refuse what is wrong", async () => {
    writeFileSync(
      join(folder, "use.ts"),
      `import type * as machine from "goml/machine";
       import type * as onnx from "goml/onnx";
       import type * as predict from "goml/predict";
       import { fit, fitCsv, LinearModel, predictConcurrent, type CsvFit, type FitOptions, type Summary } from "goml";
       const options: FitOptions = { intercept: false };
       const model: LinearModel = fit(new Float64Array(4), [1, 2], options);
       const summary: Summary = model.summary(0.9);
       const p: number = summary.coefficients[0]!.p + summary.fit.aicExtract;
       const out: Promise<Float64Array> = predictConcurrent(model, [[p, 1]], {
         threads: 2, signal: new AbortController().signal, out: new Float64Array(1),
       });
       const csv: Promise<CsvFit> = fitCsv("x.csv", { testSize: 0.2, target: "y" });
       export { out, csv };
       export type Others = [typeof machine, typeof onnx, typeof predict];
       // @ts-expect-error y is no text
       fit([[1]], "y");
       // @ts-expect-error there is no such option
       fitCsv("x.csv", { traget: "y" });
       // @ts-expect-error models do not change
       model.intercept = true;
      `,
    );
    const tsc = resolve("node_modules/typescript/bin/tsc");
    const types = ["--types", "node", "--typeRoots", resolve("node_modules/@types")];
    const strict = ["--strict", "--exactOptionalPropertyTypes", "--noEmit", "--lib", "es2023"];
    const modules = ["--module", "nodenext", "--target", "es2023"];
    await inside(process.execPath, tsc, ...strict, ...modules, ...types, "use.ts").catch((error) => {
      throw new Error(error.stdout);
    });
  });
});
