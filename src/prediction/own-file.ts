import type { Source } from "../csv/source.js";
import type { DataSource } from "../linear/model/model-parts.js";

/** Whether data are the one file that a model was fitted on, by its path. */
export function isOwnFile(
  model: { readonly source: DataSource | undefined },
  sources: readonly Source[],
): boolean {
  const [first] = sources;
  return sources.length === 1 && first!.path !== undefined && first!.path === model.source?.path;
}

/** Whether a source's content is that of the file that a model was trained on: its size on disk first, then all of it. */
export async function isTrainedOn(known: DataSource | undefined, source: Source): Promise<boolean> {
  const now = source.fingerprint;
  if (known === undefined || now === undefined || now.size !== known.size) return false;
  // Files of version 0.1 know the time of the last change in its place.
  const { sha256, xxh128 } = known;
  if (sha256 === undefined && xxh128 === undefined) return now.mtimeMs === known.mtimeMs;
  source.keepContent(xxh128 === undefined);
  if (source.packed !== undefined) for await (const _piece of source.chunks());
  const content = await source.content();
  if (content === undefined) return false;
  return xxh128 === undefined ? content.sha256 === sha256 : content.xxh128 === xxh128;
}
