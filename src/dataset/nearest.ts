/** Longer names are not guessed at, and so many at most are compared letter by letter: there may be a million. */
const LONGEST = 200;
const MOST_COMPARED = 10_000;

/** The one of `names` that `name` was most likely meant to be: at most a third of its letters off; else undefined. */
export function nearestName(name: string, names: readonly string[]): string | undefined {
  if (name.length > LONGEST) return undefined;
  const lower = name.toLowerCase();
  let best: string | undefined;
  let compared = 0;
  let least = Math.max(1, Math.floor(name.length / 3)) + 0.5;
  for (const candidate of names) {
    if (Math.abs(candidate.length - name.length) > least) continue;
    if (candidate.toLowerCase() === lower) return candidate;
    if (++compared > MOST_COMPARED) continue;
    const distance = editDistance(name, candidate);
    // A single letter for another is no likeness.
    if (distance < least && distance < name.length) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

/**
 * Insertions, deletions, replacements, and swaps of neighbours that turn `a` into `b`, no letter touched twice (the
 * optimal string alignment distance; Damerau 1964, Levenshtein 1966).
 */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, replaced);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        next[j] = Math.min(next[j]!, before[j - 2]! + 1);
    }
    before = row;
    row = next;
  }
  return row[b.length]!;
}
