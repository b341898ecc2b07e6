import type { FastifyInstance } from "fastify";
import { sendInPieces } from "./deliveries.js";
import { EXPOSITION_TYPE } from "./exposition.js";
import { openApiDocument } from "./openapi.js";
import { pageFile } from "./page.js";
import type { Service } from "./service.js";

/** Nothing but the page's own files runs on it, and it talks to this server only. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** The paths of the page's own files, which anybody may have, as the page. */
export const PAGE_PATHS = ["/", "/assets/page.js", "/assets/page.css"] as const;

/** Prometheus metrics, the OpenAPI document, and the page. */
export function operationRoutes(app: FastifyInstance, service: Service): void {
  app.get("/metrics", async (_request, reply) => {
    reply.type(EXPOSITION_TYPE);
    sendInPieces(reply, service.metrics.text());
    return reply;
  });
  const document = openApiDocument(app.prefix, service.tokens.required);
  app.get("/openapi.json", async () => document);
  const kinds = ["html", "js", "css"] as const;
  for (const [i, path] of PAGE_PATHS.entries())
    app.get(path, async (request, reply) => {
      // The page names its files by where it lies itself, and so must lie in a folder.
      const [own = ""] = request.url.split("?");
      if (path === "/" && !own.endsWith("/"))
        return reply.redirect(`${own.slice(own.lastIndexOf("/") + 1)}/`, 308);
      const file = pageFile(kinds[i]!);
      reply
        .type(file.type)
        .header("content-security-policy", CONTENT_SECURITY_POLICY)
        .header("x-content-type-options", "nosniff")
        .header("referrer-policy", "no-referrer")
        .header("cache-control", "no-cache")
        .header("etag", file.etag);
      if (request.headers["if-none-match"] === file.etag) return reply.code(304).send();
      return reply.send(file.bytes);
    });
}
