import { availableParallelism } from "node:os";
import { UsageError } from "../errors.js";
import type { LinearModel } from "../linear/model/model.js";
import type { ModelGroup } from "../linear/model/model-group.js";
import type { UnseenPolicy } from "../linear/model/unseen.js";

/**
 * The models to serve: files and folders, or models and files by name.
 *
 * A file `price.json` is model `price`, version 1. A folder holds such files, and folders `NAME/model.json` and
 * `NAME/VERSION/model.json`.
 */
export type ServeModels =
  | string
  | readonly string[]
  | Readonly<Record<string, string | LinearModel | ModelGroup>>;

/** Options of serving, in the plugin and in a server of its own; all may be left out. */
export interface ServeOptions {
  /** Asked of every request but health checks and the page, as `Authorization: Bearer …`. Default: none. */
  token?: string | undefined;
  /** More tokens, any of which will do. Default: none. */
  tokens?: readonly string[] | undefined;
  /** A file with a token in each line, read again when it changes; a file that is bad then changes nothing. */
  tokenFile?: string | undefined;
  /** Worker threads for large requests, 1 or more. Default: the cores but one, which the event loop has. */
  threads?: number | undefined;
  /** The largest body, in bytes; of a compressed one after its decompression. Default: 256 MiB. */
  bodyLimit?: number | undefined;
  /** The largest body that is JSON as a whole, in bytes: it takes several times as much. Default: 64 MiB. */
  jsonLimit?: number | undefined;
  /** The largest answer, in bytes, about 20 for a number in JSON and 8 in binary. Default: 256 MiB. */
  answerLimit?: number | undefined;
  /** Requests that may be in the house at a time; one more gets 503. Default: 256. */
  queueLimit?: number | undefined;
  /** Bytes of bodies, work and answers that may be in the house at a time. Default: 1 GiB. */
  queueBytes?: number | undefined;
  /** The share of both that one client address may have, above 0, at most 1. Default: 0.75. */
  clientShare?: number | undefined;
  /**
   * Bytes per second in which a body has to arrive, on average, after its first 5 seconds, and in which an answer has to
   * be taken, after 5 seconds and 256 KiB; 0 asks for nothing. Default: 4,096.
   */
  leastRate?: number | undefined;
  /** Milliseconds for which the rest of a refused body is read, so that the client gets to read why. Default: 1,000. */
  linger?: number | undefined;
  /** Seconds that a refused client is asked to wait, in Retry-After. Default: 1. */
  retryAfter?: number | undefined;
  /** Milliseconds without progress after which answers that the client does not read are given up. Default: 30,000. */
  sendTimeout?: number | undefined;
  /** Rows with a level that the training data did not have: the request is refused (default), or they get NaN. */
  unseen?: UnseenPolicy | undefined;
  /** Milliseconds between looks at the model files and the token file; 0 never looks. Default: 1,000. */
  reloadInterval?: number | undefined;
  /** The largest model file, in bytes. Default: 256 MiB. */
  modelLimit?: number | undefined;
  /** Milliseconds that reading a model may take. Default: 60,000. */
  loadTimeout?: number | undefined;
  /** Whether model files are read that have been changed since goml wrote them, see `readModel`. Default: false. */
  trust?: boolean | undefined;
  /**
   * Host names that requests may ask for, "*" being all: a page of another name that resolves to this machine (DNS
   * rebinding) is refused. Default: those of this machine and addresses where a server of its own listens on a
   * loopback address, else all; all in the plugin.
   */
  allowedHosts?: readonly string[] | "*" | undefined;
  /**
   * Origins, such as `https://example.com`, whose pages may send requests and read the answers (CORS), "*" being all.
   * Default: none but the server's own page.
   */
  allowedOrigins?: readonly string[] | "*" | undefined;
  /**
   * Bytes of body from which a request goes to a worker thread, for JSON, CSV and binary tensors. Defaults: 64 KiB,
   * 8 KiB, 512 KiB: with 13 columns they hold the event loop up for a quarter of a millisecond (bench/serve.js).
   */
  inlineBytes?: { json?: number; csv?: number; binary?: number } | undefined;
}

