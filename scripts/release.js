// A release, from a clean checkout of its tag: what is installed is what the lock file says and what the registry has
// signed, all tests pass, and what is packed carries the list of what is in it. Without --publish nothing leaves the
// machine. With it npm publishes the very file that was checked, with provenance: a statement, signed by the CI that
// runs this and kept in a public log, of the commit and the workflow that the file was made by.
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const publish = process.argv.includes("--publish");
const { name, version } = JSON.parse(readFileSync("package.json", "utf8"));
const output = (command, ...args) => execFileSync(command, args, { encoding: "utf8" }).trim();

function refuse(reason) {
  process.stderr.write(`not released: ${reason}\n`);
  process.exit(1);
}

function step(what, command, ...args) {
  process.stdout.write(`\n== ${what}: ${[command, ...args].join(" ")}\n`);
  if (spawnSync(command, args, { stdio: "inherit" }).status !== 0) refuse(`${what} failed`);
}

if (output("git", "status", "--porcelain") !== "")
  refuse("the working tree has changes that are in no commit");
const tags = output("git", "tag", "--points-at", "HEAD").split("\n");
if (!tags.includes(`v${version}`)) refuse(`this commit has no tag v${version}`);
if (!readFileSync("CHANGELOG.md", "utf8").includes(`\n## ${version}`))
  refuse(`CHANGELOG.md has no section ${version}`);
// Where the statement comes from; without it npm would publish nothing, after all the work.
if (
  publish &&
  process.env.ACTIONS_ID_TOKEN_REQUEST_URL === undefined &&
  process.env.SIGSTORE_ID_TOKEN === undefined
)
  refuse("provenance is signed by a CI with an identity (id-token: write), which this is not");

step("what is installed is what the lock file says", "npm", "ci");
step("its signatures", "npm", "audit", "signatures");
step("known holes in it", "npm", "audit", "--audit-level", "high");
step("tests", "npm", "test");
step("build", "npm", "run", "--silent", "build");
step("bill of materials", process.execPath, "scripts/sbom.js");
process.stdout.write("\n== pack\n");
const [{ filename, size, entryCount }] = JSON.parse(output("npm", "pack", "--json", "--ignore-scripts"));
const digest = createHash("sha512").update(readFileSync(filename)).digest("base64");
process.stdout.write(`${filename}: ${entryCount} files, ${size} bytes, sha512-${digest}\n`);
if (publish) step("publish", "npm", "publish", "--provenance", "--access", "public", `./${filename}`);
else process.stdout.write(`checked and not published: ${name}@${version}\n`);
