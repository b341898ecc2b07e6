import { availableParallelism } from "node:os";
import { UsageError } from "../errors.js";
import type { LinearModel } from "../linear/model/model.js";
import type { UnseenPolicy } from "../linear/model/unseen.js";

/**
 * The models to serve: files and folders, or models and files by name.
 *
 * A file `price.json` is model `price`, version 1. A folder holds such files, and folders `NAME/model.json` and
 * `NAME/VERSION/model.json`.
 */
export type ServeModels = string | readonly string[] | Readonly<Record<string, string | LinearModel>>;

/** Options of serving, in the plugin and in a server of its own; all may be left out. */
export interface ServeOptions {
  /** Asked of every request but health checks and the page, as `Authorization: Bearer …`. Default: none. */
  token?: string | undefined;
  /** Worker threads for large requests, 1 or more. Default: the cores but one, which the event loop has. */
  threads?: number | undefined;
  /** The largest body, in bytes. Default: 256 MiB. */
  bodyLimit?: number | undefined;
  /** Requests that may be in the house at a time; one more gets 503. Default: 256. */
  queueLimit?: number | undefined;
  /** Bytes of bodies that may be in the house at a time. Default: 1 GiB. */
  queueBytes?: number | undefined;
  /** Seconds that a refused client is asked to wait, in Retry-After. Default: 1. */
  retryAfter?: number | undefined;
  /** Milliseconds without progress after which an answer that the client does not read is given up. Default: 30,000. */
  sendTimeout?: number | undefined;
  /** Rows with a level that the training data did not have: the request is refused (default), or they get NaN. */
  unseen?: UnseenPolicy | undefined;
  /** Milliseconds between looks at the model files; 0 never looks. Default: 1,000. */
  reloadInterval?: number | undefined;
  /**
   * Bytes of body from which a request goes to a worker thread, for JSON, CSV and binary tensors. Defaults: 64 KiB,
   * 8 KiB, 512 KiB: with 13 columns they hold the event loop up for a quarter of a millisecond (bench/serve.js).
   */
  inlineBytes?: { json?: number; csv?: number; binary?: number } | undefined;
}

/** Options with their defaults put in. */
export interface Settings {
  readonly token: string | undefined;
  readonly threads: number;
  readonly bodyLimit: number;
  readonly queueLimit: number;
  readonly queueBytes: number;
  readonly retryAfter: number;
  readonly sendTimeout: number;
  readonly reloadInterval: number;
  readonly unseen: UnseenPolicy;
  readonly inlineBytes: { readonly json: number; readonly csv: number; readonly binary: number };
}

/** @throws UsageError for a number that is out of range */
export function settingsOf(options: ServeOptions): Settings {
  const { token, inlineBytes = {} } = options;
  if (token !== undefined && token === "") throw new UsageError("the token is empty");
  const whole = (name: keyof ServeOptions, least: number, standard: number): number => {
    const value = options[name] ?? standard;
    if (!Number.isSafeInteger(value) || (value as number) < least)
      throw new UsageError(`${name} should be an integer of ${least} or more, got ${value}`);
    return value as number;
  };
  return {
    token,
    threads: whole("threads", 1, Math.max(1, availableParallelism() - 1)),
    bodyLimit: whole("bodyLimit", 1, 256 << 20),
    queueLimit: whole("queueLimit", 1, 256),
    queueBytes: whole("queueBytes", 1, 1 << 30),
    retryAfter: whole("retryAfter", 0, 1),
    sendTimeout: whole("sendTimeout", 1, 30_000),
    reloadInterval: whole("reloadInterval", 0, 1000),
    unseen: options.unseen ?? "fail",
    inlineBytes: {
      json: inlineBytes.json ?? 64 << 10,
      csv: inlineBytes.csv ?? 8 << 10,
      binary: inlineBytes.binary ?? 512 << 10,
    },
  };
}
