import type { Worker } from "node:worker_threads";

/** Where the command says, to all of its scripts, in which folder V8's code of them is kept (src/cli/program/thread.ts). */
const CODE = Symbol.for("goml.code");

/** Starts a thread of a built entry. In the one-file executable another module stands in for this one (src/cli/binary). */
export function startThread(entry: URL, workerData: unknown): Worker {
  // Loaded with the first thread: a program that stays on one starts faster without.
  const { Worker } = process.getBuiltinModule("node:worker_threads");
  // Inherited execArgv stop a worker under `node --input-type=module -e`.
  const folder = (globalThis as { [CODE]?: string | undefined })[CODE];
  return new Worker(entry, { workerData, execArgv: [], argv: folder === undefined ? [] : [folder] });
}
