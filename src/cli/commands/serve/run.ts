import { availableParallelism } from "node:os";
import { setFlagsFromString } from "node:v8";
import { GomlError, UsageError } from "../../../errors.js";
import type { GomlServer, LogState, ServeModels } from "../../../serve/index.js";
import { isForeseen } from "../../program/failure.js";
import { interruptedCode } from "../../program/interruption.js";
import { print, printError } from "../../render/print.js";
import { TerminalLog } from "./terminal-log.js";

/** The options of `goml serve`, as commander gives them: sizes in bytes, times in seconds. */
export interface ServeCommandOptions {
  host: string;
  port: number;
  grpcPort?: number;
  tokenFile?: string;
  allowedHosts?: string[];
  allowedOrigins?: string[];
  trustProxy?: boolean;
  proxies?: string[];
  threads?: number;
  bodyLimit: number;
  jsonLimit: number;
  answerLimit: number;
  queue: number;
  queueBytes: number;
  clientShare: number;
  leastRate: number;
  linger: number;
  unseen: "fail" | "na";
  reload: number;
  modelLimit: number;
  loadTimeout: number;
  trust?: boolean;
  drainDelay: number;
  deadline: number;
  logLevel: string;
  logBuffer: number;
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
  const token = options.tokenFile === undefined ? process.env[TOKEN] : undefined;
  outliveReaders();
  keepPausesShort();
  // Fastify is loaded from node_modules and only here; see scripts/build.js.
  const { createServer } = await import("../../../serve/index.js");
  const ms = (seconds: number) => Math.round(seconds * 1000);
  // Lines for people on a terminal, for programs elsewhere.
  const terminal = process.stdout.isTTY ? new TerminalLog(print) : undefined;
  try {
    const app = createServer(modelsOf(names), {
      token,
      tokenFile: options.tokenFile,
      allowedHosts: everything(options.allowedHosts),
      allowedOrigins: everything(options.allowedOrigins),
      trustProxy: options.proxies ?? (options.trustProxy ? nearest : undefined),
      threads: options.threads,
      bodyLimit: options.bodyLimit,
      jsonLimit: options.jsonLimit,
      answerLimit: options.answerLimit,
      queueLimit: options.queue,
      queueBytes: options.queueBytes,
      clientShare: options.clientShare,
      leastRate: options.leastRate,
      linger: ms(options.linger),
      unseen: options.unseen,
      reloadInterval: ms(options.reload),
      modelLimit: options.modelLimit,
      trust: options.trust,
      loadTimeout: Math.max(1, ms(options.loadTimeout)),
      logger: { level: options.quiet ? "error" : options.logLevel, ...(terminal && { stream: terminal }) },
      logBuffer: options.logBuffer,
    });
    await started(app, options, signal);
    if (options.grpcPort !== undefined) {
      const port = await app
        .listenGrpc({ host: options.host, port: options.grpcPort })
        .catch(async (error: unknown) => {
          // What listens already would keep the process alive.
          await app.shutDown({ deadline: 0 });
          throw error;
        });
      app.log.info({ host: options.host, port }, "ready for gRPC");
    }
    const urls = app
      .addresses()
      .flatMap((at) => (typeof at === "string" ? [] : [`http://${bracketed(at.address)}:${at.port}`]));
    const secured = token !== undefined || options.tokenFile !== undefined;
    app.log.info({ urls, token: secured }, "ready");
    terminal?.open(urls);
    if (!secured && !isLoopback(options.host))
      app.log.warn(`anyone who reaches ${options.host} may use this server; set ${TOKEN} to ask for a token`);
    await aborted(signal);
    const shutDown = { drainDelay: ms(options.drainDelay), deadline: ms(options.deadline) };
    const cut = await app.shutDown(shutDown);
    return ended(cut, app.logState());
  } catch (error) {
    throw known(error, options);
  }
}

/** Loads the models and listens; a signal ends that too. */
async function started(
  app: GomlServer,
  { host, port }: ServeCommandOptions,
  signal: AbortSignal,
): Promise<void> {
  const listening = app.listen({ host, port, listenTextResolver: () => "listening" }).then(() => true);
  const first = await Promise.race([listening, aborted(signal).then(() => false)]);
  // Threads may still be reading models: the process does not wait for them.
  if (!first) process.exit(interruptedCode(signal));
}

/** The exit code: 0 where every request was answered, and the log was not lost on the way. */
function ended(cut: number, { dropped, failure, stuck }: LogState): number {
  if (dropped > 0 || stuck)
    printError(
      `goml: ${dropped} lines of the log were lost: its reader ${failure ? "went away" : "does not keep up"}\n`,
    );
  const code = cut > 0 || failure !== undefined ? 1 : 0;
  // What nobody reads would keep the process alive.
  if (stuck) process.exit(code);
  return code;
}

/**
 * A server does not end because nobody reads its log any more, as other commands do (`goml predict | head`).
 * What is written to is told of errors by its own listeners.
 */
function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.removeAllListeners("error");
    stream.on("error", () => {});
  }
}

/**
 * The proxy that connects is believed, and nobody before it: what else stands in the header the client may have written.
 */
function nearest(_address: string, hop: number): boolean {
  return hop === 0;
}

/** `*` alone stands for all. */
function everything(names: readonly string[] | undefined): readonly string[] | "*" | undefined {
  return names?.includes("*") ? "*" : names;
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
    const name = at < 0 ? text.replace(/^.*[\\/]|\.(json|onnx)$/g, "") : text.slice(0, at);
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
