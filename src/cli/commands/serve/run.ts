import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { setFlagsFromString } from "node:v8";
import { DataError, GomlError, UsageError } from "../../../errors.js";
import type { ServeModels, ServerOptions } from "../../../serve/index.js";
import { isForeseen } from "../../program/failure.js";
import { logStream } from "../../program/log-stream.js";

/** The options of `goml serve`, as commander gives them. */
export interface ServeCommandOptions {
  host: string;
  port: number;
  tokenFile?: string;
  threads?: number;
  bodyLimit: number;
  queue: number;
  unseen: "fail" | "na";
  reload: number;
  drainDelay: number;
  deadline: number;
  logLevel: string;
  quiet?: boolean;
}

/** The environment variable that holds the token; an argument would show in the list of processes. */
const TOKEN = "GOML_TOKEN";

/** `goml serve`: serves until a signal, then ends without dropping a request. */
export async function serve(
  names: readonly string[],
  options: ServeCommandOptions,
  signal: AbortSignal,
): Promise<number> {
  const token = await tokenOf(options.tokenFile);
  keepPausesShort();
  // Fastify is loaded from node_modules and only here; see scripts/build.js.
  const { createServer } = await import("../../../serve/index.js");
  try {
    const app = createServer(modelsOf(names), {
      token,
      threads: options.threads,
      bodyLimit: options.bodyLimit,
      queueLimit: options.queue,
      unseen: options.unseen,
      reloadInterval: Math.round(options.reload * 1000),
      logger: loggerOf(options),
    });
    await app.listen({ host: options.host, port: options.port, listenTextResolver: () => "listening" });
    const urls = app
      .addresses()
      .flatMap((at) => (typeof at === "string" ? [] : [`http://${bracketed(at.address)}:${at.port}`]));
    app.log.info({ urls, token: token !== undefined }, "ready");
    if (token === undefined && !isLoopback(options.host))
      app.log.warn(`anyone who reaches ${options.host} may use this server; set ${TOKEN} to ask for a token`);
    await aborted(signal);
    app.log.info("stopping: requests under way are finished");
    const cut = await app.shutDown({
      drainDelay: Math.round(options.drainDelay * 1000),
      deadline: Math.round(options.deadline * 1000),
    });
    if (cut > 0) app.log.error({ requests: cut }, "the deadline passed; requests were cut off");
    else app.log.info("stopped");
    return cut > 0 ? 1 : 0;
  } catch (error) {
    throw known(error, options);
  }
}

/**
 * On few cores V8's marking threads take them from the event loop: large bodies pass through many short-lived buffers,
 * which start a collection every 64 MB. The heap is small, so that marking it on the event loop's own thread takes a
 * millisecond or two; it made the p99 of health checks under load 9 ms instead of 16 on 2 cores. The flag is read
 * whenever a collection starts, so setting it now is safe; a library has no business to, a command of its own may.
 */
function keepPausesShort(): void {
  if (availableParallelism() <= 4) setFlagsFromString("--no-concurrent-marking");
}

/** NAME=FILE gives a file another name than its own. */
function modelsOf(names: readonly string[]): ServeModels {
  if (!names.some((name) => name.includes("="))) return names;
  const models: Record<string, string> = {};
  for (const text of names) {
    const at = text.indexOf("=");
    const name = at < 0 ? text.replace(/^.*[\\/]|\.json$/g, "") : text.slice(0, at);
    const path = text.slice(at + 1);
    if (name === "" || path === "")
      throw new UsageError(`${JSON.stringify(text)} is not a model`, {
        hint: "expected FILE, FOLDER or NAME=FILE",
      });
    if (Object.hasOwn(models, name)) throw new UsageError(`two models are called ${JSON.stringify(name)}`);
    models[name] = path;
  }
  return models;
}

async function tokenOf(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return process.env[TOKEN];
  try {
    return (await readFile(file, "utf8")).trim();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new DataError(`the token cannot be read (${code})`, { place: { file }, cause });
  }
}

function loggerOf(options: ServeCommandOptions): ServerOptions["logger"] {
  return { level: options.quiet ? "error" : options.logLevel, stream: logStream() };
}

function bracketed(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\./.test(host);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/**
 * The room of serving is not in the command's bundle, so its errors are of other classes than ours, though of the
 * same names; the system's errors of listening get words.
 */
function known(error: unknown, { host, port }: ServeCommandOptions): unknown {
  if (error instanceof GomlError || !(error instanceof Error)) return error;
  if (isForeseen(error))
    return new GomlError(error.kind, error.words.message, { hint: error.words.hint, cause: error });
  const reasons: Record<string, string> = {
    EADDRINUSE: "another process listens there",
    EACCES: "no permission",
    EADDRNOTAVAIL: "this machine has no such address",
    ENOTFOUND: "no such host",
  };
  const reason = reasons[(error as NodeJS.ErrnoException).code ?? ""];
  if (reason === undefined) return error;
  return new UsageError(`cannot listen on ${host}:${port}: ${reason}`, {
    hint: "choose another with --host and --port",
    cause: error,
  });
}
