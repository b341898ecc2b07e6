import { ModelError, UsageError } from "../../errors.js";
import { compareCodePoints } from "../../stats/code-points.js";
import { option, wording } from "../../wording.js";
import type { ShardSet } from "../model/model-parts.js";

/** The number of a shard among those of a whole. */
export interface ShardNumber {
  /** From 1 to `of`. */
  number: number;
  /** How many shards the whole has. */
  of: number;
  /** A name of the whole, such as a date: shards of another name are not merged with these. */
  run?: string | undefined;
}

/** More are no shards of files any more, and the list of those missing would be all that there is room for. */
const MOST_SHARDS = 1_000_000;
const LONGEST_RUN = 200;

/** A shard as the set that a model keeps. @throws UsageError for a number that cannot be */
export function shardSet({ number, of, run }: ShardNumber): ShardSet {
  if (!Number.isSafeInteger(of) || of < 1 || of > MOST_SHARDS)
    throw new UsageError(`a whole has 1 to ${MOST_SHARDS} shards, not ${of}`, { hint: FORM });
  if (!Number.isSafeInteger(number) || number < 1 || number > of)
    throw new UsageError(`there is no shard ${number} of ${of}: they are numbered from 1 to ${of}`, {
      hint: FORM,
    });
  if (run !== undefined && (run.trim() === "" || run.length > LONGEST_RUN))
    throw new UsageError(`a run has a name of 1 to ${LONGEST_RUN} characters`, { hint: FORM });
  return run === undefined ? { of, numbers: [number] } : { run, of, numbers: [number] };
}

const FORM = "a shard is its number of how many, such as 3/8, or nightly:3/8 of a run with a name";

/** What a model file says of shards that cannot be; undefined where there is nothing wrong. */
export function shardsFault(sets: readonly ShardSet[] | undefined): string | undefined {
  const known = new Set<string>();
  for (const [i, set] of (sets ?? []).entries()) {
    const { of, numbers } = set;
    if (of > MOST_SHARDS) return `"shards[${i}].of" should be ${MOST_SHARDS} or less, found ${of}`;
    if (numbers.length === 0 || numbers.some((n, j) => n > of || (j > 0 && n <= numbers[j - 1]!)))
      return `"shards[${i}].numbers" should be ascending numbers from 1 to ${of}`;
    const lists = set.whole !== undefined && set.parts?.length === numbers.length;
    if (!lists && (set.whole !== undefined || set.parts !== undefined))
      return `"shards[${i}]" should have a "whole", and as many "parts" as "numbers", or neither`;
    if (known.has(keyOf(set))) return `"shards[${i}]" is of a run that is there already`;
    known.add(keyOf(set));
  }
  return undefined;
}

/** A model's shards, and what to call the model in messages. */
interface NamedShards {
  readonly name: string;
  readonly shards: readonly ShardSet[];
}

/** What of numbered shards is merged all the same. */
interface ShardOptions {
  /** Whether shards may be missing. */
  partial?: boolean | undefined;
  /** Whether a shard may be there twice. */
  again?: boolean | undefined;
}

/**
 * The shards of several models together.
 *
 * A set of shards that is not whole fits to others of its run and number only: where one of the models has such a set,
 * all have. Sets that are whole are data like any other.
 *
 * @throws ModelError that names a foreign shard, one that is there twice, or those that are missing
 */
export function mergedShards(all: readonly NamedShards[], options: ShardOptions = {}): ShardSet[] {
  if (all.every(({ shards }) => shards.length === 0)) return [];
  refuseForeign(all);
  const united = new Map<string, { set: ShardSet; holders: Map<number, string>; parts: Map<number, Part> }>();
  for (const { name, shards } of all)
    for (const set of shards) {
      const key = keyOf(set);
      const { holders, parts } = united.get(key) ?? {
        holders: new Map<number, string>(),
        parts: new Map<number, Part>(),
      };
      for (const [i, number] of set.numbers.entries()) {
        const other = holders.get(number);
        if (other !== undefined && !options.again)
          throw new ModelError(
            `${other} and ${name} both hold ${described({ ...set, numbers: [number] })}: its rows would count twice`,
            { hint: wording`name each shard once, or add them all the same with ${option("again", true)}` },
          );
        holders.set(number, other ?? name);
        if (set.parts !== undefined) parts.set(number, set.parts[i]!);
      }
      united.set(key, { set, holders, parts });
    }
  const sets = [...united]
    .sort(([a], [b]) => compareCodePoints(a, b))
    .map(([, { set, holders, parts }]) => {
      const numbers = [...holders.keys()].sort((a, b) => a - b);
      if (set.whole === undefined) return { ...set, numbers };
      refuseGaps(numbers, parts, holders);
      return { ...set, numbers, parts: numbers.map((number) => parts.get(number)!) };
    });
  for (const set of sets) {
    const missing = missingOf(set);
    if (missing.length > 0 && !options.partial)
      throw new ModelError(`${described({ ...set, numbers: missing })} ${areMissing(missing)}`, {
        hint: wording`name the models of all, or merge what there is with ${option("partial", true)}`,
      });
  }
  return sets;
}

/**
 * Models in the order of their shards' numbers, so that the bits of what is made of them do not depend on the order in
 * which they are named; those without numbers stay in theirs.
 */
export function inShardOrder<Named extends { readonly model: { readonly shards: readonly ShardSet[] } }>(
  all: readonly Named[],
): Named[] {
  const first = ({ model: { shards } }: Named) =>
    (shards.find((set) => !isWhole(set)) ?? shards[0])?.numbers[0];
  if (all.some((one) => first(one) === undefined)) return [...all];
  return [...all].sort((a, b) => first(a)! - first(b)!);
}

