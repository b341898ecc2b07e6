// The bundles of the command and of its threads (esbuild), CommonJS: those of the package, and those of the executable.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, relative, resolve } from "node:path";
import * as esbuild from "esbuild";
import { builtinsLater } from "./builtins.js";
import { piecesOf } from "./pieces.js";

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
  native: ["@grpc/grpc-js", "@duckdb/node-api", "@resvg/resvg-js", "node-sqlite3-wasm", "webgpu"],
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

// The command: a script that knows the syntax of all commands, and one for what each command does, whole in itself: one script
// starts much faster than the twenty modules that splitting would make. (Every command has a folder src/cli/commands/<name>, with
// its syntax and what it does when it runs.) What they have in common is written once, in pieces (scripts/pieces.js).
const scripts = {
  program: "src/cli/program/program.ts",
  ...Object.fromEntries(
    readdirSync("src/cli/commands").map((name) => [name, `src/cli/commands/${name}/run.ts`]),
  ),
  // What few ask for, and needs the classes of what it is a part of.
  "graph-on-gpu": "src/cli/commands/graph/on-gpu.ts",
  // Of a quarter of a thousand modules, which Node needs half a second to read one by one.
  "serve-app": "src/serve/index.ts",
};

// What is known of the terminal, of which there is one in a process; and Fastify, which the library takes from the same file.
const colour = "src/cli/render/colour.ts";
const fastify = "src/serve/fastify.ts";
const files = { colour, chalk: "src/cli/render/chalk.ts", fastify };
const apartAlways = [colour, fastify];

// What is rarely needed stays out until it is: modules of ours, which must exchange nothing but plain values with the bundle, for
// its classes are not theirs.
export const rarely = {
  "csv-parse": "src/csv/csv-parse.ts",
  "read-design": "src/training/read-design.ts",
  qr: "src/linear/solve/qr.ts",
  "solve-by-descent": "src/training/solve-by-descent.ts",
  "to-graph": "src/linear/model/to-graph.ts",
};

/** Every worker entry is a file src/<room>/<name>-worker.ts and lands in <name>-worker.js. */
const workers = Object.fromEntries(
  readdirSync("src", { recursive: true })
    .map(String)
    .filter((file) => file.endsWith("-worker.ts"))
    .map((file) => [basename(file, ".ts"), `src/${file}`]),
);

/**
 * Builds the bundles of the command and its threads to a folder.
 *
 * @param own options of esbuild that differ; `beside`: whether what is rarely needed is bundled too, and not left to modules as
 * tsc makes them; `threads`: whether threads are bundles of their own, and not made of the commands' pieces; `start`: the file that
 * loads the others; `plugins`
 * @returns what was bundled, for notices
 */
export async function buildBundles(
  outdir,
  { beside = false, threads = false, start, plugins = [], ...own } = {},
) {
  const options = { ...commonJs, outdir, ...own };
  const build = async (more) => (await esbuild.build({ ...options, ...more })).metafile;
  const made = { ...scripts, ...(beside && rarely) };
  const pieced = threads ? {} : workers;
  const command = await build({ entryPoints: files, plugins: [...plugins, apart(made)] });
  const union = await esbuild.build({
    ...options,
    stdin: { contents: entry(made, pieced), resolveDir: process.cwd(), sourcefile: "entries" },
    // Which names are inside and which at the top is seen by the names; which file a statement is of, by comments.
    minify: false,
    minifyIdentifiers: true,
    minifySyntax: true,
    write: false,
    plugins: [...plugins, apart(made)],
  });
  const identity = createHash("sha256");
  const write = (name, text) => {
    writeFileSync(`${outdir}/${name}`, text);
    identity.update(text);
  };
  for (const [file, { imports }] of Object.entries(command.outputs))
    write(basename(file), ascii(withoutImports(file, readFileSync(file, "utf8"), imports)));
  const { pieces, places } = await layOut(
    piecesOf(
      builtinsLater(withoutImports("pieces", union.outputFiles[0].text, onlyOutput(union).imports)),
      MARK,
      pieced,
    ),
  );
  write("pieces.js", pieces);
  write("pieces.json", JSON.stringify(places));

  const __BUILD__ = JSON.stringify(identity.digest("hex").slice(0, 16));
  const define = { ...commonJs.define, __BUILD__ };
  // Neither asks for its own address.
  const plain = { plugins, banner: {} };
  const metafiles = [command, union.metafile, await build({ entryPoints: { start }, ...plain, define })];
  for (const [name, source] of Object.entries(workers)) {
    const __PLACES__ = JSON.stringify(places[name] ?? []);
    const entryPoints = { [name]: threads ? source : "src/cli/program/thread.ts" };
    const own = threads ? { plugins } : plain;
    metafiles.push(await build({ entryPoints, ...own, define: { ...commonJs.define, __PLACES__ } }));
    const file = `${outdir}/${name}.js`;
    writeFileSync(file, ascii(readFileSync(file, "utf8")));
  }
  return metafiles;
}

