// How long after a signal a command ends, in every phase: `node bench/signals.js [--only NAME] [--count 20] [--seed 1]`.
//
// Each case is run to its end once, then again with a signal (SIGINT, SIGTERM, SIGHUP by turns) at seeded moments of that
// time. Checked each time: that what the case writes is whole or not there, that no temporary file is left, and that the
// exit code is the signal's. Beside it a process that does nothing gets the same signal: what that takes is the machine's
// share, and is taken off; and on Linux the CPU time that the command takes after the signal is told, for on a busy machine
// that is what says whether it listened. Sizes are such that phases which cannot be ended would show.
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { uniform } from "./generate.js";
import { bin, cases } from "./signal-cases.js";

const CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };
const SIGNALS = Object.keys(CODES);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Runs a command to its end once, then again `count` times with SIGINT at moments spread over that time; gives the moments
 * and the milliseconds from the signal to the end. Throws where it does not end with 130.
 */
export async function signalLatencies([program, ...args], count) {
  const start = () => {
    const child = spawn(program, args, { stdio: "ignore" });
    return { child, end: new Promise((resolve) => child.on("close", resolve)) };
  };
  const began = performance.now();
  await start().end;
  const whole = performance.now() - began;
  const found = [];
  for (let i = 1; i <= count; i++) {
    const { child, end } = start();
    const after = (whole * i) / (count + 1);
    await pause(after);
    if (child.exitCode !== null) break;
    const sent = performance.now();
    child.kill("SIGINT");
    const code = await end;
    if (code === 0) break;
    if (code !== 130) throw new Error(`ended with ${code}, expected 130`);
    found.push({ after, latency: performance.now() - sent });
  }
  return found;
}

/** Milliseconds of CPU time that a process has taken, all threads together, by Linux's 10 ms; undefined where it is gone. */
function cpuOf(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1).split(" ");
    return 10 * (Number(fields[11]) + Number(fields[12]));
  } catch {
    return undefined;
  }
}

/** Starts a command in a folder; `end` gives its exit code or its signal. */
function start(folder, { args, input }) {
  const child = input
    ? spawn("/bin/sh", ["-c", 'exec "$0" "$@" < "$FILE"', process.execPath, bin, ...args], {
        cwd: folder,
        stdio: ["ignore", "ignore", "pipe"],
        env: { ...process.env, FILE: input, NO_COLOR: "1" },
      })
    : spawn(process.execPath, [bin, ...args], {
        cwd: folder,
        stdio: ["ignore", "ignore", "pipe"],
        env: { ...process.env, NO_COLOR: "1" },
      });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr += text;
  });
  return {
    child,
    end: new Promise((resolve) =>
      child.on("close", (code, by) => resolve({ code, by, stderr, at: performance.now() })),
    ),
  };
}

/** A process that waits for a signal, as the command does. */
async function idle() {
  const child = spawn(
    process.execPath,
    [
      "-e",
      'for (const s of ["SIGINT","SIGTERM","SIGHUP"]) process.on(s, () => process.exit(9)); setInterval(() => {}, 1e6); console.log("on")',
    ],
    { stdio: ["ignore", "pipe", "ignore"] },
  );
  await new Promise((resolve) => child.stdout.once("data", resolve));
  return { child, end: new Promise((resolve) => child.on("close", () => resolve(performance.now()))) };
}

const contents = (folder) =>
  Object.fromEntries(
    readdirSync(folder)
      .sort()
      .map((name) => [name, readFileSync(join(folder, name))]),
  );

