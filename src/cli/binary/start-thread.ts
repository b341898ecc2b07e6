import { posix } from "node:path";
import type { Worker } from "node:worker_threads";
import { assetText } from "./asset.js";

/** `startThread` of the executable: the entry is a file in it. */
export function startThread(entry: URL, workerData: unknown): Worker {
  const { Worker } = process.getBuiltinModule("node:worker_threads");
  const code = assetText(`bundle/${posix.basename(entry.pathname)}`);
  return new Worker(code, { eval: true, workerData, execArgv: [] });
}
