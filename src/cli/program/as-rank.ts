import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { DataError, GomlError, InterruptedError, UsageError } from "../../errors.js";
import { launchedAs } from "../../ranks/launch.js";
import type { Ranks } from "../../ranks/ranks.js";
import { type RetriedOptions, withRanks } from "../../ranks/with-ranks.js";
import { printError } from "../render/print.js";

/** What commands that run on several ranks are told. */
export interface RankFlags {
  /** How many to start here, or which one this is by whoever started it. */
  ranks?: number | "auto";
  rendezvous?: string;
  rankToken?: string;
  rankTls?: string;
  joinTimeout: number;
  retries: number;
}

/** What a rank that this command has started says to it. */
interface Said {
  readonly failed: Failure;
}

interface Failure {
  readonly kind: GomlError["kind"];
  readonly message: string;
  readonly hint?: string | undefined;
}

/** How long ranks may take to end after one has failed, in milliseconds. */
const END_MS = 2000;

/** Whether this process is to start ranks, and wait for them: `runLocally`. */
export function startsRanks({ ranks }: RankFlags): boolean {
  return typeof ranks === "number" && process.env.GOML_RANK === undefined;
}

/**
 * Does `body` as the rank that this process is, with all others; begins anew where one fails, as often as `retries` says. Only
 * rank 0 is to print. Errors are told once: by whoever started the ranks, or else by rank 0, or by rank 1 where that is lost.
 */
export async function asRank<T>(
  flags: RankFlags,
  signal: AbortSignal,
  body: (ranks: Ranks) => Promise<T>,
): Promise<T> {
  const child = process.env.GOML_RANK !== undefined;
  // gRPC's own remarks on connections that are tried again are nobody's concern.
  process.env.GRPC_VERBOSITY ??= "NONE";
  const options = rankOptions(flags);
  try {
    return await withRanks({ ...options, signal, ...(child && { listening: heedParent }) }, body);
  } catch (error) {
    if (signal.aborted) throw error;
    if (child) await sayFailed(error);
    else if (tells(error, options.rank)) throw error;
    process.exit(1);
  }
}

/** Whether this rank prints an error that all ranks have. */
function tells(error: unknown, rank: number): boolean {
  const { failure } = error as { failure?: { rank: number; lost?: boolean } };
  return failure === undefined || rank === (failure.lost && failure.rank === 0 ? 1 : 0);
}

export { mergedTrace as traceOfRanks } from "../../ranks/merged-trace.js";

/** Which rank this process is. @throws UsageError where nobody says */
function rankOptions(flags: RankFlags): RetriedOptions {
  const { rendezvous, joinTimeout, retries, rankToken, rankTls } = flags;
  const launched = launchedAs(process.env, rendezvous);
  if (typeof launched === "string")
    throw new UsageError(`--ranks: ${launched}`, {
      hint: launched.startsWith("auto")
        ? "--ranks 3 starts three ranks here"
        : "--rendezvous host:port is where rank 0 listens, the same for all",
    });
  return {
    ...launched,
    joinTimeout: 1000 * joinTimeout,
    retries,
    token: process.env.GOML_RANK_TOKEN ?? (rankToken && fileText(rankToken, "the token").trim()),
    tls: rankTls === undefined ? undefined : certificates(rankTls),
  };
}

function certificates(folder: string) {
  const [cert, key, ca] = ["cert.pem", "key.pem", "ca.pem"].map((name) =>
    Buffer.from(fileText(join(folder, name), "a certificate")),
  ) as [Buffer, Buffer, Buffer];
  return { cert, key, ca, name: "goml-ranks" };
}

function fileText(path: string, what: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new DataError(`cannot be read: ${(cause as Error).message}`, {
      place: { file: path },
      hint: `expected ${what} of the ranks`,
      cause,
    });
  }
}

/** Where whoever started this rank is gone, nobody wants it. */
function heedParent(): void {
  if (process.listenerCount("disconnect") === 0) process.once("disconnect", () => process.exit(1));
  process.channel?.unref();
}

/** A port of loopback that is free. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** Tells whoever started this rank why it failed. */
function sayFailed(error: unknown): Promise<void> {
  const { kind, message, hint } =
    error instanceof Error && "kind" in error
      ? (error as GomlError)
      : {
          kind: "internal" as const,
          message: String(error instanceof Error ? error.message : error),
          hint: undefined,
        };
  const said: Said = { failed: { kind, message, hint } };
  return new Promise((resolve) => {
    if (process.send === undefined) resolve();
    else process.send(said, undefined, undefined, () => resolve());
  });
}

/**
 * Starts this command once more for each rank, on loopback with a token of their own, and waits for all. A rank that dies is
 * started again, as often as `retries` says. Nothing is left: where one fails the others have 2 s to end.
 *
 * @returns the exit code
 * @throws the first error that a rank tells of
 */
export async function runLocally({ ranks, retries }: RankFlags, signal: AbortSignal): Promise<number> {
  const size = ranks as number;
  const environment = {
    ...process.env,
    GOML_RANKS: String(size),
    GOML_RANK_PORT: String(await freePort()),
    GOML_RANK_TOKEN: randomBytes(24).toString("base64url"),
  };
  const alive = new Set<ChildProcess>();
  let failed: Failure | undefined;
  let died: string | undefined;
  let exitCode = 0;
  let restarts = retries;
  let cut: NodeJS.Timeout | undefined;
  const kill = () => {
    for (const child of alive) child.kill("SIGKILL");
  };
  const endSoon = () => {
    cut ??= setTimeout(kill, END_MS);
  };
  let done: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    done = resolve;
  });
  const begin = (rank: number) => {
    // Rank 0 prints what there is to print; what goes wrong before ranks have met goes wrong at all of them.
    const print = rank === 0 ? "inherit" : "ignore";
    const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
      stdio: ["ignore", print, print, "ipc"],
      env: { ...environment, GOML_RANK: String(rank) },
    });
    alive.add(child);
    child.on("message", (said: Said) => {
      failed ??= said.failed;
      endSoon();
    });
    child.on("error", (error) => {
      died ??= `rank ${rank} cannot be started: ${error.message}`;
      endSoon();
    });
    child.on("close", (code, name) => {
      alive.delete(child);
      // What it has printed.
      if (rank === 0 && code !== null) exitCode = code;
      if (code !== 0 && failed === undefined && cut === undefined && !signal.aborted) {
        if (name !== null && restarts > 0) {
          restarts--;
          printError(`goml: rank ${rank} has died (${name}) and is started again\n`);
          begin(rank);
          return;
        }
        died ??= `rank ${rank} has died (${name ?? `exit code ${code}`})`;
        // The others notice at once, and tell which edge they waited for.
        endSoon();
      }
      if (alive.size === 0) done();
    });
  };
  signal.addEventListener("abort", kill, { once: true });
  for (let rank = 0; rank < size; rank++) begin(rank);
  await ended;
  clearTimeout(cut);
  if (signal.aborted) throw new InterruptedError(undefined, { cause: signal.reason });
  if (failed !== undefined) throw new GomlError(failed.kind, failed.message, { hint: failed.hint });
  if (exitCode !== 0) return exitCode;
  if (died !== undefined) throw new GomlError("internal", died);
  return 0;
}
