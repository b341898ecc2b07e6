import type { IncomingMessage } from "node:http";
import { createGunzip, type Gunzip } from "node:zlib";
import type { Visit } from "./admission.js";
import type { Arrivals } from "./arrivals.js";
import { badRequest, quoted, RequestError } from "./request-error.js";
import { bodyOffset, copyToShared, type SharedBlock, type SharedMemory } from "./request-memory.js";

/** A body that has arrived: in a buffer of its own, or in shared memory that has to be given back. */
export interface Body {
  readonly bytes: Uint8Array;
  readonly block: SharedBlock | undefined;
}

interface BodyOptions {
  /** The most bytes, of a compressed body after its decompression. */
  limit: number;
  /** From how many bytes on a body goes to shared memory. */
  sharedFrom: number;
  /** Bytes of JSON before binary data, 0 where there are none. */
  headerLength: number;
  memory: SharedMemory;
  visit: Visit;
  arrivals: Arrivals;
}

/** The largest block taken for a body of which nothing much has come: announcing costs a client nothing. */
const FIRST_BLOCK = 1 << 20;

/** The length that a request announces; undefined for one that comes in chunks. @throws RequestError (413) */
export function announcedLength(request: IncomingMessage, limit: number): number | undefined {
  const text = request.headers["content-length"];
  // HTTP/2 says by its frames where a body ends.
  if (text === undefined)
    return request.headers["transfer-encoding"] === undefined && request.httpVersionMajor < 2 ? 0 : undefined;
  const length = Number(text);
  if (length > limit) throw tooLarge(length, limit);
  return length;
}

/** Whether a body is compressed by gzip. @throws RequestError (415, 501) for another coding */
export function isGzipped({ headers }: IncomingMessage): boolean {
  // What is before "chunked" would have to be undone too; RFC 9112, section 6.1, has 501 for who does not.
  const transfer = headers["transfer-encoding"];
  if (transfer !== undefined && transfer.trim().toLowerCase() !== "chunked")
    throw new RequestError(501, `transfer coding ${quoted(transfer)} is not supported, only chunked is`);
  const coding = headers["content-encoding"]?.trim().toLowerCase() ?? "identity";
  if (coding === "gzip" || coding === "x-gzip") return true;
  if (coding === "identity" || coding === "") return false;
  throw new RequestError(415, `content encoding ${quoted(coding)} is not supported, gzip is`);
}

/**
 * Receives a body: small ones as they come, large ones straight into shared memory, where a worker reads them. Gzip
 * is decompressed on the way, by a thread of the system's pool, and no further than the limit.
 *
 * @throws RequestError: 413 past the limit, 499 where the client goes away before the end, 503 where there is no
 * room, 408 where it comes too slowly, 400 for gzip that is damaged
 */
export function receiveBody(request: IncomingMessage, options: BodyOptions): Promise<Body> {
  return new Promise((resolve, reject) => {
    const { limit, sharedFrom, memory, visit } = options;
    const gunzip = isGzipped(request) ? createGunzip({ chunkSize: 1 << 16 }) : undefined;
    const sent = announcedLength(request, limit);
    const announced = gunzip === undefined ? sent : undefined;
    const offset = bodyOffset(options.headerLength);
    let block: SharedBlock | undefined;
    let chunks: Uint8Array[] = [];
    let length = 0;
    let settled = false;
    // Of a given length: of memory that might grow, a view without one would be of any length, which is slow.
    const room = () => new Uint8Array(block!.memory, offset, block!.memory.byteLength - offset);
    const moveTo = (larger: SharedBlock) => {
      const before = block === undefined ? chunks : [room().subarray(0, length)];
      const old = block;
      block = larger;
      let at = 0;
      for (const chunk of before) {
        copyToShared(room(), at, chunk);
        at += chunk.length;
      }
      chunks = [];
      if (old !== undefined) memory.give(old);
    };
    const onData = (chunk: Uint8Array) => {
      const total = length + chunk.length;
      try {
        if (total > limit) throw tooLarge(total, limit);
        visit.grow(chunk.length);
        if (block === undefined && Math.max(announced ?? 0, total) >= sharedFrom)
          moveTo(memory.take(Math.min(announced ?? 2 * total, Math.max(FIRST_BLOCK, 2 * total))));
        if (block === undefined) chunks.push(chunk);
        else {
          if (total > room().length) moveTo(memory.take(announced ?? 2 * total));
          copyToShared(room(), length, chunk);
        }
        length = total;
      } catch (error) {
        fail(error);
      }
    };
    const fail = (error: unknown) => {
      if (settled) return;
      end();
      request.resume();
      if (block !== undefined) memory.give(block);
      reject(error);
    };
    const onEnd = () => {
      if (settled) return;
      end();
      const bytes =
        block !== undefined
          ? room().subarray(0, length)
          : chunks.length === 1
            ? chunks[0]!
            : Buffer.concat(chunks, length);
      resolve({ bytes, block });
    };
    // A request emits "close" after "end" too, and errors only where somebody listens for them.
    const onGone = () => {
      if (!request.readableEnded)
        fail(new RequestError(499, "the client went away before its body had arrived"));
    };
    const arrival = { received: 0, place: -1, since: performance.now(), fail };
    const onWire = (chunk: Buffer) => {
      if (settled) return;
      arrival.received += chunk.length;
      if (gunzip === undefined) onData(chunk);
    };
    options.arrivals.watch(arrival);
    const end = () => {
      settled = true;
      options.arrivals.forget(arrival);
      if (gunzip !== undefined) {
        request.unpipe(gunzip);
        gunzip.destroy();
      }
    };
    request.on("data", onWire).on("close", onGone);
    if (gunzip === undefined) request.on("end", onEnd);
    else decompress(request, gunzip, { onData, onEnd, fail });
  });
}

function decompress(
  request: IncomingMessage,
  gunzip: Gunzip,
  to: { onData: (chunk: Buffer) => void; onEnd: () => void; fail: (error: unknown) => void },
): void {
  gunzip.on("error", (error) => to.fail(badRequest(`the body is not gzip, or damaged: ${error.message}`)));
  gunzip.on("data", to.onData).on("end", to.onEnd);
  request.pipe(gunzip);
}

function tooLarge(length: number, limit: number): RequestError {
  return new RequestError(413, `the body has ${length} bytes or more, the limit is ${limit}`);
}
