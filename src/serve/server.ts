import type { IncomingMessage, ServerResponse } from "node:http";
import { isIP, isIPv6, type Socket } from "node:net";
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifyServerOptions } from "fastify";
import { UsageError } from "../errors.js";
import { announcedLength } from "./body.js";
import { hasRequests } from "./departure.js";
import { Fastify, LogController } from "./fastify.js";
import { type GrpcServer, serveGrpc } from "./grpc.js";
import { LogBuffer } from "./log-buffer.js";
import { type ServeModels, type ServeOptions, whole } from "./options.js";
import { mount, noteEnd, tooSlow, UNKNOWN } from "./plugin.js";
import { logRequestTo } from "./request-log.js";
import { Service } from "./service.js";

/** Options of a server of its own, beside those of serving; all may be left out. */
export interface ServerOptions extends ServeOptions {
  /**
   * Fastify's `logger`: false (default), true, or pino's options; without a stream it goes to standard output. pino's
   * transports are threads of packages that are not here: for those, mount the plugin in a Fastify app of your own.
   */
  logger?: FastifyServerOptions["logger"];
  /**
   * Bytes of log that may wait for a reader that does not keep up; then lines are dropped, and counted. Of a log to
   * standard output. Default: 4 MiB.
   */
  logBuffer?: number | undefined;
  /**
   * Fastify's `trustProxy`: whose word on the client's address, in X-Forwarded-For, is taken. The addresses of proxies,
   * networks or `loopback`, `linklocal`, `uniquelocal` among them, or a function of an address and how many hops it is
   * away; `true` believes whatever the client wrote. Default: nobody's.
   */
  trustProxy?: FastifyServerOptions["trustProxy"];
  /** Milliseconds that a client may take to send a request, after which it gets 408. Default: 120,000. */
  requestTimeout?: number | undefined;
  /** Milliseconds that a client may take to send the headers. Default: 10,000. */
  headersTimeout?: number | undefined;
}

/** How `shutDown` goes about it. */
export interface ShutDownOptions {
  /** Milliseconds to stay open, not ready, so that load balancers notice before connections are refused. Default: 0. */
  drainDelay?: number | undefined;
  /** Milliseconds after which what is still under way is cut off. Default: 10,000. */
  deadline?: number | undefined;
}

/** A Fastify instance that serves models, and that can end without dropping a request. */
export type GomlServer = FastifyInstance & {
  /**
   * Ends the server: it says "not ready" at once, finishes what is under way, and closes. Resolves with the number
   * of inference requests that the deadline cut off.
   */
  shutDown(options?: ShutDownOptions): Promise<number>;
  /**
   * Serves the protocol over gRPC too, at another port (0: any that is free), until the server ends; gives the port. To be called
   * once the server listens. @throws UsageError where @grpc/grpc-js is not installed
   */
  listenGrpc(at: { host: string; port: number }): Promise<number>;
  /** What has become of the log to standard output. */
  logState(): LogState;
};

/** What has become of a log. */
export interface LogState {
  /** Lines that were not written. */
  readonly dropped: number;
  /** Why nothing can be written any more. */
  readonly failure: Error | undefined;
  /** After `shutDown`: whether its last lines still wait for a reader. */
  readonly stuck: boolean;
}

/** How long the last lines of the log are waited for. */
const LOG_PATIENCE_MS = 500;

const CHECKING_MS = 1000;

/**
 * A server for models: `await createServer("model.json").listen({ port: 8080 })`.
 *
 * Models are loaded when the server gets ready, by `ready` or `listen`, which reject where one cannot be.
 *
 * @throws UsageError for an option that is out of range
 * @example
 * ```js
 * import { createServer } from "goml/serve";
 *
 * const server = createServer("small.json");
 * const url = await server.listen({ port: 0 });
 * const body = JSON.stringify({ dataframe_records: [{ rm: 6, lstat: 5 }] });
 * const answer = await fetch(`${url}/invocations`, {
 *   method: "POST",
 *   headers: { "content-type": "application/json" },
 *   body,
 * });
 * console.log((await answer.json()).predictions.length); // 1
 * await server.close();
 * ```
 */
