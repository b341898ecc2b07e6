// What the benches of whole processes share.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const gnuTime = existsSync("/usr/bin/time");

/** Runs a command to its end: wall seconds, CPU seconds, peak memory in MB, standard output. */
export function run(command, env = {}) {
  const folder = mkdtempSync(join(tmpdir(), "goml-bench-"));
  const report = join(folder, "time");
  const measured = gnuTime ? ["/usr/bin/time", "-o", report, "-f", "%U %S %M", ...command] : command;
  // With certificates of one's own each process of Node reads all that there are as it starts, which takes 40 ms.
  const { NODE_EXTRA_CA_CERTS: _, ...own } = process.env;
  const start = process.hrtime.bigint();
  const { status, stdout, stderr } = spawnSync(measured[0], measured.slice(1), {
    env: { ...own, ...env },
    maxBuffer: 1 << 28,
  });
  const wall = Number(process.hrtime.bigint() - start) / 1e9;
  const [user, system, kilobytes] =
    gnuTime && existsSync(report)
      ? readFileSync(report, "utf8").trim().split(/\s+/).slice(-3).map(Number)
      : [];
  rmSync(folder, { recursive: true });
  return {
    ok: status === 0,
    wall,
    cpu: user + system,
    memory: kilobytes / 1024,
    stdout: String(stdout ?? ""),
    stderr: String(stderr ?? ""),
  };
}
