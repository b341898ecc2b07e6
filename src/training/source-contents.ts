import { type Content, SHA256_BYTES } from "../csv/content.js";
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

/**
 * Asks for the contents of sources, to be compared with those of models: of models that know long ones by their SHA-256, as
 * none does that is written now, by that too.
 */
export function keepContents(sources: readonly Source[], known: readonly SourceContent[] = []): void {
  const sha256 = known.some((one) => one.bytes > SHA256_BYTES && one.xxh128 === undefined);
  for (const source of sources) source.keepContent(sha256);
}

/** A remark on files of the same content, whose rows count twice. `keepContent` was asked of them. */
export async function repeatedNotes(sources: readonly Source[]): Promise<string[]> {
  if (sources.length < 2) return [];
  const known: (Content & { name: string })[] = [];
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
  const { sha256, xxh128 } = contents[0] ?? {};
  const hashes = { ...(sha256 === undefined ? {} : { sha256 }), ...(xxh128 === undefined ? {} : { xxh128 }) };
  return {
    source: one ? { path, size: fingerprint.size, ...hashes } : undefined,
    sources: contents,
  };
}
