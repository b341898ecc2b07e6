import { ModelError } from "../../errors.js";
import { option, wording } from "../../wording.js";
import type { LinearModel } from "../model/model.js";
import type { DataScan, SourceContent } from "../model/model-parts.js";

/** Sources under the name of what was made of them. */
interface NamedSources {
  readonly name: string;
  readonly sources: readonly SourceContent[];
}

/**
 * Refuses to add a source's rows to a model that has them, by content.
 *
 * @throws ModelError
 */
export function refuseAdding(added: NamedSources, { sources }: Pick<NamedSources, "sources">): void {
  if (common(sources, added.sources) !== undefined)
    throw new ModelError(`the rows of ${added.name} are in the model already`, { hint: ANYWAY });
  if (sameTwice(added.sources) !== undefined)
    throw new ModelError(`of ${added.name} two hold the same bytes: their rows would count twice`, {
      hint: ANYWAY,
    });
}

/**
 * Refuses to merge models that have a source in common.
 *
 * @throws ModelError that names it
 */
export function refuseMerging(a: NamedSources, b: NamedSources): void {
  const known = common(a.sources, b.sources);
  if (known === undefined) return;
  throw new ModelError(
    `${a.name} and ${b.name} were both made of the same ${known.bytes} bytes: their rows would count twice`,
    { hint: ANYWAY },
  );
}

const ANYWAY = wording`add them all the same with ${option("again", true)}`;

function common(a: readonly SourceContent[], b: readonly SourceContent[]): SourceContent | undefined {
  return a.find((one) => b.some((other) => sameContent(one, other)));
}

/**
 * A model's sources without those of rows that were taken out. One whose rows were added twice is there twice, and goes
 * once.
 */
export function sourcesLeft(
  all: readonly SourceContent[],
  taken: readonly SourceContent[],
): readonly SourceContent[] {
  const left = [...all];
  for (const one of taken) {
    const same = left.findIndex((source) => sameContent(source, one) && source.firstRow === one.firstRow);
    const at = same >= 0 ? same : left.findIndex((source) => sameContent(source, one));
    if (at >= 0) left.splice(at, 1);
  }
  return left;
}

/** Which of sources that were taken out have not been added since. */
export function stillForgotten(
  forgotten: readonly SourceContent[],
  added: readonly SourceContent[],
): readonly SourceContent[] {
  return forgotten.filter((one) => !added.some((other) => sameContent(one, other)));
}

/**
 * Refuses to take rows out that were taken out already, and not added again: of a source that is known to have been, and
 * of which the model has no more.
 *
 * @throws ModelError
 */
export function refuseForgetting(
  whole: NamedSources & { readonly forgotten: readonly SourceContent[] },
  shard: NamedSources,
): void {
  const gone = shard.sources.find(
    (one) =>
      whole.forgotten.some((other) => sameContent(one, other)) &&
      !whole.sources.some((other) => sameContent(one, other)),
  );
  if (gone === undefined) return;
  throw new ModelError(`the rows of ${shard.name} have been taken out of ${whole.name} already`, {
    hint: wording`take as many out once more with ${option("again", true)}`,
  });
}

/** The first pair of sources of the same content. */
export function sameTwice<S extends Pick<SourceContent, "bytes" | "sha256" | "xxh128">>(
  sources: readonly S[],
): [S, S] | undefined {
  const known = new Map<string, S>();
  for (const source of sources) {
    const key = `${source.bytes} ${source.xxh128 ?? source.sha256}`;
    const other = known.get(key);
    if (other !== undefined) return [other, source];
    known.set(key, source);
  }
  return undefined;
}

/** Whether two contents are the same, by a hash that is known of both. */
export function sameContent(a: SourceContent, b: SourceContent): boolean {
  if (a.bytes !== b.bytes) return false;
  if (a.xxh128 !== undefined && b.xxh128 !== undefined) return a.xxh128 === b.xxh128;
  return a.sha256 !== undefined && a.sha256 === b.sha256;
}

/** The number after that of a model's last row. */
export function endOf({ firstRow, rows, endRow }: Pick<DataScan, "firstRow" | "rows" | "endRow">): number {
  return endRow ?? firstRow + rows;
}

/**
 * Whether a shard's rows are in the same cross-validation folds in the whole as in the shard, as far as is known: where
 * they are drawn by a key they are (`checkCompatible` has seen that it is the same). Else a row's fold follows from its number, which is not the same in a file of its own. It is known of a source that both were made
 * of, and where the shard was told which of the whole's rows its first is. Of older models nothing is known, and nothing
 * speaks against it.
 */
export function sameFolds(
  whole: Pick<LinearModel, "sources" | "scan">,
  shard: Pick<LinearModel, "sources" | "scan">,
): boolean {
  if (whole.scan?.foldBy !== undefined) return true;
  if (whole.sources.length === 0 || shard.sources.length === 0) return true;
  const [all, part] = [whole.scan, shard.scan];
  const told =
    all !== undefined &&
    part !== undefined &&
    part.seed === all.seed &&
    part.firstRow > all.firstRow &&
    endOf(part) <= endOf(all);
  return shard.sources.every((source) => {
    const known = whole.sources.find((one) => sameContent(one, source));
    if (known === undefined) return told;
    if (known.firstRow === undefined && source.firstRow === undefined) return true;
    if (known.firstRow === undefined || source.firstRow === undefined) return told;
    return known.firstRow === source.firstRow && known.seed === source.seed;
  });
}