/** Options with their defaults put in. */
export interface Settings {
  /** The tokens given as such; those of the file come to them. */
  readonly tokens: readonly string[];
  readonly tokenFile: string | undefined;
  readonly threads: number;
  readonly bodyLimit: number;
  readonly jsonLimit: number;
  readonly answerLimit: number;
  readonly queueLimit: number;
  readonly queueBytes: number;
  readonly clientShare: number;
  readonly leastRate: number;
  readonly linger: number;
  readonly retryAfter: number;
  readonly sendTimeout: number;
  readonly reloadInterval: number;
  readonly modelLimit: number;
  readonly loadTimeout: number;
  readonly trust: boolean;
  readonly unseen: UnseenPolicy;
  readonly allowedHosts: readonly string[] | "*" | undefined;
  readonly allowedOrigins: readonly string[] | "*";
  readonly inlineBytes: { readonly json: number; readonly csv: number; readonly binary: number };
}

/** @throws UsageError for an option that is out of range */
export function settingsOf(options: ServeOptions): Settings {
  const { token, tokens = [], inlineBytes = {}, clientShare = 0.75 } = options;
  if (!(clientShare > 0 && clientShare <= 1))
    throw new UsageError(`clientShare should be a number above 0 and at most 1, got ${clientShare}`);
  return {
    tokens: [...(token === undefined ? [] : [token]), ...tokens].map(checkToken),
    tokenFile: options.tokenFile,
    threads: whole(options, "threads", 1, Math.max(1, availableParallelism() - 1)),
    bodyLimit: whole(options, "bodyLimit", 1, 256 << 20),
    jsonLimit: whole(options, "jsonLimit", 1, 64 << 20),
    answerLimit: whole(options, "answerLimit", 1, 256 << 20),
    queueLimit: whole(options, "queueLimit", 1, 256),
    queueBytes: whole(options, "queueBytes", 1, 1 << 30),
    clientShare,
    leastRate: whole(options, "leastRate", 0, 4096),
    linger: whole(options, "linger", 0, 1000),
    retryAfter: whole(options, "retryAfter", 0, 1),
    sendTimeout: whole(options, "sendTimeout", 1, 30_000),
    reloadInterval: whole(options, "reloadInterval", 0, 1000),
    modelLimit: whole(options, "modelLimit", 1, 256 << 20),
    loadTimeout: whole(options, "loadTimeout", 1, 60_000),
    trust: options.trust ?? false,
    unseen: options.unseen ?? "fail",
    allowedHosts: options.allowedHosts === "*" ? "*" : options.allowedHosts?.map(checkHost),
    allowedOrigins: options.allowedOrigins === "*" ? "*" : (options.allowedOrigins ?? []).map(checkOrigin),
    inlineBytes: {
      json: inlineBytes.json ?? 64 << 10,
      csv: inlineBytes.csv ?? 8 << 10,
      binary: inlineBytes.binary ?? 512 << 10,
    },
  };
}

/** A whole number among options. @throws UsageError where it is out of range */
export function whole<Options extends object>(
  options: Options,
  name: keyof Options & string,
  least: number,
  standard: number,
): number {
  const value = options[name] ?? standard;
  if (!Number.isSafeInteger(value) || (value as number) < least)
    throw new UsageError(`${name} should be an integer of ${least} or more, got ${value}`);
  return value as number;
}

/** A token is one line, for a header is one. @throws UsageError */
export function checkToken(token: string): string {
  if (token.trim() === "") throw new UsageError("the token is empty");
  if (/[\r\n\0]/.test(token)) throw new UsageError("the token has more than one line");
  return token;
}

function checkHost(host: string): string {
  if (!/^(\[[0-9a-f:.]+\]|[^\s:/]+)$/i.test(host))
    throw new UsageError(`${JSON.stringify(host)} is not a host name`, {
      hint: "expected a name without scheme and port, such as example.com",
    });
  return host.toLowerCase();
}

function checkOrigin(origin: string): string {
  const url = URL.canParse(origin) ? new URL(origin) : undefined;
  if (origin !== "null" && (url === undefined || url.origin === "null" || url.pathname !== "/"))
    throw new UsageError(`${JSON.stringify(origin)} is not an origin`, {
      hint: "expected a scheme, a host and perhaps a port, such as https://example.com",
    });
  return url?.origin ?? "null";
}
