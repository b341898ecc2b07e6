import { setMaxListeners } from "node:events";
import type { IncomingHttpHeaders } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Bytes } from "../../csv/bytes.js";
import type { RangedBytes } from "../../csv/partial-copy.js";
import { DataError } from "../../errors.js";
import { type Answer, ask, bodyBytes, PATIENCE, type Patience, type Target } from "./exchange.js";
import { BusyError, downloadError, mayPass, refuseStatus } from "./refusal.js";

/** So many bytes between two failures are progress: the next failure is the first again. */
const PROGRESS = 1 << 16;

/** By what a server tells one state of a file from another (RFC 9110, section 8.8). */
interface Validator {
  readonly etag: string | undefined;
  readonly modified: string | undefined;
}

/**
 * A file at a URL. The first request asks for all of it from byte 0 on, and is answered by its first bytes, its size and
 * its state; `bytes` gives any others, where the server has ranges.
 *
 * A connection that is cut is taken up where it ended, up to 6 times without progress, and the server is asked whether
 * the file is still the same (If-Range): one that has changed is refused. Where a server has no ranges, or nothing that
 * tells states of a file apart, the file is read once, from its beginning, and a cut is an error.
 */
export class RemoteFile {
  /** Its size, where the server says it. */
  readonly size: number | undefined;
  /** What gives any of its bytes, where the server does that. */
  readonly ranged: RangedBytes | undefined;
  readonly #target: Target;
  readonly #patience: Patience;
  readonly #validator: Validator;
  readonly #stop: AbortController;
  /** That of the user, and `#stop`. */
  readonly #any: AbortSignal;
  readonly #signal: AbortSignal | undefined;
  /** The answer to the first request, until somebody reads it. */
  #first: Answer | undefined;

  /**
   * @param path the path of the file there, in which folders may say `name=value`
   * @throws DataError where there is no such file, or it may not be read
   */
  static async open(
    target: Target & { path: string },
    signal?: AbortSignal,
    patience: Patience = PATIENCE,
  ): Promise<RemoteFile> {
    const stop = new AbortController();
    const any = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
    // Each request listens to it, and there are several at a time.
    setMaxListeners(0, any);
    try {
      const answer = await patiently(patience, any, async () => {
        const ranged = await ask(target, { range: "bytes=0-" }, patience, any);
        // Of an empty file there is no range; and some servers have no other answer to one that they do not know.
        const found = ranged.status === 416 ? await askWhole(target, ranged, patience, any) : ranged;
        await refuseStatus(found, target);
        return found;
      });
      try {
        return new RemoteFile(target, answer, { stop, any, signal, patience });
      } catch (error) {
        answer.body.destroy();
        throw error;
      }
    } catch (error) {
      stop.abort();
      throw downloadError(error, target.name, signal);
    }
  }

