// The whole check, as CI runs it: types, lint, build, tests, the packed package; where nothing is installed yet, that first.
// Ends with one line: N passed, N failed.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const report = join(tmpdir(), `goml-tests-${process.pid}.json`);
let passed = 0;
let failed = 0;

const step = (name, command, args) => {
  process.stdout.write(`\n== ${name}\n`);
  const ok = spawnSync(command, args, { stdio: "inherit", shell: false }).status === 0;
  if (ok) passed++;
  else failed++;
  if (!ok) process.stdout.write(`FAILED: ${name}\n`);
  return ok;
};
const npm = (name, ...args) => step(name, "npm", args);
const npx = (name, ...args) => step(name, "npx", ["--no-install", ...args]);

// The package has all that a CPU needs; its install script would download what only some GPUs use.
process.env.ONNXRUNTIME_NODE_INSTALL ??= "skip";
const installed = existsSync("node_modules/vitest") || npm("install", "ci", "--ignore-scripts");
if (installed && npm("build", "run", "--silent", "build")) {
  npx("types", "tsc", "--noEmit", "-p", "tsconfig.test.json");
  npx("lint", "biome", "ci", ".");
  npx("unused files, exports and dependencies", "knip");
  npx("package manifest", "publint", "--strict");
  npx(
    "package types",
    "attw",
    "--pack",
    ".",
    "--profile",
    "esm-only",
    "--exclude-entrypoints",
    "ranks.proto",
    "--quiet",
  );
  process.stdout.write("\n== tests\n");
  const run = spawnSync(
    "npx",
    ["--no-install", "vitest", "run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`],
    { stdio: "inherit" },
  );
  try {
    const result = JSON.parse(readFileSync(report, "utf8"));
    passed += result.numPassedTests;
    failed +=
      result.numFailedTests +
      result.testResults.filter((f) => f.status === "failed" && f.assertionResults.length === 0).length;
    if (run.status !== 0 && result.numFailedTests === 0) failed++;
  } catch {
    failed++;
  }
  rmSync(report, { force: true });
}

process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
