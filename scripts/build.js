// Builds dist/: the kernels (AssemblyScript to WebAssembly), the library with its types (tsc),
// and the bundles of the command and its worker threads (esbuild), which start faster than many files.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const require = createRequire(import.meta.url);
const bin = (pkg, name) => {
  const manifest = require.resolve(`${pkg}/package.json`);
  const { bin } = require(manifest);
  return fileURLToPath(new URL(typeof bin === "string" ? bin : bin[name], `file://${manifest}`));
};
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
  legalComments: "none",
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
  logLevel: "warning",
};
if (existsSync("src/cli/main.ts")) {
  await build({ ...common, entryPoints: ["src/cli/main.ts"], splitting: true, chunkNames: "chunk-[hash]" });
}
// The special functions are three small modules that come with 220 packages; inside this file users are spared them.
await build({
  ...common,
  banner: {},
  minify: true,
  legalComments: "eof",
  entryPoints: ["src/stats/distributions.ts"],
  outdir: "dist/stats",
});
for (const entry of workers) await build({ ...common, entryPoints: [entry], entryNames: "[name]" });
