import { InterruptedError } from "../errors.js";
import { Kernels } from "../kernels/kernels.js";
import { Xxh128 } from "../kernels/xxh128.js";

const NEXT = 0;
const HEADER_BYTES = 16;
/** How long a thread sleeps before it looks whether what it waits for can still come, in milliseconds. */
const PATIENCE_MS = 50;

/**
 * The XXH128 of a file whose chunks several threads read, in memory that they share: it goes from chunk to chunk in their
 * order, and nobody reads the file a second time for it. A chunk is hashed in a twentieth of the time of its parsing, and
 * before that, so that whoever has the next one hardly waits.
 */
export class ChainedHash {
  /** The shared memory; hand it to workers and make a ChainedHash of it there. */
  readonly buffer: SharedArrayBuffer;
  readonly #header: Int32Array;
  readonly #state: Uint8Array;
  #hash: Xxh128 | undefined;

  constructor(buffer = new SharedArrayBuffer(HEADER_BYTES + Xxh128.STATE_BYTES)) {
    this.buffer = buffer;
    this.#header = new Int32Array(buffer, 0, 1);
    this.#state = new Uint8Array(buffer, HEADER_BYTES);
  }

  /** One that chunk 0 goes on with after these bytes. */
  static after(head: Uint8Array): ChainedHash {
    const chain = new ChainedHash();
    if (!Xxh128.begin(chain.#state, head)) {
      const hash = new Xxh128(new Kernels());
      hash.update(head);
      hash.store(chain.#state);
    }
    return chain;
  }

  /**
   * Adds a chunk's bytes where it is its turn, else gives false.
   *
   * @param reader what has the chunk in the kernels' memory
   */
  add(chunk: number, kernels: Kernels, reader: { hash?(hash: Xxh128): void }): boolean {
    if (Atomics.load(this.#header, NEXT) !== chunk) return false;
    this.#hash ??= new Xxh128(kernels, 0);
    this.#hash.load(this.#state);
    reader.hash!(this.#hash);
    this.#hash.store(this.#state);
    Atomics.store(this.#header, NEXT, chunk + 1);
    Atomics.notify(this.#header, NEXT);
    return true;
  }

  /** Sleeps until it may be a chunk's turn. @throws InterruptedError once the scan has failed */
  sleep(chunk: number, scan: { readonly failed: boolean }): void {
    const next = Atomics.load(this.#header, NEXT);
    if (next !== chunk) Atomics.wait(this.#header, NEXT, next, PATIENCE_MS);
    if (scan.failed) throw new InterruptedError("the scan has failed elsewhere");
  }

  /** Whether that many chunks are in it. */
  has(chunks: number): boolean {
    return Atomics.load(this.#header, NEXT) === chunks;
  }

  /** The hash of all that was added, as `xxh128sum` prints it. */
  digest(): string {
    const hash = this.#hash ?? new Xxh128(new Kernels(), 0);
    hash.load(this.#state);
    return hash.digest();
  }
}
