import { closeSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { Script } from "node:vm";
import { scriptOf } from "./pieces.js";

/** Put in by the build, for each thread: where its pieces are. */
declare const __PLACES__: readonly number[];

// The entry of a thread: its script is made of pieces that it shares with the commands.
const file = openSync(join(__dirname, "pieces.js"), "r");
const script = scriptOf(__PLACES__, (to, at, length, from) => readSync(file, to, at, length, from), [
  "(function (require, __filename, __import) {",
  "\n})",
]);
closeSync(file);
const wrapped = new Script(script, { filename: __filename });
wrapped.runInThisContext()(require, __filename, (id: string) =>
  id.startsWith("node:") ? Promise.resolve(require(id)) : import(id),
);
