// Builds dist/: the kernels (AssemblyScript to WebAssembly), the library with its types (tsc),
// and the bundles of the command and its worker threads (esbuild), which start faster than many files.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { bundledPackages, writeNotices } from "./notices.js";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const require = createRequire(import.meta.url);
const bin = (pkg, name) => {
  const manifest = require.resolve(`${pkg}/package.json`);
  const { bin } = require(manifest);
  return fileURLToPath(new URL(typeof bin === "string" ? bin : bin[name], `file://${manifest}`));
};
const metafiles = [];
const build = async (options) => {
  const { metafile } = await esbuild.build(options);
  metafiles.push(metafile);
  return metafile;
};
const node = (script, args) => execFileSync(process.execPath, [script, ...args], { stdio: "inherit" });

rmSync("dist", { recursive: true, force: true });
mkdirSync("dist/kernels", { recursive: true });

// Those of dense systems and of tensors are files of their own: their memory is shared by threads. To compile them is
// most of a build, so what came of the same sources is kept beside other tools' caches.
const sources = "src/kernels/assembly";
const hash = createHash("sha256").update(require("assemblyscript/package.json").version);
for (const name of readdirSync(sources, { recursive: true }).map(String).sort())
  if (/\.(ts|json)$/.test(name)) hash.update(`${name}\n`).update(readFileSync(`${sources}/${name}`));
const cache = `node_modules/.cache/goml/${hash.digest("hex")}`;
mkdirSync(cache, { recursive: true });
for (const [folder, name] of [
  [sources, "kernels"],
  [`${sources}/dense`, "dense"],
  [`${sources}/tensor`, "tensor"],
]) {
  const kept = `${cache}/${name}.wasm`;
  if (!existsSync(kept)) {
    const own = `${kept}.${process.pid}`;
    node(bin("assemblyscript", "asc"), [
      `${folder}/index.ts`,
      "--config",
      `${folder}/asconfig.json`,
      "--outFile",
      own,
    ]);
    // Whole or not at all, also where builds run side by side.
    renameSync(own, kept);
  }
  copyFileSync(kept, `dist/kernels/${name}.wasm`);
}

node(bin("typescript", "tsc"), ["-p", "tsconfig.json"]);

// The model file's JSON Schema, for other programs.
const { documentSchema } = await import("../dist/linear/model/document-schema.js");
writeFileSync("dist/model.schema.json", `${JSON.stringify(documentSchema, null, 2)}\n`);

// The page of goml serve is sent as it is written.
mkdirSync("dist/page", { recursive: true });
for (const file of readdirSync("src/serve/page")) copyFileSync(`src/serve/page/${file}`, `dist/page/${file}`);

// Every worker entry is a file src/<room>/<name>-worker.ts and lands in dist/bundle/<name>-worker.js.
const workers = readdirSync("src", { recursive: true })
  .map(String)
  .filter((file) => file.endsWith("-worker.ts"))
  .map((file) => `src/${file}`);
// What users install beside goml where they need it.
const optional = [
  "hyparquet",
  "hyparquet/*",
  "hyparquet-compressors",
  "hyparquet-writer",
  "aws4fetch",
  "fast-png",
  "fzstd",
  "jpeg-js",
  "@duckdb/node-api",
  "@resvg/resvg-js",
  "node-sqlite3-wasm",
  "pg",
  "pg-copy-streams",
  "@grpc/grpc-js",
];
const common = {
  bundle: true,
  external: optional,
  platform: "node",
  target: "node20.19",
  minify: true,
  metafile: true,
  legalComments: "none",
  logLevel: "warning",
  // Bundled from its sources, of which solving needs few: the package's one file of all took a third of the time of
  // goml train on a small file.
  alias: { "ml-matrix": resolve("node_modules/ml-matrix/src/index.js") },
};
// Bundles are CommonJS: Node's loader of modules takes 5 ms more for a thread, and the command's are kept as V8's code.
const commonJs = {
  ...common,
  format: "cjs",
  outdir: "dist/bundle",
  define: { "import.meta.url": "__url" },
  banner: { js: 'const __url = require("node:url").pathToFileURL(__filename).href;' },
};
const modules = {
  ...common,
  format: "esm",
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
};
// pino names the folder of its own file, to find what only transports need.
const folderOfModule =
  'import { fileURLToPath as __fileURLToPath } from "node:url"; const __dirname = __fileURLToPath(new URL(".", import.meta.url));';
