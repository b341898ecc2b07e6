import type { Source } from "../csv/source.js";
import type { DataSource, SourceContent } from "../linear/model/model-parts.js";
import { sameTwice } from "../linear/shards/sources.js";

/** What a model keeps of what it was read from. */
export interface KeptSources {
  /** The file, where it is one. */
  source: DataSource | undefined;
  /** All of them by content. */
  sources: SourceContent[];
}

/** A remark on files of the same content, whose rows count twice. `keepContent` was asked of them. */
export async function repeatedNotes(sources: readonly Source[]): Promise<string[]> {
  if (sources.length < 2) return [];
  const known: { bytes: number; sha256: string; name: string }[] = [];
  for (const source of sources) {
    if (source.rowless) continue;
    const content = await source.content();
    if (content !== undefined) known.push({ ...content, name: source.name });
  }
  const pair = sameTwice(known);
  return pair === undefined
    ? []
    : [`${pair[1].name} holds the same bytes as ${pair[0].name}: their rows count twice`];
}

/**
 * What is to be kept of sources that have been read, `keepContent` having been asked of them before.
 *
 * @param draw where rows' numbers start, and the seed of the folds that follow from them
 */
export async function keptSources(
  sources: readonly Source[],
  { firstRow, seed }: { firstRow: number; seed: number },
): Promise<KeptSources> {
  const contents: SourceContent[] = [];
  for (const [i, source] of sources.filter(({ rowless }) => !rowless).entries()) {
    const content = await source.content();
    // Where a second file's rows start depends on the first's, which nobody has counted by itself.
    if (content !== undefined) contents.push({ ...content, ...(i === 0 ? { firstRow, seed } : {}) });
  }
  const [{ path, fingerprint }] = sources as [Source];
  const one = sources.length === 1 && fingerprint !== undefined && path !== undefined;
  const sha256 = contents[0]?.sha256;
  return {
    source: one ? { path, size: fingerprint.size, ...(sha256 === undefined ? {} : { sha256 }) } : undefined,
    sources: contents,
  };
}
