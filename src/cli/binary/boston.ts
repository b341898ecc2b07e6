import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asset } from "./asset.js";

/** The data set that is in the executable, as a file until the process ends. */
export function bostonPath(): string {
  const folder = mkdtempSync(join(tmpdir(), "goml-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "boston.csv");
  writeFileSync(path, asset("boston.csv"));
  return path;
}
