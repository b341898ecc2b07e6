// What starting costs: the one-file executable beside node and the package, in turn, CPU time and wall.
// Usage: node bench/binary.js [--rounds 15] [executable]   (npm run build:binary makes dist/binary/goml)
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({
  options: { rounds: { type: "string", default: "15" } },
  allowPositionals: true,
});
const executable = resolve(positionals[0] ?? "dist/binary/goml");
if (!existsSync(executable)) throw new Error(`no ${executable}: npm run build:binary`);
const folder = mkdtempSync(join(tmpdir(), "goml-binary-"));
const data = resolve("data/boston.csv");
const quiet = (...args) => ["-q", ...args];
const cases = {
  "node on an empty file": [[process.execPath, "-e", ""]],
  "--version": [
    [process.execPath, "bin/goml.js", "--version"],
    [executable, "--version"],
  ],
  "train boston.csv": [
    [process.execPath, "bin/goml.js", ...["train", data], ...quiet("-m", join(folder, "a.json"))],
    [executable, ...["train", data], ...quiet("-m", join(folder, "b.json"))],
  ],
  "predict boston.csv": [
    [process.execPath, "bin/goml.js", "predict", data, "-m", join(folder, "a.json")],
    [executable, "predict", data, "-m", join(folder, "b.json")],
  ],
};

/** CPU time of a process and its children, and wall time, in milliseconds. */
function cost([command, ...args]) {
  const script = 'TIMEFORMAT="%U %S"; time "$0" "$@" > /dev/null 2>&1';
  const start = performance.now();
  const { stderr } = spawnSync("bash", ["-c", script, command, ...args], { encoding: "utf8" });
  const [user, system] = stderr.trim().split(/\s+/).slice(-2).map(Number);
  return { cpu: 1000 * (user + system), wall: performance.now() - start };
}
const middle = (list) => list.sort((a, b) => a - b)[list.length >> 1];
const least = (list) => Math.min(...list);
console.log(
  `${"".padEnd(24)}${["node: CPU (least)", "wall (least)", "executable: CPU (least)", "wall (least)", "CPU ratio"].map((text) => text.padStart(25)).join("")}`,
);
for (const [name, commands] of Object.entries(cases)) {
  const all = commands.map(() => []);
  for (let round = 0; round <= Number(values.rounds); round++)
    for (const [i, command] of commands.entries()) {
      const one = cost(command);
      // The first keeps the code.
      if (round > 0) all[i].push(one);
    }
  const cells = all.flatMap((runs) =>
    ["cpu", "wall"].map((what) => {
      const list = runs.map((run) => run[what]);
      return `${middle(list).toFixed(0)} (${least(list).toFixed(0)})`;
    }),
  );
  const [a, b] = all.map((runs) => middle(runs.map(({ cpu }) => cpu)));
  if (b !== undefined) cells.push((b / a).toFixed(2));
  console.log(`${name.padEnd(24)}${cells.map((cell) => cell.padStart(25)).join("")}`);
}
rmSync(folder, { recursive: true });
