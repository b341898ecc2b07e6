import { checkedTimesInOrder, timesInOrder } from "../../dataset/times-in-order.js";
import { UsageError } from "../../errors.js";
import type { Steps } from "../../parallel/steps.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { mergeTreeSteps } from "./merge-steps.js";

/** The rows that share a value of a column. */
export interface Part {
  name: string;
  moments: CrossProducts;
}

/** Parts put together. */
export interface PartedFolds {
  /** What each fold is called: its value, the first and the last of them, or how many there are. */
  names: string[];
  folds: CrossProducts[];
}

/**
 * Folds that keep groups together: each group by itself (scikit-learn's LeaveOneGroupOut), or `count` folds of about as many
 * rows (its GroupKFold): the groups by falling size, those of one size by their names, each to the fold that has the fewest
 * rows so far, the first of several.
 *
 * @throws UsageError for fewer than two groups, or fewer than folds
 */
export function* groupFoldsSteps(groups: readonly Part[], count: number | undefined): Steps<PartedFolds> {
  const least = count ?? 2;
  if (groups.length < least)
    throw new UsageError(
      `${least === 2 ? "leaving groups out" : `${least} folds of groups`} needs ${least} groups with rows, found ${groups.length}`,
    );
  const ordered = timesInOrder(groups.map(({ name }) => name));
  const place = new Map(ordered.map((name, i) => [name, i]));
  const byName = [...groups].sort((a, b) => place.get(a.name)! - place.get(b.name)!);
  if (count === undefined)
    return { names: byName.map(({ name }) => name), folds: byName.map(({ moments }) => moments) };
  const bySize = byName.sort((a, b) => b.moments.n - a.moments.n);
  const members: CrossProducts[][] = Array.from({ length: count }, () => []);
  const rows = new Array<number>(count).fill(0);
  for (const { moments } of bySize) {
    const lightest = rows.indexOf(Math.min(...rows));
    members[lightest]!.push(moments);
    rows[lightest]! += moments.n;
  }
  const folds: CrossProducts[] = [];
  for (const own of members) folds.push(yield* mergeTreeSteps(own));
  return { names: members.map((own) => (own.length === 1 ? "1 group" : `${own.length} groups`)), folds };
}

/**
 * Stretches of time, the first only to learn from: with n rows in order of time and s splits each later one has ⌊n/(s + 1)⌋
 * rows, as scikit-learn's TimeSeriesSplit has it; the first has the rest. Rows of one time stay together, in the stretch in
 * which the first of them lies.
 *
 * @throws UsageError where there are fewer rows than splits and one, and for texts that do not order them
 */
export function* timeFoldsSteps(times: readonly Part[], splits: number, column: string): Steps<PartedFolds> {
  const n = times.reduce((sum, { moments }) => sum + moments.n, 0);
  const size = Math.floor(n / (splits + 1));
  if (size === 0)
    throw new UsageError(`${splits} splits along time need more than ${splits} rows, found ${n}`);
  const byName = new Map(times.map((part) => [part.name, part]));
  const stretches: Part[][] = Array.from({ length: splits + 1 }, () => []);
  let before = 0;
  for (const name of checkedTimesInOrder(byName.keys(), column)) {
    const part = byName.get(name)!;
    const at = Math.max(0, Math.floor((before - (n - splits * size)) / size) + 1);
    stretches[Math.min(at, splits)]!.push(part);
    before += part.moments.n;
  }
  const folds: CrossProducts[] = [];
  const names: string[] = [];
  for (const own of stretches.filter((parts) => parts.length > 0)) {
    folds.push(yield* mergeTreeSteps(own.map(({ moments }) => moments)));
    const [first, last] = [own[0]!.name, own.at(-1)!.name];
    names.push(first === last ? first : `${first} to ${last}`);
  }
  return { names, folds };
}
