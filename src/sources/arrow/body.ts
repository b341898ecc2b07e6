import { optionalPackage } from "../../files/optional-package.js";
import { Kernels } from "../../kernels/kernels.js";
import { PageBuffer } from "../../kernels/pages.js";
import { readInto } from "../read-at.js";
import type { BatchPart, BodyCodec, Buffer as Place } from "./batch.js";
import { lz4Blocks } from "./lz4-frame.js";

type Batch = Pick<BatchPart, "at" | "codec">;
type Zstd = (bytes: Uint8Array, size: number) => Uint8Array;

/** The length that says that a buffer of a compressed batch is stored as it is. */
const STORED = -1n;
/** The least bytes that a compressed buffer of so many may have come from: zstd and LZ4 do no better. */
const MOST_RATIO = 1 << 17;

/** Reads the buffers of batches, decompressed, in one thread. */
export class BodyReader {
  readonly #pages = new PageBuffer(new Kernels());
  readonly #zstd: Zstd | undefined;
  #kept: { readonly fd: number; readonly at: number; readonly buffers: Map<number, Uint8Array> } | undefined;

  private constructor(zstd: Zstd | undefined) {
    this.#zstd = zstd;
  }

  /** @throws DataError where zstd is needed, this Node has none, and fzstd is not installed */
  static async open(codecs: ReadonlySet<BodyCodec | undefined>, file: string): Promise<BodyReader> {
    return new BodyReader(codecs.has("zstd") ? await zstdOf(file) : undefined);
  }

  /** Bytes `from` to `to` of one of a batch's buffers, in memory of their own. */
  bytes(
    fd: number,
    { at, codec }: Batch,
    place: Place,
    from: number,
    to: number,
    again: boolean,
  ): Uint8Array {
    if (codec !== undefined) {
      const all = this.whole(fd, { at, codec }, place, again);
      if (to > all.length) throw new RangeError("a column of a batch ends too early");
      return all.subarray(from, to);
    }
    if (to > place.length) throw new RangeError("a column of a batch ends too early");
    return readInto(new Uint8Array(to - from), fd, place.at + from);
  }

  /**
   * All bytes of a buffer.
   *
   * @param again whether other rows of the batch will be asked for: then what was decompressed is kept until another
   * batch is read of which that is so
   */
  whole(fd: number, { at, codec }: Batch, place: Place, again: boolean): Uint8Array {
    const read = () =>
      codec === undefined
        ? readInto(new Uint8Array(place.length), fd, place.at)
        : this.#decompressed(fd, place, codec);
    if (!again) return read();
    if (this.#kept?.fd !== fd || this.#kept.at !== at) this.#kept = { fd, at, buffers: new Map() };
    const { buffers } = this.#kept;
    const bytes = buffers.get(place.at) ?? read();
    buffers.set(place.at, bytes);
    return bytes;
  }

  #decompressed(fd: number, { at, length }: Place, codec: BodyCodec): Uint8Array {
    if (length === 0) return new Uint8Array(0);
    if (length < 8) throw new RangeError("a column of a batch ends too early");
    const page = readInto(this.#pages.input(length), fd, at);
    const announced = new DataView(page.buffer, page.byteOffset, 8).getBigInt64(0, true);
    if (announced === STORED) return page.slice(8);
    const size = Number(announced);
    if (!(size >= 0 && size <= length * MOST_RATIO))
      throw new RangeError("a compressed column has an impossible length");
    if (size === 0) return new Uint8Array(0);
    if (codec === "lz4") return this.#pages.lz4(lz4Blocks(page, 8), size).slice();
    const out = this.#zstd!(page.subarray(8), size);
    if (out.length !== size) throw new RangeError("the compressed bytes of a column are damaged");
    return out;
  }
}

/** Node's zstd, from 22.15 on, else fzstd. */
async function zstdOf(file: string): Promise<Zstd> {
  // Not as an import, which a bundler would make of it, and which Nodes without it do not load.
  const { zstdDecompressSync } = process.getBuiltinModule("node:zlib") as {
    zstdDecompressSync?: (bytes: Uint8Array, options: { maxOutputLength: number }) => Uint8Array;
  };
  if (zstdDecompressSync !== undefined)
    return (bytes, size) => zstdDecompressSync(bytes, { maxOutputLength: size });
  const { decompress } = await optionalPackage(() => import("fzstd"), {
    file,
    kind: "an Arrow file whose batches are compressed by zstd",
    packages: ["fzstd"],
  });
  return (bytes) => decompress(bytes);
}
