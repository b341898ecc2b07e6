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
