// Loaded before a command by `stalls.js`: notes the longest stretches in which its main thread took no turn of the event
// loop, for in them no signal is heard. What counts is the time in which the thread ran (Linux's schedstat), so that other
// processes on the machine do not show; a stretch in which it waited, for a lock or a disk, shows by the clock.
import { readFileSync, writeFileSync } from "node:fs";
import { isMainThread } from "node:worker_threads";

const KEPT = 8;

if (isMainThread) {
  const ran = () =>
    Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, "latin1").split(" ")[0]) / 1e6;
  const clock = () => Number(process.hrtime.bigint() / 1000n) / 1000;
  const longest = [];
  const began = clock();
  let [from, used] = [began, ran()];
  const turn = () => {
    const [now, after] = [clock(), ran()];
    if (after - used > 20 || now - from > 100) {
      longest.push({ from, to: now, cpu: after - used, wall: now - from });
      longest.sort((a, b) => b.cpu - a.cpu);
      longest.length = Math.min(longest.length, KEPT);
    }
    [from, used] = [now, after];
  };
  setInterval(turn, 2).unref();
  process.on("exit", () => {
    turn();
    writeFileSync(process.env.GOML_STALLS, JSON.stringify({ began, longest }));
  });
}
