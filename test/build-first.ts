import { execFileSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";

/** Tests run the built command and its workers: builds where a source is newer than the last build. */
export function setup(): void {
  const newest = ["src", "scripts"]
    .flatMap((folder) =>
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => statSync(`${entry.parentPath}/${entry.name}`).mtimeMs),
    )
    .reduce((a, b) => Math.max(a, b));
  // What the build writes last.
  const built = statSync("dist/THIRD-PARTY-NOTICES.txt", { throwIfNoEntry: false });
  if (built === undefined || built.mtimeMs < newest)
    execFileSync("npm", ["run", "--silent", "build"], { stdio: "inherit" });
}
