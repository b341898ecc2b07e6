import type { FastifyInstance, FastifyRequest } from "fastify";
import { version } from "../version.js";

import type { Dialect } from "./question.js";
import { badRequest, quoted, RequestError } from "./request-error.js";
import type { Service } from "./service.js";

interface InvocationQuery {
  Querystring: { model?: string };
}

/** The routes of MLflow's scoring server. It serves one model; of several, `?model=NAME` picks one. */
export function mlflowRoutes(app: FastifyInstance, service: Service): void {
  for (const url of ["/ping", "/health"])
    app.get(url, async (_request, reply) => {
      reply.code(service.ready ? 200 : 503).type("application/json");
      return "\n";
    });
  app.get("/version", async (_request, reply) => {
    reply.type("text/plain");
    return version;
  });
  app.post<InvocationQuery>("/invocations", async (request, reply) => {
    const dialect = dialectOf(request);
    await service.respond(
      request,
      reply,
      service.repository.find(nameOf(request.query.model, service)),
      dialect,
    );
    return reply;
  });
}

function nameOf(asked: string | string[] | undefined, { repository }: Service): string {
  if (typeof asked === "string") return asked;
  const names = repository.names();
  if (names.length === 1 && asked === undefined) return names[0]!;
  throw badRequest(`say which model with ?model=NAME; there are ${names.map(quoted).join(", ")}`);
}

/**
 * What is taken for JSON: that, nothing, and what curl -d says where nobody tells it otherwise. A form of a page of
 * another site says the same, or text/plain; those are told by their origin (`checkOrigin`) and not by this.
 */
const JSON_TYPES = new Set(["", "application/json", "application/x-www-form-urlencoded", "text/plain"]);

function dialectOf({ headers }: FastifyRequest): Dialect {
  const [type = "", ...parameters] = (headers["content-type"] ?? "").toLowerCase().split(";");
  for (const parameter of parameters) {
    const [key, value] = parameter.trim().split("=");
    if (key === "charset" && value !== "utf-8" && value !== '"utf-8"')
      throw new RequestError(415, `charset ${quoted(value)} is not supported, send UTF-8`);
  }
  if (type.trim() === "text/csv") return "csv";
  if (JSON_TYPES.has(type.trim())) return "invocations";
  throw new RequestError(
    415,
    `content type ${quoted(type)} is not supported, send application/json or text/csv`,
  );
}
