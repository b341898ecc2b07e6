import { DataError, InterruptedError } from "../../errors.js";
import type { Answer, Target } from "./exchange.js";

/** What a server may say better a moment later (RFC 9110, section 15; RFC 6585). */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);
/** How connections end that a new one may not. */
const CUT = new Set(["ECONNRESET", "ECONNABORTED", "EPIPE", "ETIMEDOUT", "EAI_AGAIN", "ENETRESET"]);

/** An answer that is none, and perhaps a better one later. */
export class BusyError extends Error {
  constructor(
    readonly status: number,
    /** How long the server asks to wait, in milliseconds. */
    readonly waitMs: number | undefined,
  ) {
    super(`the server answers ${statusText(status)}`);
  }
}

/** @throws BusyError for what may pass, DataError for what does not */
export async function refuseStatus(answer: Answer, { name: file, refusal }: Target): Promise<void> {
  const { status, headers } = answer;
  if (status === 200 || status === 206) return;
  if (!PASSING.has(status) && refusal !== undefined) throw await refusal(answer);
  answer.body.destroy();
  if (PASSING.has(status)) throw new BusyError(status, waitAsked(headers["retry-after"]));
  throw new DataError(`the server answers ${statusText(status)}`, { place: { file }, hint: ADVICE[status] });
}

const ADVICE: Record<number, string> = {
  400: "check the address",
  401: "give user and password in the address, https://user:password@host/…; they are not shown",
  403: "ask who runs the server for access; a signed link may have run out",
  404: "check the address",
  407: "a proxy asks for a password",
  410: "it is gone for good",
  416: "the server has fewer bytes than it says",
};

const NAMES: Record<number, string> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  407: "Proxy Authentication Required",
  408: "Request Timeout",
  410: "Gone",
  416: "Range Not Satisfiable",
  425: "Too Early",
  429: "Too Many Requests",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

function statusText(status: number): string {
  return NAMES[status] === undefined ? String(status) : `${status} (${NAMES[status]})`;
}

/** Retry-After in milliseconds: seconds, or a date (RFC 9110, section 10.2.3). */
function waitAsked(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

/** Whether the same request may be answered better. */
export function mayPass(error: unknown): boolean {
  return error instanceof BusyError || CUT.has((error as NodeJS.ErrnoException).code ?? "");
}

const SYSTEM: Record<string, readonly [message: string, hint: string]> = {
  ENOTFOUND: ["there is no host of that name", "check the address, and that this machine is online"],
  EAI_AGAIN: ["the host's name cannot be looked up", "check that this machine is online"],
  ECONNREFUSED: ["the server takes no connections", "check host and port, and that the server runs"],
  ECONNRESET: ["the connection was cut", "try again; the server or a firewall ends connections"],
  ETIMEDOUT: ["the server is silent", "try again later"],
  CERT_HAS_EXPIRED: ["the server's certificate has run out", "ask who runs it"],
  DEPTH_ZERO_SELF_SIGNED_CERT: [
    "the server's certificate is signed by itself",
    "name it to Node: NODE_EXTRA_CA_CERTS=certificate.pem",
  ],
  SELF_SIGNED_CERT_IN_CHAIN: [
    "the server's certificate is signed by an authority that is not known",
    "name the authority to Node: NODE_EXTRA_CA_CERTS=authority.pem",
  ],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: [
    "the server's certificate is signed by an authority that is not known",
    "name the authority to Node: NODE_EXTRA_CA_CERTS=authority.pem",
  ],
  ERR_TLS_CERT_ALTNAME_INVALID: ["the server's certificate is for another host", "check the address"],
};

/** The error for what ended a download, in one line. */
export function downloadError(cause: unknown, file: string, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return new InterruptedError(undefined, { cause });
  if (cause instanceof DataError || cause instanceof InterruptedError) return cause;
  if (cause instanceof BusyError)
    return new DataError(cause.message, { place: { file }, hint: "try again later", cause });
  const { code, message } = cause as NodeJS.ErrnoException;
  if (typeof code !== "string") return cause;
  const [what, advice] = SYSTEM[code] ?? [
    code.startsWith("HPE_") || code === "EPROTO" ? "the answer is no HTTP" : `cannot be read (${code})`,
    "check the address, and that http or https is the right one",
  ];
  const proxy = proxyHint(code);
  return new DataError(what || message, { place: { file }, hint: proxy ?? advice, cause });
}

/** Node goes through the proxies of the environment where it is told to, and its older releases do not. */
function proxyHint(code: string): string | undefined {
  const { env } = process;
  const named = env.https_proxy ?? env.HTTPS_PROXY ?? env.http_proxy ?? env.HTTP_PROXY;
  const taken = env.NODE_USE_ENV_PROXY !== undefined && Number.parseInt(process.versions.node, 10) >= 24;
  if (named === undefined || taken) return undefined;
  return ["ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ETIMEDOUT"].includes(code)
    ? "a proxy is set, which Node 24 and later take with NODE_USE_ENV_PROXY=1; or download it by: curl -O"
    : undefined;
}
