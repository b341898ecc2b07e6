import { closeSync, openSync, readFileSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { version } from "../../version.js";
import { BundleLoader, type Bundles, codeFolder } from "./code-cache.js";
import { type Places, scriptOf } from "./pieces.js";
import type { runProgram } from "./program.js";

export { end } from "./end.js";

/** Put in by the build: a hash of the bundles. */
declare const __BUILD__: string;
/** Of the bundle of this file, which is CommonJS. */
declare const require: NodeJS.Require;
declare const __dirname: string;

/**
 * Runs the command with its arguments (those after `goml`) and gives the exit code. All but the version is in other
 * bundles, so that `goml --version` starts about as fast as node itself.
 */
export async function start(argv: string[]): Promise<number> {
  if (argv.length === 1 && (argv[0] === "--version" || argv[0] === "-V")) {
    try {
      writeSync(1, `${version}\n`);
      return 0;
    } catch {
      // The program says what is wrong with standard output.
    }
  }
  const folder = __dirname;
  const kept = codeFolder(folder, __BUILD__);
  // For the threads that it starts (src/parallel/start-thread.ts).
  Object.defineProperty(globalThis, Symbol.for("goml.code"), { value: kept });
  const loader = new BundleLoader({
    folder,
    kept,
    require,
    importModule: (id) => import(id),
    text: bundlesIn(folder),
  });
  const program = loader.load("program.js") as { runProgram: typeof runProgram };
  const code = await program.runProgram(argv);
  if (code === 0) loader.keep();
  return code;
}

/** The texts of the bundles in a folder: of pieces, and the few that are files. */
function bundlesIn(folder: string): Bundles["text"] {
  const text = (name: string) => readFileSync(join(folder, name), "latin1");
  const places: Places = JSON.parse(text("pieces.json"));
  return (name, around) => {
    const own = places[name.slice(0, -".js".length)];
    if (own === undefined) return around.join(text(name));
    const file = openSync(join(folder, "pieces.js"), "r");
    try {
      return scriptOf(own, (to, at, length, from) => readSync(file, to, at, length, from), around);
    } finally {
      closeSync(file);
    }
  };
}