/**
 * The shards that are left of a model's when those of another are taken out; a model that was not made of numbered
 * shards has none.
 *
 * @throws ModelError where it has such shards, and not that one
 */
export function shardsLeft(whole: NamedShards, taken: NamedShards): ShardSet[] {
  if (whole.shards.length === 0) return [];
  const left = new Map(whole.shards.map((set) => [keyOf(set), set]));
  for (const set of taken.shards) {
    const own = left.get(keyOf(set));
    const lacking = set.numbers.filter((number) => !own?.numbers.includes(number));
    if (lacking.length > 0)
      throw new ModelError(
        `the rows of ${taken.name} are not among those of ${whole.name}: ` +
          `that lacks ${described({ ...set, numbers: lacking })}`,
        { hint: "only what was merged or trained in can be taken out" },
      );
    const gone = new Set(set.numbers);
    const rest = own!.numbers.filter((number) => !gone.has(number));
    const parts = own!.parts?.filter((_, i) => !gone.has(own!.numbers[i]!));
    left.set(keyOf(set), { ...own!, numbers: rest, ...(parts === undefined ? {} : { parts }) });
  }
  return [...left.values()].filter(({ numbers }) => numbers.length > 0);
}

/** Shards as words: "shard 3 of 8", "shards 1 to 4 and 6 of 8 of run nightly". */
export function described({ run, of, numbers, whole }: ShardSet): string {
  const which = `${numbers.length === 1 ? "shard" : "shards"} ${listed(numbers)} of ${of}`;
  const named = run === undefined ? which : `${which} of run ${JSON.stringify(run)}`;
  return whole === undefined ? named : `${named}, cut from ${whole.name}`;
}

/** The numbers that a set lacks. */
export function missingOf({ of, numbers }: ShardSet): number[] {
  const there = new Set(numbers);
  return Array.from({ length: of }, (_, i) => i + 1).filter((number) => !there.has(number));
}

function refuseForeign(all: readonly NamedShards[]): void {
  const open = ({ shards }: NamedShards) => shards.filter((set) => !isWhole(set));
  const keys = (one: NamedShards) => open(one).map(keyOf).sort().join();
  const [first] = all.filter((one) => open(one).length > 0);
  if (first === undefined) return;
  const other = all.find((one) => keys(one) !== keys(first) && !complements(one, first));
  if (other === undefined) return;
  const what = ({ shards }: NamedShards) =>
    shards.length === 0 ? "no numbered shard" : shards.map(described).join(" and ");
  throw new ModelError(
    `${first.name} and ${other.name} do not fit together: ${first.name} is ${what(first)}, ${other.name} is ${what(other)}`,
    { hint: "the shards of a whole are trained with the same run and the same number of shards" },
  );
}

/** Whether a model has the whole of what is a part in the other: then it has that twice, which is said as such. */
function complements({ shards }: NamedShards, { shards: parts }: NamedShards): boolean {
  return parts.some((part) => shards.some((set) => keyOf(set) === keyOf(part)));
}

function isWhole({ of, numbers }: ShardSet): boolean {
  return numbers.length === of;
}

function keyOf({ run, of, whole }: ShardSet): string {
  const cut = whole === undefined ? [] : [whole.bytes, whole.sha256];
  return JSON.stringify([run ?? null, of, ...cut]);
}

/** What a shard is of what was cut. */
type Part = NonNullable<ShardSet["parts"]>[number];

/**
 * Refuses shards that follow each other by their numbers, and not by their bytes or rows.
 *
 * @throws ModelError
 */
function refuseGaps(
  numbers: readonly number[],
  parts: ReadonlyMap<number, Part>,
  holders: ReadonlyMap<number, string>,
): void {
  for (const number of numbers) {
    const [a, b] = [parts.get(number)!, parts.get(number + 1)];
    if (b === undefined) continue;
    const rows = a.firstRow !== undefined && b.firstRow !== undefined && a.firstRow + a.rows !== b.firstRow;
    if (a.to === b.from && !rows) continue;
    const [what, end, begin] = rows ? ["row", a.firstRow! + a.rows, b.firstRow] : ["byte", a.to, b.from];
    throw new ModelError(
      `${holders.get(number)} ends before ${what} ${end}, and ${holders.get(number + 1)} begins at ${what} ${begin}: ` +
        "they were not cut alike",
      { hint: "train the shards of one file with the same options" },
    );
  }
}

function areMissing(numbers: readonly number[]): string {
  return numbers.length === 1 ? "is missing" : "are missing";
}

/** At most so many stretches of numbers are told. */
const TOLD = 12;

/** 1, 2, 3 and 7 as "1 to 3 and 7". */
function listed(numbers: readonly number[]): string {
  const stretches: string[] = [];
  for (let i = 0; i < numbers.length; ) {
    let end = i;
    while (numbers[end + 1] === numbers[end]! + 1) end++;
    if (end - i < 2) for (let j = i; j <= end; j++) stretches.push(`${numbers[j]}`);
    else stretches.push(`${numbers[i]} to ${numbers[end]}`);
    i = end + 1;
  }
  if (stretches.length > TOLD) return `${stretches.slice(0, TOLD).join(", ")}, …`;
  const last = stretches.pop()!;
  return stretches.length === 0 ? last : `${stretches.join(", ")} and ${last}`;
}
