import type { ChildProcess } from "node:child_process";
import { finished, start } from "../cli/goml.js";

/** `goml serve` as a process, with what it logs. */
interface Running {
  child: ChildProcess;
  url: string;
  log: Record<string, unknown>[];
  done: ReturnType<typeof finished>;
}

/** Starts `goml serve` and waits for its word that it is ready. */
export async function serve(folder: string, ...args: string[]): Promise<Running> {
  const child = start(folder, ["serve", ...args, "--port", "0"]);
  const log: Record<string, unknown>[] = [];
  let rest = "";
  const done = finished(child, folder);
  const url = await new Promise<string>((resolve, reject) => {
    child.on("exit", (code) => reject(new Error(`goml serve ended with ${code}`)));
    child.stdout!.on("data", (text: string) => {
      rest += text;
      for (let at = rest.indexOf("\n"); at >= 0; at = rest.indexOf("\n")) {
        const line = JSON.parse(rest.slice(0, at));
        rest = rest.slice(at + 1);
        log.push(line);
        if (line.msg === "ready") resolve(line.urls[0]);
      }
    });
  });
  return { child, url, log, done };
}
