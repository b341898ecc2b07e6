import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { type ErrorKind, GomlError } from "../errors.js";
import type { Settings } from "./options.js";
import { RequestError } from "./request-error.js";

/** A refused body is still read to this length, so that the client gets to read the answer. */
const LINGER_BYTES = 16 << 20;

/** What answering an error needs to know of the settings. */
type ReplySettings = Pick<Settings, "retryAfter" | "linger">;

/**
 * The status of an error from below that no part of serving has made a refusal of: what the request named or brought is
 * the client's, the rest is ours.
 */
const STATUS: Readonly<Record<ErrorKind, number>> = {
  usage: 400,
  data: 400,
  model: 500,
  gate: 500,
  interrupted: 503,
  internal: 500,
};

/** Answers an error in the protocol's form, `{"error": "…"}`; unforeseen ones are logged and not explained. */
export function replyWithError(
  error: FastifyError | Error,
  request: FastifyRequest,
  reply: FastifyReply,
  { retryAfter, linger }: ReplySettings,
): void {
  const status = statusOf(error);
  if (status === 499 || reply.raw.destroyed) {
    reply.hijack();
    reply.raw.destroy();
    return;
  }
  if (status === 500) request.log.error({ reqId: request.id, err: error }, "the request failed");
  if (status === 503) reply.header("retry-after", String(retryAfter));
  if (status === 415) reply.header("accept-encoding", "gzip, identity");
  if (status === 401) reply.header("www-authenticate", 'Bearer realm="goml"');
  const message = status === 500 && !(error instanceof GomlError) ? "internal error" : error.message;
  const document: Record<string, string> = { error: message };
  if (request.routeOptions.url?.endsWith("/invocations")) {
    // What MLflow's clients read.
    document.error_code =
      status === 404 ? "RESOURCE_DOES_NOT_EXIST" : status < 500 ? "BAD_REQUEST" : "INTERNAL_ERROR";
    document.message = message;
  }
  const body = JSON.stringify(document);
  reply.code(status).header("content-type", "application/json; charset=utf-8");
  // A client that was too slow will not be any faster with the rest.
  if (status === 408 || leftOver(request) > LINGER_BYTES) refuseAndLinger(request, reply, body, linger);
  else {
    reply.send(body);
    if (leftOver(request) > 0) giveUpLater(request, linger);
  }
}

function statusOf(error: FastifyError | Error): number {
  if (error instanceof RequestError) return error.status;
  if (error instanceof GomlError) return STATUS[error.kind];
  const { statusCode } = error as FastifyError;
  return statusCode !== undefined && statusCode >= 400 && statusCode < 500 ? statusCode : 500;
}

/** Bytes of body that may still come; of one in chunks nobody knows. */
function leftOver({ raw }: FastifyRequest): number {
  if (raw.complete) return 0;
  const announced = raw.headers["content-length"];
  if (announced !== undefined) return Number(announced);
  return raw.headers["transfer-encoding"] === undefined ? 0 : Number.POSITIVE_INFINITY;
}

/** The rest of a small body is read, so that the connection can be used again, but not for ever. */
function giveUpLater({ raw }: FastifyRequest, linger: number): void {
  setTimeout(() => {
    if (!raw.complete) raw.destroy();
  }, linger).unref();
}

/**
 * Sends the answer at once, but closes the connection a little later: closing it while the client still sends would
 * reset it, and the client might never see why.
 */
function refuseAndLinger(request: FastifyRequest, reply: FastifyReply, body: string, linger: number): void {
  const { raw } = request;
  const { socket } = raw;
  reply.hijack();
  reply.raw.writeHead(reply.statusCode, {
    ...(reply.getHeaders() as Record<string, string>),
    "content-length": Buffer.byteLength(body),
    connection: "close",
  });
  reply.raw.write(body);
  let drained = 0;
  const end = () => {
    clearTimeout(timer);
    raw.off("data", onData).off("end", end).off("close", end);
    reply.raw.end(() => socket.destroySoon());
    // Where even that waits for the client.
    setTimeout(() => socket.destroy(), linger).unref();
  };
  const onData = (chunk: Buffer) => {
    drained += chunk.length;
    if (drained > LINGER_BYTES) end();
  };
  const timer = setTimeout(end, linger);
  raw.on("data", onData).on("end", end).on("close", end).resume();
}
