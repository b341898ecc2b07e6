import { ModelError } from "../../errors.js";
import { option, wording } from "../../wording.js";
import type { SourceContent } from "../model/model-parts.js";

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
  if (common(sources, added.sources) === undefined) return;
  throw new ModelError(`the rows of ${added.name} are in the model already`, { hint: ANYWAY });
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

/** The sources of both, each once. */
export function unitedSources(all: readonly (readonly SourceContent[])[]): SourceContent[] {
  const united: SourceContent[] = [];
  for (const source of all.flat()) if (!united.some((one) => sameContent(one, source))) united.push(source);
  return united;
}

/** A model's sources without those of rows that were taken out. */
export function sourcesLeft(
  all: readonly SourceContent[],
  taken: readonly SourceContent[],
): readonly SourceContent[] {
  return all.filter((source) => !taken.some((one) => sameContent(one, source)));
}

export function sameContent(a: SourceContent, b: SourceContent): boolean {
  return a.bytes === b.bytes && a.sha256 === b.sha256;
}
