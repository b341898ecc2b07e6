import { optionalPackage } from "../files/optional-package.js";
import type { Bytes } from "./bytes.js";
import { inPieces, ZstdError, ZstdFrames } from "./zstd-frames.js";

/** Node's own decompressor, from 22.15 on. */
type Zlib = Omit<typeof import("node:zlib"), "createZstdDecompress"> & {
  createZstdDecompress?: (options: { chunkSize: number }) => import("node:stream").Transform;
};

/** A block of some bytes may stand for 128 KiB: of so many no more than 128 MiB come at a time. */
const FED = 4096;

/**
 * The decompressed content of zstd bytes, of any number of frames: by Node's zlib where it has it, else by fzstd, which
 * does not check the sums that frames may end in.
 *
 * @throws DataError where this Node has no zstd and fzstd is not installed; ZstdError for what is damaged or ends early
 */
export async function* unzstd(packed: Bytes, file: string): AsyncGenerator<Uint8Array, void, undefined> {
  const { createZstdDecompress }: Zlib = (await import("node:zlib")) as never;
  try {
    yield* createZstdDecompress === undefined ? byFzstd(packed, file) : byNode(packed, createZstdDecompress);
  } catch (error) {
    throw zstdError(error);
  }
}

async function* byNode(
  packed: Bytes,
  create: NonNullable<Zlib["createZstdDecompress"]>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { Readable } = await import("node:stream");
  const { pipeline } = await import("node:stream/promises");
  const frames = new ZstdFrames();
  const parts = (async function* () {
    for await (const piece of packed) yield* frames.parts(piece);
    if (!frames.whole) throw new ZstdError("ZSTD_END");
  })();
  for (;;) {
    let next = await parts.next();
    if (next.done) return;
    const frame = (async function* () {
      for (; !next.done; next = await parts.next()) {
        yield next.value.bytes;
        if (next.value.ends) return;
      }
    })();
    const stream = create({ chunkSize: 1 << 18 });
    const done = pipeline(Readable.from(frame, { objectMode: false }), stream);
    done.catch(() => {});
    try {
      for await (const chunk of stream) yield chunk as Uint8Array;
      await done;
    } finally {
      stream.destroy();
    }
  }
}

async function* byFzstd(packed: Bytes, file: string): AsyncGenerator<Uint8Array, void, undefined> {
  const { Decompress } = await optionalPackage(() => import("fzstd"), {
    file,
    kind: "compressed with zstd",
    packages: ["fzstd"],
  });
  let out: Uint8Array[] = [];
  const stream = new Decompress((chunk) => {
    if (chunk.length > 0) out.push(chunk);
  });
  for await (const piece of inPieces(packed, FED)) {
    stream.push(piece);
    yield* out;
    out = [];
  }
  stream.push(new Uint8Array(0), true);
  yield* out;
}

/** What Node and fzstd say of bytes, as one kind of error. */
function zstdError(error: unknown): unknown {
  const { code, message } = error as { code?: unknown; message?: string };
  if (code === "Z_BUF_ERROR" || code === 5) return new ZstdError("ZSTD_END");
  if (code === 1 || /window|memory/i.test(String(code) + message)) return new ZstdError("ZSTD_WINDOW");
  if (typeof code === "number" || String(code).startsWith("ZSTD_error")) return new ZstdError("ZSTD_DATA");
  return error;
}