const MARK = "__entry";
const onlyOutput = ({ metafile }) => Object.values(metafile.outputs)[0];

/** A module that says what each script exports, and does what threads do when they are loaded. */
const entry = (made, pieced) =>
  [
    ...Object.entries(made).map(
      ([name, file], i) => `import * as it${i} from "./${file}"; ${MARK}("${name}", it${i});`,
    ),
    ...Object.values(pieced).map((file) => `import "./${file}";`),
  ].join("\n");

/** Which imports lead out of a script: to another, to a file of its own, or to a module. What is left is part of it at once. */
function apart(made) {
  const out = { ...made, ...files };
  const sourceOf = (importer, path) =>
    relative(".", resolve(dirname(importer), path))
      .replaceAll("\\", "/")
      .replace(/\.js$/, ".ts");
  const target = (source) => {
    const script = Object.keys(out).find((name) => out[name] === source);
    if (script !== undefined) return `./${script}.js`;
    return Object.values(rarely).includes(source) ? source.replace(/^src(.*)ts$/, "..$1js") : undefined;
  };
  return {
    name: "scripts and modules apart",
    setup(b) {
      // Commander requires it as it loads, for commands that are programs of their own.
      b.onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
        /[\\/]commander[\\/]/.test(importer) ? { path: "child_process", namespace: "later" } : undefined,
      );
      b.onLoad({ filter: /./, namespace: "later" }, () => ({
        contents: `exports.spawn = (...given) => process.getBuiltinModule("node:child_process").spawn(...given);`,
      }));
      b.onResolve({ filter: /^\.{1,2}\// }, ({ kind, path, importer }) => {
        const source = sourceOf(importer, path);
        const leads = kind === "dynamic-import" || (apartAlways.includes(source) && importer !== "entries");
        const external = leads && kind !== "entry-point" ? target(source) : undefined;
        return external && { path: external, external: true };
      });
      // esbuild would make of it, and of all that it imports, functions to call later, which are whole or not there at all.
      b.onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, ({ path }) => {
        const later = [];
        const text = readFileSync(path, "utf8").replace(/await import\(("\.[^"]+")\)/g, (all, id) =>
          target(sourceOf(path, JSON.parse(id))) === undefined ? `__later${later.push(id) - 1}` : all,
        );
        const imports = later.map((id, i) => `\nimport * as __later${i} from ${id};`).join("");
        return { contents: text + imports, loader: "ts" };
      });
    },
  };
}

/** Scripts that V8 has code of cannot import: what loads them (src/cli/program/code-cache.ts) does it for them. */
function withoutImports(file, text, imports) {
  let imported = 0;
  const other = text.replace(/\bimport\(/g, () => {
    imported++;
    return "__import(";
  });
  const expected = new Set(imports.filter(({ kind }) => kind === "dynamic-import").map(({ path }) => path));
  if (imported < expected.size) throw new Error(`${file}: ${imported} imports, expected ${expected.size}`);
  return other;
}

/** A script in which each character is a byte: esbuild leaves those of regular expressions as they are. */
const ascii = (text) =>
  // By units of UTF-16, of which a pair is one character in a regular expression too.
  text.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** One text of all pieces, and where the script of each entry is in it. */
async function layOut(pieces) {
  let text = '"use strict";\n';
  const strict = [0, text.length];
  const places = {};
  for (const piece of pieces) {
    const minified = await esbuild.transform(piece.text, { minifyWhitespace: true, legalComments: "none" });
    const code = ascii(minified.code);
    for (const name of piece.of) {
      places[name] ??= [...strict];
      const mine = places[name];
      // What follows without a gap is read at once.
      if (mine.at(-2) + mine.at(-1) === text.length) mine[mine.length - 1] += code.length;
      else mine.push(text.length, code.length);
    }
    text += code;
  }
  return { pieces: text, places };
}
