import type { Socket } from "node:net";
import type { FastifyReply } from "fastify";
import { hasRequests } from "./departure.js";

/** Since when data wait for a client without a break, and what it had taken then and when it last took something. */
interface Waiting {
  readonly since: number;
  readonly from: number;
  taken: number;
  moved: number;
}

/** How long an answer may wait before its rate is looked at. */
const GRACE_MS = 5000;
const LOOK_MS = 500;
/**
 * Bytes that a client may have taken without its being seen: the system takes data again only when a good part of its
 * own buffer is free.
 */
const UNSEEN_BYTES = 1 << 18;
/** What is written at a time, so that it is seen how far a client has got. */
const PIECE_BYTES = 1 << 16;

/**
 * Looks after the answers that are on their way, and gives up the connections of clients that take them too slowly or
 * not at all: an answer holds its memory, and a request its place, until it is sent. One timer for all connections, so
 * that a request costs no more than finding that its own is known.
 */
export class Deliveries {
  /** Connections that were given up. */
  slow = 0;
  private readonly open = new Map<Socket, Waiting | undefined>();
  private timer: NodeJS.Timeout | undefined;

  /**
   * @param leastRate bytes per second, on average, after the first 5 seconds and 256 KiB; 0 asks for nothing
   * @param patience milliseconds without progress
   * @param onSlow told of each connection that is given up
   */
  constructor(
    private readonly leastRate: number,
    private readonly patience: number,
    private readonly onSlow: (what: string) => void,
  ) {}

  /** Looks after a connection, while there are requests on it, until it ends. */
  watch(socket: Socket): void {
    if (this.open.has(socket) || socket.closed) return;
    this.open.set(socket, undefined);
    socket.once("close", () => this.open.delete(socket));
    this.timer ??= setInterval(() => this.look(), Math.min(LOOK_MS, this.patience)).unref();
  }

  close(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private look(): void {
    if (this.open.size === 0) this.close();
    const now = performance.now();
    for (const [socket, waiting] of this.open) {
      const { bytesWritten, writableLength } = socket;
      const taken = bytesWritten - writableLength;
      if (writableLength === 0 || !hasRequests(socket)) {
        if (waiting !== undefined) this.open.set(socket, undefined);
      } else if (waiting === undefined) this.open.set(socket, { since: now, from: taken, taken, moved: now });
      else {
        if (taken > waiting.taken) Object.assign(waiting, { taken, moved: now });
        const owed = (this.leastRate * (now - waiting.since - GRACE_MS)) / 1000;
        const sent = taken - waiting.from;
        if (sent + UNSEEN_BYTES >= owed && now - waiting.moved < this.patience) continue;
        this.slow++;
        socket.destroy();
        this.onSlow(`${sent} bytes in ${((now - waiting.since) / 1000).toFixed(1)} s`);
      }
    }
  }
}

/** Sends text or bytes, many of them in pieces. */
export function sendInPieces(reply: FastifyReply, body: string | Buffer): void {
  if (body.length <= PIECE_BYTES) {
    // Fastify takes bytes for bytes only where they are not shared, and else for something to write as JSON.
    if (typeof body !== "string") reply.serializer(asIs);
    reply.send(body);
    return;
  }
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  reply.hijack();
  const { raw } = reply;
  for (const [name, value] of Object.entries(reply.getHeaders())) raw.setHeader(name, value!);
  raw.setHeader("content-length", bytes.length);
  raw.writeHead(reply.statusCode);
  let at = 0;
  const more = () => {
    while (at < bytes.length) {
      if (raw.destroyed) return;
      const piece = bytes.subarray(at, at + PIECE_BYTES);
      at += piece.length;
      if (raw.write(piece)) continue;
      raw.once("drain", more);
      return;
    }
    raw.end();
  };
  more();
}

const asIs = (body: unknown) => body as string;
