// How long after a signal a command ends.
import { spawn } from "node:child_process";

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
    await new Promise((resolve) => setTimeout(resolve, after));
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
