import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from "node:http";
import { DataError } from "../../errors.js";
import { shownUrl } from "../../files/shown-path.js";

/** Where to ask, and with which headers beside those of the request: credentials, or a signature over it. */
export interface Target {
  readonly url: URL;
  /** How it is called in messages. */
  readonly name: string;
  /** The headers of a request for `url`, which a redirect may have changed; only for the target's own origin. */
  headers?(url: URL, headers: Readonly<Record<string, string>>): Promise<Record<string, string>>;
  /** The error for an answer that is none, where its server says more than the status. */
  refusal?(answer: Answer): Promise<unknown>;
}

/** How long to wait, and how often. Times are in milliseconds. */
export interface Patience {
  /** For a connection and the head of an answer. */
  readonly answerMs: number;
  /** For the next bytes of an answer. */
  readonly idleMs: number;
  /** Requests for the same bytes, as long as fewer than 64 KiB come between two failures. */
  readonly attempts: number;
  /** Before the second request; twice as long before each that follows. */
  readonly pauseMs: number;
  /** The longest that a server may ask for by Retry-After. */
  readonly longestPauseMs: number;
}

export const PATIENCE: Patience = {
  answerMs: 30_000,
  idleMs: 60_000,
  attempts: 6,
  pauseMs: 250,
  longestPauseMs: 60_000,
};

const MOST_REDIRECTS = 10;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** What a server answers: the head, and the bytes as they come. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: IncomingMessage;
}

/** Nothing came for too long. */
class SilenceError extends Error {
  readonly code = "ETIMEDOUT";
}

/**
 * Asks for a URL, and follows up to 10 redirects, never from https to http. Credentials go to the origin that they were
 * given for and to no other. With content it posts that. Whoever gets the answer reads or destroys its body.
 *
 * @throws DataError for redirects that are not followed; the system's errors
 */
export async function ask(
  target: Target,
  asked: Readonly<Record<string, string>>,
  patience: Patience,
  signal: AbortSignal,
  content?: string,
): Promise<Answer> {
  let url = target.url;
  for (let redirects = 0; ; redirects++) {
    const own = url.origin === target.url.origin;
    const headers = own ? await target.headers?.(url, asked) : undefined;
    const body = await send(url, headers ?? asked, patience, signal, content);
    const status = body.statusCode!;
    const { location } = body.headers;
    if (!REDIRECTS.has(status) || location === undefined) return { status, headers: body.headers, body };
    body.destroy();
    const place = { file: target.name };
    if (redirects === MOST_REDIRECTS)
      throw new DataError(`more than ${MOST_REDIRECTS} redirects`, {
        place,
        hint: "open it in a browser, and name the address at which that ends",
      });
    const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
    if (next === undefined || !/^https?:$/.test(next.protocol))
      throw new DataError("it redirects to what is no http or https", { place });
    if (url.protocol === "https:" && next.protocol === "http:")
      throw new DataError(`it redirects from https to ${shownUrl(next)}`, {
        place,
        hint: "name that address itself, if it is to be trusted without encryption",
      });
    next.username = "";
    next.password = "";
    url = next;
  }
}

async function send(
  url: URL,
  headers: Readonly<Record<string, string>>,
  { answerMs }: Patience,
  signal: AbortSignal,
  content: string | undefined,
): Promise<IncomingMessage> {
  // Loaded when it is needed: it would take a tenth of the time of a small fit.
  const { request }: Pick<typeof import("node:http"), "request"> =
    url.protocol === "https:" ? await import("node:https") : await import("node:http");
  return new Promise((resolve, reject) => {
    const method = content === undefined ? "GET" : "POST";
    const options = {
      method,
      headers: { "accept-encoding": "identity", "user-agent": "goml", ...headers },
      signal,
    };
    const sent: ClientRequest = request(withoutUser(url), options, (body) => {
      clearTimeout(timer);
      // Who reads it gets the error; an event that nobody listens to would end the process.
      body.on("error", () => {});
      resolve(body);
    });
    const timer = setTimeout(() => sent.destroy(new SilenceError("no answer")), answerMs);
    sent.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    sent.end(content);
  });
}

/** A user in a URL becomes a header, where it does. */
function withoutUser(url: URL): URL {
  const bare = new URL(url);
  bare.username = "";
  bare.password = "";
  return bare;
}

/**
 * The bytes of an answer as they come. The time in which nobody asks for them does not count.
 *
 * @throws SilenceError where nothing comes for `idleMs`; the system's errors where the connection is cut
 */
export async function* bodyBytes(
  body: IncomingMessage,
  { idleMs }: Patience,
): AsyncGenerator<Uint8Array, void, undefined> {
  const pieces = body[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  try {
    for (;;) {
      const timer = setTimeout(() => body.destroy(new SilenceError("nothing came")), idleMs);
      const next = await pieces.next().finally(() => clearTimeout(timer));
      if (next.done) return;
      yield next.value;
    }
  } finally {
    body.destroy();
  }
}
/** The beginning of an answer as text, for what it says of itself. */
export async function bodyText(answer: Answer, patience: Patience, most = 1 << 16): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const piece of bodyBytes(answer.body, patience)) {
      parts.push(piece);
      size += piece.length;
      if (size >= most) break;
    }
  } catch {
    // What has come will do.
  }
  return Buffer.concat(parts).toString("utf8");
}
