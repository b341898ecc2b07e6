import { displayWidth, shorten } from "../../display-width.js";

/**
 * The names of a column that are wider than `most` cells, cut to it: in the middle, so that what tells names apart at either end
 * stays; where some could then not be told apart, at both ends, around what they do not have in common:
 * `…number_12_in…`.
 */
export function cutNames(names: readonly string[], most: number): ReadonlyMap<string, string> {
  const signed = names.some((name) => SIGN.test(name));
  if (!signed) return cutAll(names, most);
  const bare = cutAll(
    names.map((name) => name.replace(SIGN, "")),
    most - 2,
  );
  return new Map(
    names.map((name) => {
      const [sign = ""] = SIGN.exec(name) ?? [];
      const own = name.slice(sign.length);
      return [name, `${sign}${bare.get(own) ?? own}`];
    }),
  );
}

/** What a change of terms begins with. */
const SIGN = /^[-+] /;

function cutAll(names: readonly string[], most: number): Map<string, string> {
  const long = [...new Set(names)].filter((name) => displayWidth(name) > most);
  const cut = new Map(long.map((name) => [name, shorten(name, most)]));
  if (new Set(cut.values()).size === long.length) return cut;
  const all = long.map((name) => [...name]);
  const first = all[0]!;
  const shortest = all.reduce((least, { length }) => Math.min(least, length), Number.POSITIVE_INFINITY);
  let head = 0;
  while (head < shortest && all.every((name) => name[head] === first[head])) head++;
  let tail = 0;
  while (tail < shortest - head && all.every((name) => name.at(-1 - tail) === first.at(-1 - tail))) tail++;
  for (const name of all) {
    const own = name.slice(head, name.length - tail);
    const left = Math.max(0, most - 2 - displayWidth(own.join("")));
    const before = Math.min(head, Math.ceil(left / 2));
    const after = Math.min(tail, left - before);
    const shown = name.slice(head - before, name.length - tail + after).join("");
    const text = `${before < head ? "…" : ""}${shown}${after < tail ? "…" : ""}`;
    cut.set(name.join(""), shorten(text, most));
  }
  return cut;
}
