import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { version } from "../../version.js";
import { BundleLoader, codeFolder } from "../program/code-cache.js";
import { end } from "../program/end.js";
import { type Places, scriptOf } from "../program/pieces.js";
import type { runProgram } from "../program/program.js";
import { asset, assetText } from "./asset.js";

/** Put in by the build: a hash of the bundles. */
declare const __BUILD__: string;

/** The entry of the one-file executable: `start` of what is in it. */
async function main(argv: string[]): Promise<number> {
  if (argv.length === 1 && (argv[0] === "--version" || argv[0] === "-V")) {
    process.stdout.write(`${version}\n`);
    return 0;
  }
  // What is not in it, for it has machine code, is looked for beside the executable.
  const folder = join(dirname(process.execPath), "goml", "dist", "bundle");
  const beside = createRequire(join(folder, "bundle.js"));
  const places: Places = JSON.parse(assetText("bundle/pieces.json"));
  const pieces = asset("bundle/pieces.js");
  const loader = new BundleLoader({
    folder,
    // The build gathers code there, which then is in the executable.
    kept: process.env.NODE_COMPILE_CACHE ? codeFolder(folder, __BUILD__) : undefined,
    require: beside,
    importModule: async (id) => beside(id),
    text: (name, around) => {
      const own = places[name.slice(0, -".js".length)];
      if (own === undefined) return around.join(assetText(`bundle/${name}`));
      return scriptOf(own, (to, at, length, from) => pieces.copy(to, at, from, from + length), around);
    },
    code: (name) => {
      try {
        return asset(`code/${name}`);
      } catch {
        return undefined;
      }
    },
  });
  const program = loader.load("program.js") as { runProgram: typeof runProgram };
  const code = await program.runProgram(argv);
  if (code === 0) loader.keep();
  return code;
}

main(process.argv.slice(2)).then(end);
