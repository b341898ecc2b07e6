import { hostname } from "node:os";
import type { FastifyBaseLogger } from "fastify";
import type { LogBuffer } from "./log-buffer.js";

/** A request that is over, as the log has it. */
export interface RequestRecord {
  readonly reqId: string;
  readonly method: string;
  readonly url: string;
  readonly status: number;
  readonly ms: number;
  readonly model: string;
  readonly rows: number;
}

/** Writes the line of a request. */
export type LogRequest = (
  log: FastifyBaseLogger,
  level: "debug" | "info" | "error",
  record: RequestRecord,
) => void;

/** By whatever logger there is. */
export const logRequest: LogRequest = (log, level, record) => log[level](record, "request");

const LEVELS = { debug: 20, info: 30, error: 50 };

/**
 * The same line as pino writes where nothing but its level was chosen, straight into the log's buffer: pino, which can do more,
 * takes a tenth of a small request's time for it.
 */
export function logRequestTo(buffer: LogBuffer): LogRequest {
  const process = `,"pid":${globalThis.process.pid},"hostname":${JSON.stringify(hostname())},"reqId":`;
  return (log, level, { reqId, method, url, status, ms, model, rows }) => {
    if (!(log as unknown as { isLevelEnabled(level: string): boolean }).isLevelEnabled(level)) return;
    buffer.write(
      `{"level":${LEVELS[level]},"time":${Date.now()}${process}${JSON.stringify(reqId)},"method":${JSON.stringify(method)},` +
        `"url":${JSON.stringify(url)},"status":${status},"ms":${ms},"model":${JSON.stringify(model)},"rows":${rows},"msg":"request"}\n`,
    );
  };
}
