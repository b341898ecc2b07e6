// Makes the library's modules small, as tsc wrote them to dist/, and says which of them are no part of the package.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import * as esbuild from "esbuild";

const slashes = (path) => path.replaceAll("\\", "/");
const inDist = (file) => slashes(relative("dist", file));
const modules = () =>
  readdirSync("dist", { recursive: true })
    .map((file) => slashes(String(file)))
    .filter((file) => /\.(js|d\.ts)$/.test(file) && !/^(cli|bundle|page|binary|code)\//.test(file));

/**
 * Takes comments and indentation out of modules: what is for readers is in the declarations. Names stay, and lines are short, so
 * that a stack trace still says where.
 */
export async function minifyLibrary() {
  await Promise.all(
    modules()
      .filter((file) => file.endsWith(".js"))
      .map(async (file) => {
        const path = join("dist", file);
        const { code } = await esbuild.transform(withoutDescriptions(file, readFileSync(path, "utf8")), {
          minifyWhitespace: true,
          lineLimit: 100,
          charset: "utf8",
          legalComments: "none",
        });
        writeFileSync(path, code);
      }),
  );
}

/**
 * Takes descriptions out of a schema, which is a tenth of what a page of the web loads to predict: they are for readers of
 * dist/model.schema.json, and no message has them.
 */
const withoutDescriptions = (file, text) =>
  file.endsWith("-schema.js")
    ? text.replace(/\bdescription:\s*(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|[\s+])+,?/g, "")
    : text;

/**
 * Leaves out of the package (`dist/.npmignore`) what nobody can reach: modules that only the command has, in its own pieces, and
 * declarations that no exported one names.
 *
 * @param own what the command imports
 */
export async function ignoreUnreachable(own) {
  const { exports } = JSON.parse(readFileSync("package.json", "utf8"));
  const entries = Object.values(exports).filter((one) => one.default !== undefined);
  const { metafile } = await esbuild.build({
    entryPoints: [...entries.map((one) => one.default), ...own],
    bundle: true,
    write: false,
    metafile: true,
    splitting: true,
    outdir: "out",
    platform: "node",
    format: "esm",
    packages: "external",
    logLevel: "error",
  });
  const reached = new Set(Object.keys(metafile.inputs).map(inDist));
  for (const file of declarationsFrom(entries.map((one) => one.types))) reached.add(inDist(file));
  const rest = modules().filter((file) => !reached.has(file));
  writeFileSync("dist/.npmignore", rest.map((file) => `/${file}\n`).join(""));
}

/** Declaration files, and all that they name. */
function declarationsFrom(entries) {
  const reached = new Set(entries.map((file) => join(file)));
  for (const file of reached)
    for (const [, path] of readFileSync(file, "utf8").matchAll(/\b(?:from |import\(|import )"(\.[^"]+)"/g)) {
      const other = relative(".", resolve(file, "..", path)).replace(/\.js$/, ".d.ts");
      if (!existsSync(other)) throw new Error(`${file}: ${path} has no declarations`);
      reached.add(other);
    }
  return reached;
}
