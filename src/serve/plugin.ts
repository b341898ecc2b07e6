import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { checkHost, checkOrigin } from "./access.js";
import { whenOver } from "./departure.js";
import { replyWithError } from "./error-reply.js";
import type { ServeModels, ServeOptions } from "./options.js";
import { RequestError } from "./request-error.js";
import { inferRoutes } from "./routes-infer.js";
import { mlflowRoutes } from "./routes-mlflow.js";
import { operationRoutes, PAGE_PATHS } from "./routes-operations.js";
import { Service } from "./service.js";

/** Options of the plugin: the models, and how they are served; Fastify adds `prefix`. */
export interface PluginOptions extends ServeOptions {
  models: ServeModels;
}

/**
 * Fastify plugin with all routes of `goml serve`, for a service that mounts them in its own app:
 *
 *     await app.register(plugin, { models: "model.json", prefix: "/ml" });
 *
 * Its hooks, error form and body parsing stay within it. Threads and timers end when the app closes. Models are
 * loaded while the app gets ready, which Fastify gives 10 seconds: many large ones need a longer `pluginTimeout`.
 *
 * @example
 * ```js
 * import Fastify from "fastify";
 * import { plugin } from "goml/serve";
 *
 * const app = Fastify();
 * await app.register(plugin, { models: "small.json", prefix: "/prices" });
 * const answer = await app.inject("/prices/v2/models/small");
 * console.log(answer.json().name); // small
 * await app.close();
 * ```
 */
export async function plugin(app: FastifyInstance, options: PluginOptions): Promise<void> {
  const service = new Service(options.models, options);
  // Without a prefix, what is at no route is the app's own affair.
  await mount(app, service, app.prefix !== "", () => service.settings.allowedHosts ?? "*");
}

/** Routes that answer without a token: health checks, and the page, which holds no data. */
const OPEN = new Set<string>([...PAGE_PATHS, "/v2/health/live", "/v2/health/ready", "/ping", "/health"]);

/** Connections whose request took too long to arrive; Node answers those without the routes' knowing. */
export const tooSlow = new WeakSet<object>();

/** The label of all paths that are no route: there are as many as anybody likes. */
export const UNKNOWN = "unknown";
/** What of a path goes into the log. */
const LONGEST_PATH = 500;

/**
 * Mounts a service's routes.
 *
 * @param strangers whether what is at no route is answered and counted here too
 * @param hosts the host names allowed at the moment; undefined are the machine's own
 */
export async function mount(
  app: FastifyInstance,
  service: Service,
  strangers: boolean,
  hosts: () => readonly string[] | "*" | undefined,
): Promise<void> {
  const { settings, tokens } = service;
  app.addHook("onClose", () => service.close());
  app.addHook("preClose", async () => service.drain());
  app.removeAllContentTypeParsers();
  // Bodies are received by `receiveBody`, whatever their type, or without one.
  app.addContentTypeParser("*", (_request, payload, done) => done(null, payload));
  app.setErrorHandler((error: Error, request, reply) => replyWithError(error, request, reply, settings));
  const methods = new Map<string, Set<string>>();
  const onRoute = ({ routePath, method }: { routePath: string; method: string | string[] }) => {
    // With a prefix, "/" is two paths, that with and that without the slash, of which one is called "".
    const path = routePath === "" ? "/" : routePath;
    methods.set(path, new Set([...(methods.get(path) ?? []), ...[method].flat()]));
  };
  app.addHook("onRoute", onRoute);
  app.addHook("onRequest", (request, reply, done) => {
    const endpoint = endpointOf(request, app.prefix);
    noteEnd(request, reply, service, endpoint);
    // Clients with open connections then leave by themselves, and no request meets one that is just being closed.
    if (service.draining) reply.header("connection", "close");
    try {
      const allowed = hosts();
      if (allowed !== "*") checkHost(request, allowed);
      if (checkOrigin(request, reply, settings.allowedOrigins)) return;
      if (tokens.required && !OPEN.has(endpoint) && !tokens.accepts(request.headers.authorization))
        throw new RequestError(401, "a bearer token is needed: Authorization: Bearer TOKEN");
    } catch (error) {
      done(error as Error);
      return;
    }
    done();
  });
  if (strangers)
    app.setNotFoundHandler((request, reply) => {
      const path = request.url.split("?")[0]!;
      reply.code(404).send({ error: `there is nothing at ${request.method} ${path.slice(0, 200)}` });
    });
  inferRoutes(app, service);
  mlflowRoutes(app, service);
  operationRoutes(app, service);
  refuseOtherMethods(app, new Map(methods));
  await service.open(app.log).catch(async (error: unknown) => {
    await service.close();
    throw error;
  });
}

/** Counts a request and writes its line of log when it is over. */
export function noteEnd(
  request: FastifyRequest,
  reply: FastifyReply,
  service: Service,
  endpoint: string,
): void {
  const started = performance.now();
  const { socket } = request.raw;
  service.deliveries.watch(socket);
  whenOver(request.raw, reply.raw, () => {
    const notes = service.notesOf(request);
    const left = tooSlow.has(socket) ? 408 : 499;
    const status = reply.raw.writableFinished ? reply.raw.statusCode : left;
    const ms = performance.now() - started;
    const model = notes?.model ?? "";
    const rows = status === 200 ? (notes?.rows ?? 0) : 0;
    service.metrics.count({ endpoint, model, status, seconds: ms / 1000, rows });
    const level = status >= 500 ? "error" : notes === undefined && status === 200 ? "debug" : "info";
    service.logRequest(request.log, level, {
      reqId: request.id,
      method: request.method,
      url: request.url.length > LONGEST_PATH ? `${request.url.slice(0, LONGEST_PATH)}…` : request.url,
      status,
      ms: Math.round(ms * 1000) / 1000,
      model,
      rows,
    });
  });
}

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** Lets the paths of the routes answer the methods that they do not have: 405, and those that they have. */
function refuseOtherMethods(app: FastifyInstance, methods: ReadonlyMap<string, ReadonlySet<string>>): void {
  for (const [url, known] of methods)
    app.route({
      method: METHODS.filter((method) => !known.has(method)),
      url,
      handler: async (request, reply) => {
        reply.header("allow", [...known].join(", "));
        throw new RequestError(405, `${request.method} is not for this path, ${[...known].join(" and ")} is`);
      },
    });
}

/** The route within the plugin, or "unknown". */
function endpointOf(request: FastifyRequest, prefix: string): string {
  const { url } = request.routeOptions;
  if (url === undefined || request.is404) return UNKNOWN;
  return url.startsWith(prefix) ? url.slice(prefix.length) || "/" : url;
}
