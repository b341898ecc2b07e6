// What the benches share that compare whole processes with the first of them.
import { cpus } from "node:os";
import { median } from "../dist/stats/quantile.js";
import { run } from "./run.js";

/**
 * Runs named commands one after the other in each round, once before they count, and prints each one's medians of wall and CPU
 * seconds and memory, and the medians of its ratios to the first, round by round, since shared machines drift.
 *
 * @param cases names and commands
 * @param what the data, in words
 */
export function againstFirst(cases, rounds, what) {
  const measured = cases.map(([name, command]) => ({ name, command, runs: [] }));
  for (let round = -1; round < rounds; round++)
    for (const { name, command, runs } of measured) {
      const one = run(command);
      if (!one.ok) throw new Error(`${name}: ${one.stderr}`);
      if (round >= 0) runs.push(one);
    }
  const [base] = measured;
  const line = (name, figures) =>
    console.log(`${name.padEnd(38)}${figures.map((figure) => figure.padStart(9)).join("")}`);
  console.log(
    `${what}; ${cpus()[0]?.model.trim()}, ${cpus().length} cores, Node ${process.versions.node}; medians of ${rounds} rounds\n`,
  );
  line("", ["wall s", "×", "CPU s", "×", "MB"]);
  for (const { name, runs } of measured) {
    const seconds = (which) => median(runs.map((one) => one[which])).toFixed(3);
    const ratio = (which) => median(runs.map((one, i) => one[which] / base.runs[i][which])).toFixed(2);
    const memory = median(runs.map((one) => one.memory)).toFixed(0);
    line(name, [seconds("wall"), ratio("wall"), seconds("cpu"), ratio("cpu"), memory]);
  }
}
