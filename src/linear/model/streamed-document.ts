import { createHash } from "node:crypto";
import type { Steps } from "../../parallel/steps.js";
import { endOfDocument, REACH } from "./digest.js";
import { JsonReader } from "./json-reader.js";
import { jsonPieces } from "./write-json.js";

/** A document that was read in pieces. */
export interface StreamedDocument {
  document: unknown;
  /** A key that an object has twice. */
  twice: string | undefined;
  /** Whether the document is what its digest says: worked out when it is asked for. */
  intact: () => Steps<boolean>;
}

/** Reads a document that is too long to be parsed at once: see `matchesDigest` for what its digest says. */
export class DocumentStream {
  readonly #reader = new JsonReader();
  readonly #digest = createHash("sha256");
  /** The end of the text so far, in which the digest may begin. */
  #tail: Buffer = Buffer.alloc(0);

  /** Takes the next piece. @throws SyntaxError where it is no JSON */
  push(piece: Buffer): void {
    this.#reader.push(piece);
    const tail = Buffer.concat([this.#tail, piece]);
    const before = Math.max(0, tail.length - REACH);
    this.#digest.update(tail.subarray(0, before));
    this.#tail = Buffer.from(tail.subarray(before));
  }

  /** @throws SyntaxError where it is cut short */
  end(): StreamedDocument {
    const document = this.#reader.end();
    return { document, twice: this.#reader.twice, intact: () => this.#isIntact(document) };
  }

  *#isIntact(document: unknown): Steps<boolean> {
    if (typeof document !== "object" || document === null || !("digest" in document)) return true;
    if ("schema" in document && document.schema === 1) return true;
    const { digest, ...rest } = document;
    // Whatever stands before the digest, what it is found by is ASCII.
    const end = endOfDocument(this.#tail.toString("latin1"));
    if (end !== undefined && end.digest === digest) {
      const own = this.#digest.copy().update(this.#tail.subarray(0, end.at));
      if (own.digest("hex") === digest) return true;
    }
    const again = createHash("sha256");
    for (const piece of jsonPieces(rest, { open: true })) {
      again.update(piece);
      yield;
    }
    return again.digest("hex") === digest;
  }
}
