import { isIP } from "node:net";
import type { FastifyReply, FastifyRequest } from "fastify";
import { quoted, RequestError } from "./request-error.js";

/** Headers of ours that a page of another origin sends or reads. */
const LENGTH_HEADER = "inference-header-content-length";

/** A host that passed whatever is allowed: most requests are like the one before. */
const lastGood = { host: "localhost" };

/**
 * Whether a request asks for a host of this server. A browser sends requests to whatever address a name stands for,
 * so that a page of `evil.example`, once that resolves to 127.0.0.1, would be a page of this server's own origin (DNS
 * rebinding); the name that it asks for gives it away. Addresses are not names, and pass.
 *
 * @param allowed names in lower case; undefined stands for the machine's own, `localhost`
 * @throws RequestError (403), or 400 for a request with two hosts, of which a proxy may have gone by the other (RFC 9112,
 * 3.2)
 */
export function checkHost({ headers, raw }: FastifyRequest, allowed: readonly string[] | undefined): void {
  const { host } = headers;
  if (hosts(raw.rawHeaders) > 1) throw new RequestError(400, "the request has more than one Host");
  // Only HTTP/1.0 may do without, which browsers do not speak.
  if (host === undefined || host === lastGood.host) return;
  const name = host
    .replace(/:[0-9]*$/, "")
    .toLowerCase()
    .replace(/\.$/, "");
  if (isIP(name.replace(/^\[|\]$/g, "")) !== 0 || name === "localhost" || name.endsWith(".localhost")) {
    lastGood.host = host;
    return;
  }
  if (allowed?.includes(name)) return;
  throw new RequestError(
    403,
    `this server is not called ${quoted(name)}; if it should be, start it with that name among its allowed hosts`,
  );
}

/** How many Host lines a request has: Node takes the first, and says nothing of others. */
function hosts(lines: readonly string[]): number {
  let count = 0;
  for (let i = 0; i < lines.length; i += 2)
    if (lines[i]!.length === 4 && lines[i]!.toLowerCase() === "host") count++;
  return count;
}

/**
 * Answers what a browser asks before, and says what it may do after: pages of the allowed origins may read answers
 * (CORS). A page of any other origin cannot read them, but it could send requests that need no leave, as forms do;
 * those are refused, since answering costs work. Programs that are not browsers send no origin.
 *
 * @returns whether the request was a question for leave, which is answered hereby
 * @throws RequestError (403)
 */
export function checkOrigin(
  request: FastifyRequest,
  reply: FastifyReply,
  allowed: readonly string[] | "*",
): boolean {
  const { headers, method } = request;
  const { origin } = headers;
  const asks = method === "OPTIONS" && headers["access-control-request-method"] !== undefined;
  if (origin === undefined) {
    if (method === "POST" && headers["sec-fetch-site"] === "cross-site" && allowed !== "*")
      throw strange("another site");
    return false;
  }
  if (allowed !== "*") reply.header("vary", "Origin");
  if (allowed === "*" || allowed.includes(origin)) {
    reply.header("access-control-allow-origin", allowed === "*" ? "*" : origin);
    reply.header("access-control-expose-headers", `${LENGTH_HEADER}, retry-after`);
    if (!asks) return false;
    reply.header("access-control-allow-methods", "GET, HEAD, POST");
    reply.header(
      "access-control-allow-headers",
      `authorization, content-encoding, content-type, ${LENGTH_HEADER}`,
    );
    reply.header("access-control-max-age", "600");
    reply.code(204).send();
    return true;
  }
  const own = origin.replace(/^https?:\/\//i, "").toLowerCase() === headers.host?.toLowerCase();
  if (!own && method !== "GET" && method !== "HEAD") throw strange(origin);
  return false;
}

function strange(origin: string): RequestError {
  return new RequestError(
    403,
    `requests of pages of ${quoted(origin)} are refused; if they should not be, start the server with that among its allowed origins`,
  );
}