// The command: a file that knows the syntax of all commands, one for what each command does, whole in itself, and one for
// what is known of the terminal, of which there is one in a process. Few files open much faster than the twenty that splitting would make.
// Every command has a folder src/cli/commands/<name>, with its syntax and what it does when it runs.
const commands = readdirSync("src/cli/commands");
const bundles = {
  program: "src/cli/program/program.ts",
  colour: "src/cli/render/colour.ts",
  chalk: "src/cli/render/chalk.ts",
  ...Object.fromEntries(commands.map((name) => [name, `src/cli/commands/${name}/run.ts`])),
};
// What is rarely needed stays out until it is: modules of ours as tsc made them, which
// must exchange nothing but plain values with the bundle, for its classes are not theirs.
const rarely = /^\.{1,2}\/(?:.*\/)?(csv-parse|read-design|qr|solve-by-descent|to-graph|serve\/index)\.js$/;
const apart = {
  name: "files of their own",
  setup: (b) =>
    b.onResolve({ filter: /^\.{1,2}\// }, ({ kind, path, importer }) => {
      if (kind === "entry-point") return undefined;
      const file = relative("src", resolve(dirname(importer), path));
      const source = `src/${file.replace(/\.js$/, ".ts")}`;
      if (kind !== "dynamic-import" && source !== bundles.colour) return undefined;
      if (rarely.test(path)) return { path: `../${file}`, external: true };
      const bundle = Object.keys(bundles).find((name) => bundles[name] === source);
      return bundle && { path: `./${bundle}.js`, external: true };
    }),
};
const command = await build({ ...commonJs, entryPoints: bundles, plugins: [apart] });
// Scripts that V8 has code of cannot import: what loads them (src/cli/program/code-cache.ts) does it for them.
const identity = createHash("sha256");
for (const [file, { imports }] of Object.entries(command.outputs)) {
  let imported = 0;
  const text = readFileSync(file, "utf8").replace(/\bimport\(/g, () => {
    imported++;
    return "__import(";
  });
  const expected = new Set(imports.filter(({ kind }) => kind === "dynamic-import").map(({ path }) => path));
  if (imported < expected.size) throw new Error(`${file}: ${imported} imports, expected ${expected.size}`);
  writeFileSync(file, text);
  identity.update(text);
}
await build({
  ...commonJs,
  entryPoints: { start: "src/cli/program/start.ts" },
  define: { ...commonJs.define, __BUILD__: JSON.stringify(identity.digest("hex").slice(0, 16)) },
});
writeFileSync("dist/bundle/package.json", '{ "type": "commonjs" }\n');
// Others' packages are inside files of ours: users have what was tested here, whatever versions are newest on the day of
// their install, and are spared the rest. (The special functions are three small modules that come with 220 packages,
// ml-matrix's decompositions are a small part of one large file, Fastify of 44 packages.)
for (const file of ["stats/distributions", "linear/solve/ml-matrix", "csv/csv-parse", "serve/fastify"])
  await build({
    ...modules,
    banner: /csv-parse|fastify/.test(file) ? { js: `${modules.banner.js}${folderOfModule}` } : {},
    entryPoints: [`src/${file}.ts`],
    outdir: `dist/${dirname(file)}`,
  });
for (const entry of workers) await build({ ...commonJs, entryPoints: [entry], entryNames: "[name]" });
writeFileSync("dist/bundled-packages.json", `${JSON.stringify(bundledPackages(metafiles), null, 2)}\n`);
writeNotices(metafiles, "dist/THIRD-PARTY-NOTICES.txt");
node("scripts/man.js", []);
