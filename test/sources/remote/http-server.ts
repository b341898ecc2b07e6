import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

/** What a request was, and how it is to be answered. */
export type Answerer = (request: IncomingMessage, response: ServerResponse, number: number) => void;

/** An HTTP server on a free port of this host, and the requests that it has had. */
export interface HttpServer {
  readonly url: string;
  readonly requests: { method: string; url: string; headers: IncomingMessage["headers"] }[];
  answer(by: Answerer): void;
  stop(): void;
}

export async function startHttp(): Promise<HttpServer> {
  let by: Answerer = (_, response) => response.writeHead(500).end();
  const requests: HttpServer["requests"] = [];
  const server: Server = createServer((request, response) => {
    requests.push({ method: request.method!, url: request.url!, headers: request.headers });
    by(request, response, requests.length);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    answer(next) {
      by = next;
      requests.length = 0;
    },
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** How a server misbehaves that has a file. */
export interface FileManners {
  etag?: string | undefined;
  modified?: string;
  /** Whether it has ranges. */
  ranges?: boolean;
  /** Bytes after which it cuts the connection of request number n, from 1; undefined: it does not. */
  cut?: (number: number) => number | undefined;
  headers?: Record<string, string>;
}

/** Answers with a file's bytes, as RFC 9110 says, but for its manners. */
export function fileAnswers(bytes: Uint8Array, manners: FileManners | (() => FileManners) = {}): Answerer {
  return (request, response, number) => {
    const how = typeof manners === "function" ? manners() : manners;
    const etag = "etag" in how ? how.etag : '"1"';
    const headers: Record<string, string> = { ...how.headers };
    if (etag !== undefined) headers.etag = etag;
    if (how.modified !== undefined) headers["last-modified"] = how.modified;
    const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") ?? [];
    const condition = request.headers["if-range"];
    const same = condition === undefined || condition === etag || condition === how.modified;
    let part = bytes;
    if (first !== undefined && how.ranges !== false && same) {
      const from = Number(first);
      const to = last === "" ? bytes.length : Math.min(bytes.length, Number(last) + 1);
      if (from >= bytes.length) {
        response.writeHead(416, { ...headers, "content-range": `bytes */${bytes.length}` }).end();
        return;
      }
      part = bytes.subarray(from, to);
      response.statusCode = 206;
      headers["content-range"] = `bytes ${from}-${to - 1}/${bytes.length}`;
    }
    headers["content-length"] ??= String(part.length);
    response.writeHead(response.statusCode, headers);
    const cut = how.cut?.(number);
    if (cut === undefined || cut >= part.length) response.end(part);
    else response.write(part.subarray(0, cut), () => response.socket!.destroySoon());
  };
}
