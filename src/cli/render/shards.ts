import type { ShardSet } from "../../linear/model/model-parts.js";
import { described, missingOf } from "../../linear/shards/numbered.js";

/** Which numbered shards a model is made of, and which of the whole are missing; no line where none were numbered. */
export function shardLines(shards: readonly ShardSet[]): string[] {
  return shards.map((set) => {
    const missing = missingOf(set);
    const alone = set.numbers.length === 1 && set.of > 1;
    if (missing.length === 0 || alone) return described(set);
    const { run: _, ...without } = set;
    return `${described(set)}; ${described({ ...without, numbers: missing })} ${missing.length === 1 ? "is" : "are"} missing`;
  });
}

/** The same for scripts; left out where none were numbered. */
export function shardsDocument(shards: readonly ShardSet[]) {
  if (shards.length === 0) return {};
  return { shards: shards.map((set) => ({ ...set, missing: missingOf(set) })) };
}
