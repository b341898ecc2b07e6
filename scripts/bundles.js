// The bundles of the command and of its threads (esbuild), CommonJS: those of the package, and those of the executable.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import * as esbuild from "esbuild";

/** What users install beside goml where they need it: packages of JavaScript, and those with code of a machine, or of many files. */
export const optional = {
  portable: [
    "hyparquet",
    "hyparquet/*",
    "hyparquet-compressors",
    "hyparquet-writer",
    "aws4fetch",
    "fast-png",
    "fzstd",
    "jpeg-js",
    "pg",
    "pg-copy-streams",
  ],
  native: ["@grpc/grpc-js", "@duckdb/node-api", "@resvg/resvg-js", "node-sqlite3-wasm"],
};

/** What all that is bundled has in common. */
export const common = {
  bundle: true,
  external: [...optional.portable, ...optional.native],
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

// Node's loader of modules takes 5 ms more for a thread, and the command's are kept as V8's code.
const commonJs = {
  ...common,
  format: "cjs",
  define: { "import.meta.url": "__url" },
  banner: { js: 'const __url = require("node:url").pathToFileURL(__filename).href;' },
};

// The command: a file that knows the syntax of all commands, one for what each command does, whole in itself, and one for
// what is known of the terminal, of which there is one in a process. Few files open much faster than the twenty that splitting would make.
// Every command has a folder src/cli/commands/<name>, with its syntax and what it does when it runs.
const bundles = {
  program: "src/cli/program/program.ts",
  colour: "src/cli/render/colour.ts",
  chalk: "src/cli/render/chalk.ts",
  ...Object.fromEntries(
    readdirSync("src/cli/commands").map((name) => [name, `src/cli/commands/${name}/run.ts`]),
  ),
};

// What is rarely needed stays out until it is: modules of ours, which must exchange nothing but plain values with the bundle, for
// its classes are not theirs.
const rarely = {
  "csv-parse": "src/csv/csv-parse.ts",
  "read-design": "src/training/read-design.ts",
  qr: "src/linear/solve/qr.ts",
  "solve-by-descent": "src/training/solve-by-descent.ts",
  "to-graph": "src/linear/model/to-graph.ts",
  "serve-app": "src/serve/index.ts",
};

/** Every worker entry is a file src/<room>/<name>-worker.ts and lands in <name>-worker.js. */
const workers = readdirSync("src", { recursive: true })
  .map(String)
  .filter((file) => file.endsWith("-worker.ts"))
  .map((file) => `src/${file}`);

/**
 * Builds the bundles of the command and its threads to a folder.
 *
 * @param own options of esbuild that differ; `beside`: whether what is rarely needed is bundled too, and not left to modules as
 * tsc makes them; `start`: the file that loads the others; `plugins`
 * @returns what was bundled, for notices
 */
export async function buildBundles(outdir, { beside = false, start, plugins = [], ...own } = {}) {
  const options = { ...commonJs, outdir, ...own };
  const entries = beside ? { ...bundles, ...rarely } : bundles;
  const apart = {
    name: "files of their own",
    setup: (b) =>
      b.onResolve({ filter: /^\.{1,2}\// }, ({ kind, path, importer }) => {
        if (kind === "entry-point") return undefined;
        const file = relative("src", resolve(dirname(importer), path));
        const source = `src/${file.replace(/\.js$/, ".ts")}`;
        if (kind !== "dynamic-import" && source !== bundles.colour) return undefined;
        const bundle = Object.keys(entries).find((name) => entries[name] === source);
        if (bundle !== undefined) return { path: `./${bundle}.js`, external: true };
        return Object.values(rarely).includes(source) ? { path: `../${file}`, external: true } : undefined;
      }),
  };
  const build = async (more) => (await esbuild.build({ ...options, ...more })).metafile;
  const command = await build({ entryPoints: entries, plugins: [...plugins, apart] });
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
  const __BUILD__ = JSON.stringify(identity.digest("hex").slice(0, 16));
  const metafiles = [
    command,
    await build({ entryPoints: { start }, plugins, define: { ...commonJs.define, __BUILD__ } }),
  ];
  for (const entry of workers)
    metafiles.push(await build({ entryPoints: [entry], entryNames: "[name]", plugins }));
  return metafiles;
}
