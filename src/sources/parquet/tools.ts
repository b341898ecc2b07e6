import * as zlib from "node:zlib";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import type { CompressionCodec, Compressors } from "hyparquet";
import { optionalPackage } from "../optional-package.js";

/** What reads Parquet's pages, in one thread: parts of hyparquet, and what decompresses. */
export interface ParquetTools {
  readonly metadata: typeof import("hyparquet").parquetMetadata;
  readonly header: typeof import("hyparquet/src/column.js").parquetHeader;
  readonly delta: typeof import("hyparquet/src/delta.js");
  readonly split: typeof import("hyparquet/src/encoding.js").byteStreamSplit;
  readonly knows: (codec: CompressionCodec) => boolean;
  /** Decompresses a page to `size` bytes; undefined for a codec that nothing here knows. */
  readonly decompress: (codec: CompressionCodec, bytes: Uint8Array, size: number) => Uint8Array | undefined;
}

const PACKAGES = ["hyparquet", "hyparquet-compressors"] as const;

let loaded: ParquetTools | undefined;

/**
 * Loads what reads Parquet.
 *
 * @param file the file that it is for
 * @throws DataError where hyparquet is not installed
 */
export async function parquetTools(file: string): Promise<ParquetTools> {
  if (loaded !== undefined) return loaded;
  const [{ parquetMetadata, snappyUncompress }, { parquetHeader }, delta, { byteStreamSplit }] =
    await optionalPackage(
      () =>
        Promise.all([
          import("hyparquet"),
          import("hyparquet/src/column.js"),
          import("hyparquet/src/delta.js"),
          import("hyparquet/src/encoding.js"),
        ]),
      { file, kind: "a Parquet file", packages: PACKAGES },
    );
  // Without it Snappy, gzip and Brotli are read all the same.
  const compressors = await import("hyparquet-compressors").then(
    (module) => module.compressors,
    () => undefined,
  );
  loaded = {
    metadata: parquetMetadata,
    header: parquetHeader,
    delta,
    split: byteStreamSplit,
    knows: (codec) => OWN.has(codec) || compressors?.[codec] !== undefined,
    decompress: decompressor(compressors, (bytes, out) => snappyUncompress(bytes, out)),
  };
  return loaded;
}

const { zstdDecompressSync } = zlib as { zstdDecompressSync?: (bytes: Uint8Array) => Uint8Array };
const OWN = new Set<CompressionCodec>(["UNCOMPRESSED", "GZIP", "BROTLI", "SNAPPY"]);
if (zstdDecompressSync !== undefined) OWN.add("ZSTD");

function decompressor(
  compressors: Compressors | undefined,
  snappy: (bytes: Uint8Array, out: Uint8Array) => void,
): ParquetTools["decompress"] {
  return (codec, bytes, size) => {
    if (codec === "UNCOMPRESSED") return bytes;
    if (codec === "GZIP") return gunzipSync(bytes);
    if (codec === "BROTLI") return brotliDecompressSync(bytes);
    if (codec === "ZSTD" && zstdDecompressSync !== undefined) return zstdDecompressSync(bytes);
    const known = compressors?.[codec];
    if (known !== undefined) return known(bytes, size);
    if (codec !== "SNAPPY") return undefined;
    const out = new Uint8Array(size);
    snappy(bytes, out);
    return out;
  };
}