export function createServer(models: ServeModels, options: ServerOptions = {}): GomlServer {
  const log = logOf(options);
  const service = new Service(models, options, () => log.buffer?.dropped ?? 0);
  if (log.plain && log.buffer !== undefined) service.logRequest = logRequestTo(log.buffer);
  const { linger, bodyLimit, allowedHosts } = service.settings;
  const { requestTimeout = 120_000, headersTimeout = Math.min(10_000, requestTimeout) } = options;
  const app = Fastify({
    logger: log.logger,
    logController: new LogController({ disableRequestLogging: true }),
    // A logger of its own for every request costs more than naming the request in its one line.
    childLoggerFactory: (logger) => logger,
    // While closing, requests on open connections are answered like any other.
    return503OnClosing: false,
    // Models are loaded while the server gets ready, and may take as long as they take.
    pluginTimeout: 0,
    trustProxy: checkProxies(options.trustProxy ?? false),
    requestTimeout,
    http: {
      headersTimeout,
      connectionsCheckingInterval: Math.min(CHECKING_MS, headersTimeout, requestTimeout),
    },
    routerOptions: { maxParamLength: 255 },
    clientErrorHandler: (error, socket) => {
      const status = answerClientError(error, socket, linger);
      if (status !== undefined && !hasRequests(socket))
        service.metrics.count({ endpoint: UNKNOWN, model: "", status, seconds: 0, rows: 0 });
    },
    frameworkErrors: (error, request: FastifyRequest, reply: FastifyReply) => {
      noteEnd(request, reply, service, UNKNOWN);
      const status: number = error.statusCode ?? 400;
      reply.code(status).send({ error: error.message.slice(0, 200) });
    },
  });
  const connections = new Set<Socket>();
  app.server.on("connection", (socket: Socket) => {
    connections.add(socket);
    socket.once("close", () => connections.delete(socket));
  });
  let onLoopback = false;
  app.server.on("listening", () => {
    const at = app.server.address();
    onLoopback = typeof at === "object" && at !== null && /^(::ffff:)?127\.|^::1$/.test(at.address);
  });
  const hosts = () => allowedHosts ?? (onLoopback ? undefined : "*");
  app.register(async (scope) => mount(scope, service, true, hosts));
  app.server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
    // A body that will be refused is not even asked for.
    if (!isTooLarge(request, bodyLimit)) response.writeContinue();
    app.server.emit("request", request, response);
  });
  let grpc: GrpcServer | undefined;
  app.decorate("listenGrpc", async (at: { host: string; port: number }) => {
    grpc = await serveGrpc(service, at, app.log);
    return grpc.port;
  });
  app.addHook("preClose", () => grpc?.close());
  let stuck = false;
  const endLog = async () => {
    stuck = (await log.buffer?.end(LOG_PATIENCE_MS)) === false;
  };
  app.decorate("shutDown", async (how: ShutDownOptions = {}) => {
    app.log.info("stopping: requests under way are finished");
    const cut = await shutDown(app, service, { connections, grpc: () => grpc }, how);
    if (cut > 0) app.log.error({ requests: cut }, "the deadline passed; requests were cut off");
    else app.log.info("stopped");
    await endLog();
    return cut;
  });
  app.addHook("onClose", endLog);
  app.decorate("logState", (): LogState => {
    const { dropped = 0, failure } = log.buffer ?? {};
    return { dropped, failure, stuck };
  });
  return app as unknown as GomlServer;
}

/** @throws UsageError for what is no address or network */
function checkProxies<Proxies>(proxies: Proxies): Proxies {
  const named = ["loopback", "linklocal", "uniquelocal"];
  const all: unknown[] =
    typeof proxies === "string" ? proxies.split(",") : Array.isArray(proxies) ? proxies : [];
  for (const one of all) {
    const [address = "", bits, ...more] = String(one).trim().split("/");
    const most = isIPv6(address) ? 128 : 32;
    const network = bits === undefined || (/^[0-9]{1,3}$/.test(bits) && Number(bits) <= most);
    if (!named.includes(address) && (isIP(address) === 0 || !network || more.length > 0))
      throw new UsageError(`${JSON.stringify(one)} is not the address of a proxy`, {
        hint: `expected an address, a network such as 10.0.0.0/8, or one of ${named.join(", ")}`,
      });
  }
  return proxies;
}

