import * as zlib from "node:zlib";
import type { CompressionCodec, Compressors } from "hyparquet";
import { DataError } from "../../errors.js";
import { optionalPackage } from "../../files/optional-package.js";
import { Kernels } from "../../kernels/kernels.js";
import { PageBuffer } from "../../kernels/pages.js";

/** What reads Parquet's footers and pages, in one thread: parts of hyparquet, and what decompresses. */
export interface ParquetTools {
  readonly metadata: typeof import("hyparquet/src/metadata.js").parquetMetadata;
  readonly header: typeof import("hyparquet/src/column.js").parquetHeader;
  readonly delta: typeof import("hyparquet/src/delta.js");
  readonly split: typeof import("hyparquet/src/encoding.js").byteStreamSplit;
  /** Where pages are read to, one after the other. */
  readonly pages: PageBuffer;
  /** Decompresses a page by another codec than the kernels have; undefined for one that nothing here knows. */
  readonly decompress: (codec: CompressionCodec, bytes: Uint8Array, size: number) => Uint8Array | undefined;
}

let loaded: ParquetTools | undefined;

/**
 * Loads what reads Parquet.
 *
 * @param file the file that it is for
 * @param codecs those that its pages are compressed by
 * @throws DataError with the `npm install` line where it is not installed
 */
export async function parquetTools(
  file: string,
  codecs: Iterable<CompressionCodec> = [],
): Promise<ParquetTools> {
  const others = [...codecs].filter((codec) => !KERNELS.has(codec) && !OWN.has(codec));
  loaded ??= await loadTools(file);
  if (others.length === 0 || compressors !== undefined) return loaded;
  const module = await optionalPackage(() => import("hyparquet-compressors"), {
    file,
    kind: `a Parquet file whose pages are compressed by ${others[0]}`,
    packages: ["hyparquet-compressors"],
  });
  compressors = module.compressors;
  const unknown = others.find((codec) => compressors![codec] === undefined);
  if (unknown !== undefined)
    throw new DataError(`the pages are compressed by ${unknown}, which goml does not read`, {
      place: { file },
      hint: "write the file with Snappy or zstd",
    });
  return loaded;
}

/** What the kernels decompress. */
const KERNELS: ReadonlySet<CompressionCodec> = new Set(["SNAPPY", "LZ4_RAW"]);
let compressors: Compressors | undefined;

// Not as an import, which a bundler would make of it, and which Nodes without it do not load.
const { zstdDecompressSync } = process.getBuiltinModule("node:zlib") as {
  zstdDecompressSync?: (bytes: Uint8Array) => Uint8Array;
};
/** What Node's zlib decompresses. */
const OWN = new Map<CompressionCodec, (bytes: Uint8Array) => Uint8Array>([
  ["UNCOMPRESSED", (bytes) => bytes],
  ["GZIP", (bytes) => zlib.gunzipSync(bytes)],
  ["BROTLI", (bytes) => zlib.brotliDecompressSync(bytes)],
]);
if (zstdDecompressSync !== undefined) OWN.set("ZSTD", zstdDecompressSync);

async function loadTools(file: string): Promise<ParquetTools> {
  // Its parts: the whole would be three times as many files.
  const [{ parquetMetadata }, { parquetHeader }, delta, { byteStreamSplit }] = await optionalPackage(
    () =>
      Promise.all([
        import("hyparquet/src/metadata.js"),
        import("hyparquet/src/column.js"),
        import("hyparquet/src/delta.js"),
        import("hyparquet/src/encoding.js"),
      ]),
    { file, kind: "a Parquet file", packages: ["hyparquet", "hyparquet-compressors"] },
  );
  return {
    metadata: parquetMetadata,
    header: parquetHeader,
    delta,
    split: byteStreamSplit,
    pages: new PageBuffer(new Kernels()),
    decompress: (codec, bytes, size) => OWN.get(codec)?.(bytes) ?? compressors?.[codec]?.(bytes, size),
  };
}
