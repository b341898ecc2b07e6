import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import Fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyServerOptions,
  LogController,
} from "fastify";
import { announcedLength } from "./body.js";
import type { ServeModels, ServeOptions } from "./options.js";
import { mount, tooSlow } from "./plugin.js";
import { Service } from "./service.js";

/** Options of a server of its own, beside those of serving; all may be left out. */
export interface ServerOptions extends ServeOptions {
  /** Fastify's `logger`: false (default), true, or pino's options. */
  logger?: FastifyServerOptions["logger"];
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
};

const CHECKING_MS = 1000;

/**
 * A server for models: `await createServer("model.json").listen({ port: 8080 })`.
 *
 * Models are loaded when the server gets ready, by `ready` or `listen`, which reject where one cannot be.
 *
 * @throws UsageError for an option that is out of range
 */
export function createServer(models: ServeModels, options: ServerOptions = {}): GomlServer {
  const service = new Service(models, options);
  const { requestTimeout = 120_000, headersTimeout = Math.min(10_000, requestTimeout) } = options;
  const app = Fastify({
    logger: options.logger ?? false,
    logController: new LogController({ disableRequestLogging: true }),
    // A logger of its own for every request costs more than naming the request in its one line.
    childLoggerFactory: (logger) => logger,
    // While closing, requests on open connections are answered like any other.
    return503OnClosing: false,
    requestTimeout,
    http: {
      headersTimeout,
      connectionsCheckingInterval: Math.min(CHECKING_MS, headersTimeout, requestTimeout),
    },
    routerOptions: { maxParamLength: 255 },
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, _request, reply: FastifyReply) => {
      const status: number = error.statusCode ?? 400;
      reply.code(status).send({ error: error.message });
    },
  });
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split("?")[0]!;
    reply.code(404).send({ error: `there is nothing at ${request.method} ${path.slice(0, 200)}` });
  });
  app.register(async (scope) => mount(scope, service));
  app.server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
    // A body that will be refused is not even asked for.
    if (!isTooLarge(request, service.settings.bodyLimit)) response.writeContinue();
    app.server.emit("request", request, response);
  });
  app.decorate("shutDown", (how: ShutDownOptions = {}) => shutDown(app, service, how));
  return app as unknown as GomlServer;
}

async function shutDown(app: FastifyInstance, service: Service, options: ShutDownOptions): Promise<number> {
  const { drainDelay = 0, deadline = 10_000 } = options;
  service.drain();
  let cut = 0;
  const timer = setTimeout(() => {
    cut = service.active;
    app.server.closeAllConnections();
  }, deadline);
  if (drainDelay > 0) await new Promise((resolve) => setTimeout(resolve, Math.min(drainDelay, deadline)));
  await app.close();
  clearTimeout(timer);
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

/** What Node could not even read as a request, in the protocol's form. */
function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  if (error.code === "ERR_HTTP_REQUEST_TIMEOUT") tooSlow.add(socket);
  const [status, message] = STATUS[error.code ?? ""] ?? ["400 Bad Request", "the request is not HTTP"];
  const body = JSON.stringify({ error: message });
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
