import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { version } from "../../version.js";
import { BundleLoader, codeFolder } from "./code-cache.js";
import { type Places, scriptOf } from "./pieces.js";
import type { runProgram } from "./program.js";

/** Put in by the build: a hash of the bundles. */
declare const __BUILD__: string;

/**
 * Runs the command with its arguments (those after `goml`) and gives the exit code. All but the version is in other
 * bundles, so that `goml --version` starts about as fast as node itself.
 */
export async function start(argv: string[]): Promise<number> {
  if (argv.length === 1 && (argv[0] === "--version" || argv[0] === "-V")) {
    process.stdout.write(`${version}\n`);
    return 0;
  }
  const folder = fileURLToPath(new URL(".", import.meta.url));
  const loader = new BundleLoader({
    folder,
    kept: codeFolder(folder, __BUILD__),
    importModule: (id) => import(id),
    text: bundlesIn(folder),
  });
  const program = loader.load("program.js") as { runProgram: typeof runProgram };
  const code = await program.runProgram(argv);
  if (code === 0) loader.keep();
  return code;
}

/** The texts of the bundles in a folder: of pieces, and the few that are files. */
function bundlesIn(folder: string): (name: string) => string {
  const text = (name: string) => readFileSync(join(folder, name), "latin1");
  const places: Places = JSON.parse(text("pieces.json"));
  return (name) => {
    const own = places[name.slice(0, -".js".length)];
    if (own === undefined) return text(name);
    const file = openSync(join(folder, "pieces.js"), "r");
    try {
      return scriptOf(own, (to, at, length, from) => readSync(file, to, at, length, from));
    } finally {
      closeSync(file);
    }
  };
}
