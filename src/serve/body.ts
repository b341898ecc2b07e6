import type { IncomingMessage } from "node:http";
import type { Visit } from "./admission.js";
import { RequestError } from "./request-error.js";
import { bodyOffset, copyToShared, type SharedBlock, type SharedMemory } from "./request-memory.js";

/** A body that has arrived: in a buffer of its own, or in shared memory that has to be given back. */
export interface Body {
  readonly bytes: Uint8Array;
  readonly block: SharedBlock | undefined;
}

interface BodyOptions {
  /** The most bytes. */
  limit: number;
  /** From how many bytes on a body goes to shared memory. */
  sharedFrom: number;
  /** Bytes of JSON before binary data, 0 where there are none. */
  headerLength: number;
  memory: SharedMemory;
  visit: Visit;
}

/** The length that a request announces; undefined for one that comes in chunks. @throws RequestError (413) */
export function announcedLength(request: IncomingMessage, limit: number): number | undefined {
  const text = request.headers["content-length"];
  if (text === undefined) return request.headers["transfer-encoding"] === undefined ? 0 : undefined;
  const length = Number(text);
  if (length > limit) throw tooLarge(length, limit);
  return length;
}

/**
 * Receives a body: small ones as they come, large ones straight into shared memory, where a worker reads them.
 *
 * @throws RequestError: 413 past the limit, 499 where the client goes away before the end, 503 where there is no
 * room
 */
export function receiveBody(request: IncomingMessage, options: BodyOptions): Promise<Body> {
  return new Promise((resolve, reject) => {
    const { limit, sharedFrom, memory, visit } = options;
    const announced = announcedLength(request, limit);
    const offset = bodyOffset(options.headerLength);
    let block: SharedBlock | undefined;
    let chunks: Uint8Array[] = [];
    let length = 0;
    let settled = false;
    const room = () => new Uint8Array(block!.memory, offset);
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
    const onData = (chunk: Buffer) => {
      try {
        if (length + chunk.length > limit) throw tooLarge(length + chunk.length, limit);
        if (announced === undefined) visit.grow(chunk.length);
        if (block === undefined && Math.max(announced ?? 0, length + chunk.length) >= sharedFrom)
          moveTo(memory.take(announced ?? 2 * (length + chunk.length)));
        if (block === undefined) chunks.push(chunk);
        else {
          if (length + chunk.length > room().length) moveTo(memory.take(2 * (length + chunk.length)));
          copyToShared(room(), length, chunk);
        }
        length += chunk.length;
      } catch (error) {
        fail(error);
      }
    };
    const fail = (error: unknown) => {
      if (settled) return;
      settled = true;
      request.off("data", onData);
      if (block !== undefined) memory.give(block);
      reject(error);
    };
    const onEnd = () => {
      if (settled) return;
      settled = true;
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
      if (!settled) fail(new RequestError(499, "the client went away before its body had arrived"));
    };
    request.on("data", onData).on("end", onEnd).on("close", onGone);
  });
}

function tooLarge(length: number, limit: number): RequestError {
  return new RequestError(413, `the body has ${length} bytes or more, the limit is ${limit}`);
}
