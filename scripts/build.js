// Builds dist/: the kernels (AssemblyScript to WebAssembly), the library with its types (tsc),
// and the bundles of the command and its worker threads (esbuild), which start faster than many files.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { writeNotices } from "./notices.js";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const require = createRequire(import.meta.url);
const bin = (pkg, name) => {
  const manifest = require.resolve(`${pkg}/package.json`);
  const { bin } = require(manifest);
  return fileURLToPath(new URL(typeof bin === "string" ? bin : bin[name], `file://${manifest}`));
};
const metafiles = [];
const build = async (options) => metafiles.push((await esbuild.build(options)).metafile);
const node = (script, args) => execFileSync(process.execPath, [script, ...args], { stdio: "inherit" });

rmSync("dist", { recursive: true, force: true });
mkdirSync("dist/kernels", { recursive: true });

if (existsSync("src/kernels/assembly/index.ts")) {
  node(bin("assemblyscript", "asc"), [
    "src/kernels/assembly/index.ts",
    "--config",
    "src/kernels/assembly/asconfig.json",
    "--outFile",
    "dist/kernels/kernels.wasm",
  ]);
}

node(bin("typescript", "tsc"), ["-p", "tsconfig.json"]);

// Every worker entry is a file src/<room>/<name>-worker.ts and lands in dist/bundle/<name>-worker.js.
const workers = readdirSync("src", { recursive: true })
  .map(String)
  .filter((file) => file.endsWith("-worker.ts"))
  .map((file) => `src/${file}`);
const common = {
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  outdir: "dist/bundle",
  minify: true,
  metafile: true,
  legalComments: "none",
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
  logLevel: "warning",
};
// The command is two files: a small one that knows the version, and everything else. One file opens much faster than
// the twenty that splitting would make of it; what is rarely needed stays in node_modules until it is.
await build({
  ...common,
  entryPoints: ["src/cli/main.ts", "src/cli/program.ts"],
  plugins: [
    {
      name: "program and serve apart",
      // Serving stays what tsc made of it, dist/serve, with Fastify in node_modules.
      setup: (b) =>
        b.onResolve({ filter: /^(\.\/program|\.\.\/serve\/index)\.js$/ }, ({ kind, path }) =>
          kind === "dynamic-import" ? { path, external: true } : undefined,
        ),
    },
  ],
});
// The special functions are three small modules that come with 220 packages; inside this file users are spared them.
await build({
  ...common,
  banner: {},
  entryPoints: ["src/stats/distributions.ts"],
  outdir: "dist/stats",
});
for (const entry of workers) await build({ ...common, entryPoints: [entry], entryNames: "[name]" });
writeNotices(metafiles, "dist/THIRD-PARTY-NOTICES.txt");
