import { type Bytes, gunzipped, isGzip } from "./bytes.js";
import { unzstd } from "./zstd.js";
import { isZstd } from "./zstd-frames.js";

/** How bytes are compressed. */
export type Packing = "gzip" | "zstd";

/** What bytes are compressed by, as the first four show. */
export function packingOf(head: Uint8Array): Packing | undefined {
  return isGzip(head) ? "gzip" : isZstd(head) ? "zstd" : undefined;
}

/** Bytes without their packing. */
export function unpacked(bytes: Bytes, packed: Packing | undefined, file: string): Bytes {
  if (packed === undefined) return bytes;
  return packed === "gzip" ? gunzipped(bytes) : unzstd(bytes, file);
}
