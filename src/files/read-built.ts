import { readFileSync } from "node:fs";
import { builtFile } from "./built-file.js";

/** The bytes of a `builtFile`. In the one-file executable another module stands in for this one (src/cli/binary). */
export function readBuilt(path: string): Buffer {
  return readFileSync(builtFile(path));
}
