import type { ChunkDecoder, TypedChunks } from "../csv/typed-rows.js";
import { openParquet, type ParquetSpec } from "./parquet/chunks.js";

/** Opens chunks of typed columns in this thread. */
export async function openChunks({ spec }: TypedChunks): Promise<ChunkDecoder> {
  return openParquet(spec as ParquetSpec);
}
