import { closeSync, openSync, readSync } from "node:fs";
import { basename, join } from "node:path";
import { Script } from "node:vm";
import { parentPort } from "node:worker_threads";
import { keepCode, keptCode } from "./code-cache.js";
import { scriptOf } from "./pieces.js";

/** Put in by the build, for each thread: where its pieces are. */
declare const __PLACES__: readonly number[];

// The entry of a thread: its script is made of pieces that it shares with the commands.
const file = openSync(join(__dirname, "pieces.js"), "r");
const text = scriptOf(__PLACES__, (to, at, length, from) => readSync(file, to, at, length, from), [
  "(function (require, __filename, __import) {",
  "\n})",
]);
closeSync(file);
// Where the command keeps V8's code: it says so to the threads that it starts, as an argument.
const folder = process.argv[2];
const path = folder && join(folder, basename(__filename));
const cachedData = path && keptCode(path);
const script = new Script(text, { filename: __filename, ...(cachedData && { cachedData }) });
script.runInThisContext()(require, __filename, async (id: string) =>
  id.startsWith("node:") ? require(id) : import(id),
);
// After the first job: what that took to be compiled is in it.
if (path && cachedData === undefined) {
  const keep = (message: object) => {
    if ("setup" in message) return;
    parentPort?.off("message", keep);
    keepCode(path, script);
  };
  parentPort?.on("message", keep);
}
