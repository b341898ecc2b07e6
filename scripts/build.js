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
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { buildBundles, common, rarely } from "./bundles.js";
import { ignoreUnreachable, minifyLibrary } from "./library.js";
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

// What ranks say to each other, for other languages.
copyFileSync("src/ranks/ranks.proto", "dist/ranks.proto");

// The page of goml serve is sent as it is written.
mkdirSync("dist/page", { recursive: true });
for (const file of readdirSync("src/serve/page")) copyFileSync(`src/serve/page/${file}`, `dist/page/${file}`);

const modules = {
  ...common,
  format: "esm",
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url || process.cwd() + "/");',
  },
};
// pino names the folder of its own file, to find what only transports need.
const folderOfModule =
  'import { fileURLToPath as __fileURLToPath } from "node:url"; const __dirname = import.meta.url ? __fileURLToPath(new URL(".", import.meta.url)) : process.cwd();';
metafiles.push(...(await buildBundles("dist/bundle", { start: "src/cli/program/start.ts" })));
writeFileSync("dist/bundle/package.json", '{ "type": "commonjs" }\n');
// Others' packages are inside files of ours: users have what was tested here, whatever versions are newest on the day of
// their install, and are spared the rest. (The special functions are three small modules that come with 220 packages,
// ml-matrix's decompositions are a small part of one large file, Fastify of 44 packages.)
for (const file of ["stats/distributions", "linear/solve/ml-matrix", "csv/csv-parse", "csv/csv-parse-sync"])
  await build({
    ...modules,
    banner: /csv-parse/.test(file) ? { js: `${modules.banner.js}${folderOfModule}` } : {},
    entryPoints: [`src/${file}.ts`],
    outdir: `dist/${dirname(file)}`,
  });
// Fastify is in the package once: the command's scripts require it, modules import it.
writeFileSync("dist/serve/fastify.js", 'export { Fastify, LogController } from "../bundle/fastify.js";\n');
await minifyLibrary();
await ignoreUnreachable(Object.values(rarely).map((file) => file.replace(/^src(.*)ts$/, "dist$1js")));
writeFileSync("dist/bundled-packages.json", `${JSON.stringify(bundledPackages(metafiles), null, 2)}\n`);
writeNotices(metafiles, "dist/THIRD-PARTY-NOTICES.txt");
node("scripts/man.js", []);