  private constructor(
    target: Target & { path: string },
    first: Answer,
    control: { stop: AbortController; any: AbortSignal; signal: AbortSignal | undefined; patience: Patience },
  ) {
    const { headers, status } = first;
    this.#target = target;
    this.#first = first;
    this.#stop = control.stop;
    this.#any = control.any;
    this.#signal = control.signal;
    this.#patience = control.patience;
    this.#validator = { etag: headers.etag, modified: headers["last-modified"] };
    refuseEncoding(headers, target.name);
    const announced = lengthOf(headers);
    if (status === 206) {
      const { from, to, size } = rangeOf(headers, target.name);
      if (from !== 0 || (announced ?? to) !== to) throw otherBytes(target.name);
      this.size = size;
    } else this.size = announced;
    const { etag, modified } = this.#validator;
    const ranges = status === 206 || /\bbytes\b/i.test(headers["accept-ranges"] ?? "");
    const { size } = this;
    if (ranges && size !== undefined && (etag ?? modified) !== undefined)
      this.ranged = { size, path: target.path, bytes: (from, to) => this.#bytes(from, to) };
  }

  /** All bytes, once. */
  whole(): Bytes {
    return this.#bytes(0, this.size);
  }

  close(): void {
    this.#stop.abort();
    this.#first?.body.destroy();
  }

  async *#bytes(from: number, to: number | undefined): AsyncGenerator<Uint8Array, void, undefined> {
    const { name } = this.#target;
    let at = from;
    let failures = 0;
    let since = 0;
    while (to === undefined || at < to) {
      try {
        const { pieces, skip, end } = await this.#open(at, to);
        let left = skip;
        for await (const all of pieces) {
          const piece = left === 0 ? all : all.subarray(Math.min(left, all.length));
          left -= all.length - piece.length;
          if (piece.length === 0) continue;
          if (end !== undefined && at + piece.length > end)
            throw new DataError("the server sends more bytes than it says", { place: { file: name } });
          at += piece.length;
          since += piece.length;
          yield piece;
        }
        // Without a length the end is the end.
        if (to === undefined || at >= to) return;
        throw Object.assign(new Error("the answer ends early"), { code: "ECONNRESET" });
      } catch (error) {
        if (this.#signal?.aborted || !mayPass(error)) throw downloadError(error, name, this.#signal);
        if (at > 0 && this.ranged === undefined) throw cutError(name, at, to, error);
        if (since >= PROGRESS) failures = 0;
        since = 0;
        await pauseAfter(error, ++failures, this.#patience, this.#any).catch((last: unknown) => {
          throw downloadError(last, name, this.#signal);
        });
      }
    }
  }

  /** The bytes from `at` on, after `skip` that are others; they end at `end`. */
  async #open(
    at: number,
    to: number | undefined,
  ): Promise<{ pieces: Bytes; skip: number; end: number | undefined }> {
    const first = this.#first;
    if (at === 0 && first !== undefined && (to === undefined || to === this.size)) {
      this.#first = undefined;
      return { pieces: bodyBytes(first.body, this.#patience), skip: 0, end: to };
    }
    const { name } = this.#target;
    const { etag, modified } = this.#validator;
    const state = etag?.startsWith("W/") === false ? etag : modified;
    const range = at === 0 && to === this.size ? undefined : `bytes=${at}-${to === undefined ? "" : to - 1}`;
    const headers =
      range === undefined ? {} : { range, ...(state === undefined ? {} : { "if-range": state }) };
    const answer = await ask(this.#target, headers, this.#patience, this.#any);
    if (answer.status === 416 || answer.status === 412) {
      answer.body.destroy();
      throw changedThere(name);
    }
    await refuseStatus(answer, this.#target);
    const found: Validator = { etag: answer.headers.etag, modified: answer.headers["last-modified"] };
    const pieces = bodyBytes(answer.body, this.#patience);
    try {
      if (answer.status === 200) {
        if (this.ranged !== undefined && !sameState(this.#validator, found)) throw changedThere(name);
        return { pieces, skip: at, end: lengthOf(answer.headers) };
      }
      const part = rangeOf(answer.headers, name);
      if (part.size !== this.size || !sameState(this.#validator, found)) throw changedThere(name);
      if (part.from !== at || (to !== undefined && part.to > to)) throw otherBytes(name);
      const length = lengthOf(answer.headers);
      if (length !== undefined && length !== part.to - part.from) throw otherBytes(name);
      return { pieces, skip: 0, end: part.to };
    } catch (error) {
      answer.body.destroy();
      throw error;
    }
  }
}

/** Asks for the whole file where a range of it was refused. */
async function askWhole(
  target: Target,
  refused: Answer,
  patience: Patience,
  signal: AbortSignal,
): Promise<Answer> {
  refused.body.destroy();
  return ask(target, {}, patience, signal);
}

/** Does something again until it is done, does not pass, or has failed too often. */
export async function patiently<T>(
  patience: Patience,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted || !mayPass(error)) throw error;
      await pauseAfter(error, failures, patience, signal);
    }
  }
}

/** @throws what came last where there is no use in going on */
async function pauseAfter(
  error: unknown,
  failures: number,
  { attempts, pauseMs, longestPauseMs }: Patience,
  signal: AbortSignal,
): Promise<void> {
  if (failures >= attempts) throw error;
  const asked = error instanceof BusyError ? error.waitMs : undefined;
  if (asked !== undefined && asked > longestPauseMs) throw error;
  await sleep(asked ?? pauseMs * 2 ** (failures - 1), undefined, { signal });
}

/** Whether two states are one, as far as both say. */
function sameState(a: Validator, b: Validator): boolean {
  if (a.etag !== undefined && b.etag !== undefined) return a.etag === b.etag;
  return a.modified === undefined || b.modified === undefined || a.modified === b.modified;
}

function lengthOf(headers: IncomingHttpHeaders): number | undefined {
  const length = headers["content-length"];
  return length === undefined || !/^\d+$/.test(length) ? undefined : Number(length);
}

/** The bytes [from, to) of a partial answer, and the size of all. */
function rangeOf(
  headers: IncomingHttpHeaders,
  file: string,
): { from: number; to: number; size: number | undefined } {
  const [, first, last, size] =
    /^bytes (\d+)-(\d+)\/(\d+|\*)$/i.exec(headers["content-range"]?.trim() ?? "") ?? [];
  if (last === undefined || Number(last) < Number(first))
    throw new DataError("the server does not say which bytes it sends", { place: { file } });
  return { from: Number(first), to: Number(last) + 1, size: size === "*" ? undefined : Number(size) };
}

/** What was asked for as it is came in another form. Gzip is told by the bytes themselves. */
function refuseEncoding(headers: IncomingHttpHeaders, file: string): void {
  const encoding = headers["content-encoding"]?.trim().toLowerCase() ?? "identity";
  if (!["", "identity", "gzip", "x-gzip", "zstd", "aws-chunked"].includes(encoding))
    throw new DataError(`the server compresses it by ${encoding}, though it was asked not to`, {
      place: { file },
      hint: "download it by: curl --compressed -O",
    });
}

function otherBytes(file: string): DataError {
  return new DataError("the server sends other bytes than it was asked for", {
    place: { file },
    hint: "download the file first",
  });
}

function changedThere(file: string): DataError {
  return new DataError("the file changed while it was being read", {
    place: { file },
    hint: "wait until the program that writes it has finished, or download it first",
  });
}

function cutError(file: string, at: number, to: number | undefined, cause: unknown): DataError {
  return new DataError(
    `the connection was cut after ${at}${to === undefined ? "" : ` of ${to}`} bytes, and the server cannot go on from there`,
    { place: { file }, hint: "download the file first", cause },
  );
}
