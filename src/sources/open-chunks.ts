import type { ChunkDecoder, TypedChunks } from "../csv/typed-rows.js";
import { type ArrowSpec, openArrowChunks } from "./arrow/chunks.js";
import { openParquet, type ParquetSpec } from "./parquet/chunks.js";

/** Opens chunks of typed columns in this thread. */
export async function openChunks({ format, spec }: TypedChunks): Promise<ChunkDecoder> {
  if (format === "arrow") return openArrowChunks(spec as ArrowSpec);
  return openParquet(spec as ParquetSpec);
}
