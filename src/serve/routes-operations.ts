import { createHash } from "node:crypto";
import type { FastifyInstance } from "fastify";
import { sendInPieces } from "./deliveries.js";
import { EXPOSITION_TYPE } from "./exposition.js";
import { openApiDocument } from "./openapi.js";
import { PAGE, PAGE_SCRIPT, PAGE_STYLE } from "./page.js";
import type { Service } from "./service.js";

const sha256 = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** Nothing but the page's own script and style runs on it, and it talks to this server only. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `script-src ${sha256(PAGE_SCRIPT)}`,
  `style-src ${sha256(PAGE_STYLE)}`,
  "connect-src 'self'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Prometheus metrics, the OpenAPI document, and the page. */
export function operationRoutes(app: FastifyInstance, service: Service): void {
  app.get("/metrics", async (_request, reply) => {
    reply.type(EXPOSITION_TYPE);
    sendInPieces(reply, service.metrics.text());
    return reply;
  });
  const document = openApiDocument(app.prefix, service.tokens.required);
  app.get("/openapi.json", async () => document);
  app.get("/", async (_request, reply) => {
    reply
      .type("text/html; charset=utf-8")
      .header("content-security-policy", CONTENT_SECURITY_POLICY)
      .header("x-content-type-options", "nosniff")
      .header("referrer-policy", "no-referrer");
    return PAGE;
  });
}