/** One case: the moments and latencies, and what did not hold. */
async function measure(one, count, draw) {
  const fresh = () => {
    const folder = mkdtempSync(join(tmpdir(), "goml-signals-"));
    for (const [name, from] of Object.entries(one.copies ?? {})) cpSync(from, join(folder, name));
    return folder;
  };
  const first = fresh();
  const before = contents(first);
  const began = performance.now();
  const { child, end } = start(first, one);
  if (one.serves) setTimeout(() => child.kill("SIGTERM"), one.serves);
  const { code, stderr } = await end;
  const takes = performance.now() - began;
  const wanted = "ends" in one ? one.ends : 0;
  if (wanted !== undefined && code !== wanted)
    return { takes, faults: [`undisturbed: ${code} ${stderr.trim()}`], found: [] };
  const after = contents(first);
  rmSync(first, { recursive: true });
  const found = [];
  const faults = [];
  for (let i = 0; i < count; i++) {
    const signal = SIGNALS[i % SIGNALS.length];
    // One in each part of the time, at a place that the seed says.
    const moment = (takes * (i + draw())) / count;
    const folder = fresh();
    const waiting = await idle();
    const run = start(folder, one);
    await pause(moment);
    const used = cpuOf(run.child.pid);
    const sent = performance.now();
    const alive = run.child.kill(signal);
    waiting.child.kill(signal);
    let last = used;
    const watch = setInterval(() => {
      last = cpuOf(run.child.pid) ?? last;
    }, 5);
    const [ended, control] = await Promise.all([run.end, waiting.end]);
    clearInterval(watch);
    const left = contents(folder);
    rmSync(folder, { recursive: true });
    const where = `${signal} after ${moment.toFixed(0)} of ${takes.toFixed(0)} ms`;
    const rightEnd =
      ended.code === CODES[signal] ||
      ended.code === wanted ||
      ended.by === signal ||
      (one.serves && ended.code === 0);
    if (
      !rightEnd ||
      ended.stderr.includes("internal") ||
      (ended.code === CODES[signal] && /goml:/.test(ended.stderr))
    )
      faults.push(`${where}: ended with ${ended.code ?? ended.by} ${ended.stderr.trim().slice(0, 200)}`);
    for (const [name, bytes] of Object.entries(left)) {
      const whole = [before[name], after[name]].some((one) => one?.equals(bytes));
      if (!whole) faults.push(`${where}: left ${name}`);
    }
    for (const name of Object.keys(before)) if (!(name in left)) faults.push(`${where}: took ${name} away`);
    if (alive && ended.code !== wanted)
      found.push({ moment, latency: ended.at - sent, control: control - sent, cpu: last - used });
  }
  return { takes, found, faults };
}

async function report() {
  const { values: flags } = parseArgs({
    options: {
      only: { type: "string" },
      count: { type: "string", default: "12" },
      seed: { type: "string", default: "1" },
    },
  });
  const draw = uniform(Number(flags.seed));
  process.stdout.write(
    `${cpus()[0]?.model.trim()}, ${cpus().length} cores, load ${loadavg()[0].toFixed(1)}, Node ${process.versions.node}, ` +
      `seed ${flags.seed}\nms from the signal to the end, less those of an idle process beside it\n\n` +
      `${"".padEnd(40)} ${"takes".padStart(7)} ${"signals".padStart(7)} ${"median".padStart(7)} ${"most".padStart(7)}\n`,
  );
  const all = [];
  let bad = 0;
  for (const one of cases()) {
    if (flags.only !== undefined && !one.name.includes(flags.only)) continue;
    const { takes, found, faults } = await measure(one, Number(flags.count), draw);
    const own = found.map(({ latency, control }) => Math.max(0, latency - control)).sort((a, b) => a - b);
    all.push(...own);
    const cell = (value) => (value === undefined ? "–" : value.toFixed(0)).padStart(7);
    process.stdout.write(
      `${one.name.padEnd(40)} ${cell(takes)} ${cell(own.length)} ${cell(own[own.length >> 1])} ${cell(own.at(-1))}\n`,
    );
    for (const { moment, latency, control, cpu } of found)
      if (latency - control > 200)
        process.stdout.write(
          `  at ${moment.toFixed(0)}: ${latency.toFixed(0)} ms, idle ${control.toFixed(0)}, CPU ${cpu.toFixed(0)}\n`,
        );
    for (const fault of faults) process.stdout.write(`  ${fault}\n`);
    bad += faults.length;
  }
  all.sort((a, b) => a - b);
  const quantile = (p) => all[Math.min(all.length - 1, Math.floor(p * all.length))]?.toFixed(0);
  process.stdout.write(
    `\n${all.length} signals: median ${quantile(0.5)}, 90 % ${quantile(0.9)}, 99 % ${quantile(0.99)}, most ${all.at(-1)?.toFixed(0)} ms; ` +
      `${all.filter((ms) => ms > 200).length} above 200 ms; ${bad} faults\n`,
  );
  if (bad > 0) process.exitCode = 1;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await report();
