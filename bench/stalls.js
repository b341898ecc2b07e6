// The longest stretch in which a command hears no signal, for each of the commands of `signals.js`, by the time in which its
// main thread ran, which other processes do not change: `node bench/stalls.js [--only NAME] [--above 100] [--profile FOLDER]`.
//
// With --profile a CPU profile says which functions such stretches are spent in (read best with a build that is not
// minified); profiling makes them longer.
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { bin, cases } from "./signal-cases.js";

const monitor = fileURLToPath(new URL("stall-monitor.js", import.meta.url));

const { values: flags } = parseArgs({
  options: {
    only: { type: "string" },
    above: { type: "string", default: "100" },
    profile: { type: "boolean", default: false },
  },
});
const above = Number(flags.above);

/** Runs a command to its end; gives its longest stretches and, profiled, what they were spent in. */
function measure(one) {
  const folder = mkdtempSync(join(tmpdir(), "goml-stalls-"));
  try {
    for (const [name, from] of Object.entries(one.copies ?? {})) cpSync(from, join(folder, name));
    const profiles = join(folder, "profiles");
    const { status } = spawnSync(
      process.execPath,
      [
        "--import",
        monitor,
        ...(flags.profile ? ["--cpu-prof", "--cpu-prof-dir", profiles] : []),
        bin,
        ...one.args,
      ],
      {
        cwd: folder,
        stdio: [one.input ? openSync(one.input) : "ignore", "ignore", "ignore"],
        env: { ...process.env, GOML_STALLS: join(folder, "stalls") },
        ...(one.serves && { timeout: one.serves }),
      },
    );
    const { longest } = JSON.parse(readFileSync(join(folder, "stalls"), "utf8"));
    return { status, longest, profile: flags.profile ? mainProfile(profiles) : undefined };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The profile of the main thread, whose file names it 0. */
function mainProfile(folder) {
  const name = readdirSync(folder).find((one) => /^CPU\.\d+\.\d+\.\d+\.0\./.test(one));
  return JSON.parse(readFileSync(join(folder, name), "utf8"));
}

/** The functions that a stretch is spent in, with the share of each: own time, and under what. */
function within({ nodes, samples, timeDeltas, startTime }, { from, to }) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])));
  const counts = new Map();
  let at = startTime;
  let total = 0;
  samples.forEach((id, i) => {
    at += timeDeltas[i];
    if (at < from * 1000 || at > to * 1000) return;
    const names = [];
    for (let node = id; node !== undefined && names.length < 6; node = parents.get(node))
      names.push(byId.get(node).callFrame.functionName || "(anonymous)");
    const stack = names.join(" < ");
    counts.set(stack, (counts.get(stack) ?? 0) + timeDeltas[i]);
    total += timeDeltas[i];
  });
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .slice(0, 6)
    .map(([stack, time]) => `${((100 * time) / total).toFixed(0).padStart(4)} % ${stack}`);
}

let bad = 0;
for (const one of cases()) {
  if (flags.only !== undefined && !one.name.includes(flags.only)) continue;
  const { status, longest, profile } = measure(one);
  const most = longest[0]?.cpu ?? 0;
  if (most > above) bad++;
  process.stdout.write(
    `${one.name.padEnd(44)} ${String(status).padStart(5)} ${longest.map(({ cpu }) => cpu.toFixed(0).padStart(5)).join("")}\n`,
  );
  for (const stretch of longest) {
    if (stretch.cpu <= above && stretch.wall <= 4 * above) continue;
    if (stretch.cpu <= above) process.stdout.write(`  waited ${stretch.wall.toFixed(0)} ms by the clock\n`);
    if (profile !== undefined && stretch.cpu > above)
      process.stdout.write(
        `  ${stretch.cpu.toFixed(0)} ms:\n    ${within(profile, stretch).join("\n    ")}\n`,
      );
  }
}
process.stdout.write(`\n${bad} commands with a stretch above ${above} ms\n`);
if (bad > 0) process.exitCode = 1;