/** A log to standard output goes through a buffer of ours; others are their streams' affair. */
function logOf(options: ServerOptions): {
  logger: Exclude<ServerOptions["logger"], undefined>;
  buffer: LogBuffer | undefined;
  /** Whether its lines are as they are by default. */
  plain: boolean;
} {
  const { logger = false } = options;
  const limit = whole(options, "logBuffer", 0, 4 << 20);
  const given = logger === true ? {} : logger;
  if (given !== false && "transport" in given)
    throw new UsageError("a log by transports is not to be had from this server", {
      hint: "give it a stream, or mount the plugin in a Fastify app of your own",
    });
  if (given === false || ["stream", "file"].some((key) => key in given))
    return { logger, buffer: undefined, plain: false };
  const buffer = new LogBuffer(process.stdout, limit, ({ code }) => {
    process.stderr.write(`goml: the log cannot be written any more (${code}); serving goes on without it\n`);
  });
  return {
    logger: { ...given, stream: buffer },
    buffer,
    plain: Object.keys(given).every((key) => key === "level"),
  };
}

async function shutDown(
  app: FastifyInstance,
  service: Service,
  { connections, grpc }: { connections: ReadonlySet<Socket>; grpc: () => GrpcServer | undefined },
  options: ShutDownOptions,
): Promise<number> {
  const { drainDelay = 0, deadline = 10_000 } = options;
  service.drain();
  let cut = 0;
  const timer = setTimeout(() => {
    cut = service.active;
    app.server.closeAllConnections();
    grpc()?.cut();
    for (const socket of connections) socket.destroy();
  }, deadline);
  if (drainDelay > 0) await new Promise((resolve) => setTimeout(resolve, Math.min(drainDelay, deadline)));
  // Node counts a connection as idle after its first request only; one that has not said a word is no less so.
  for (const socket of connections) if (socket.bytesRead === 0) socket.destroy();
  const late = setTimeout(() => {
    for (const socket of connections) if (!hasRequests(socket)) socket.destroy();
  }, service.settings.linger);
  await app.close();
  clearTimeout(timer);
  clearTimeout(late);
  return cut;
}

function isTooLarge(request: IncomingMessage, limit: number): boolean {
  try {
    announcedLength(request, limit);
    return false;
  } catch {
    return true;
  }
}

const STATUS: Record<string, [status: string, message: string]> = {
  ERR_HTTP_REQUEST_TIMEOUT: ["408 Request Timeout", "the request took too long to arrive"],
  HPE_HEADER_OVERFLOW: ["431 Request Header Fields Too Large", "the request's headers are too large"],
};

/**
 * Answers what Node could not even read as a request, in the protocol's form, and ends the connection, the client's
 * half of it too, after a little while in which it may read why.
 *
 * @returns the status; undefined where there was nobody to answer
 */
function answerClientError(
  error: Error & { code?: string },
  socket: Socket,
  linger: number,
): number | undefined {
  const underWay = (socket as Socket & { _httpMessage?: ServerResponse | null })._httpMessage;
  // Words of ours in the middle of an answer would be read as part of it.
  if (error.code === "ECONNRESET" || !socket.writable || underWay?.headersSent) {
    socket.destroy();
    return undefined;
  }
  if (error.code === "ERR_HTTP_REQUEST_TIMEOUT") tooSlow.add(socket);
  const [status, message] = STATUS[error.code ?? ""] ?? ["400 Bad Request", "the request is not HTTP"];
  const body = JSON.stringify({ error: message });
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
  setTimeout(() => socket.destroy(), linger).unref();
  return Number.parseInt(status, 10);
}
