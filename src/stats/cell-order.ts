/** The most bits of a word that a pass of the sort looks at: its counts fit into a first-level cache. */
const DIGIT = 11;

/**
 * The order in which keys of `width` whole numbers ≥ 0 ascend, the first number first; keys that are alike stay in their
 * order. Neighbouring numbers are packed into words of 32 bits, and these are sorted by `sortWords`, each beside its
 * key's place: a pass reads and writes words in a row, and nothing is looked up in between. O(count) whatever the numbers
 * are.
 *
 * @param keys count × width
 */
export function cellOrder(keys: Int32Array, count: number, width: number): Uint32Array {
  const sizes = keySizes(keys, count, width);
  let order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let end = width; end > 0; ) {
    let from = end;
    let span = 1;
    while (from > 0 && span * sizes[from - 1]! <= 2 ** 32) span *= sizes[--from]!;
    if (span > 1) order = sortWords(packed(keys, order, { width, from, end, sizes }), order, span).beside;
    end = from;
  }
  return order;
}

/**
 * Keys that fit into a word of 32 bits each, and the sizes of their numbers: key Σ_j k_j Π_{l>j} size_l; undefined where
 * they do not fit.
 */
export function keyWords(
  keys: Int32Array,
  count: number,
  width: number,
): { words: Uint32Array<ArrayBuffer>; sizes: Float64Array; span: number } | undefined {
  const sizes = keySizes(keys, count, width);
  const span = sizes.reduce((product, size) => product * size, 1);
  if (span > 2 ** 32) return undefined;
  return { words: packed(keys, undefined, { width, from: 0, end: width, sizes }), sizes, span };
}

/** For each number of the keys one more than the largest. */
function keySizes(keys: Int32Array, count: number, width: number): Float64Array {
  const sizes = new Float64Array(width);
  for (let i = 0, at = 0; i < count; i++)
    for (let j = 0; j < width; j++, at++) if (keys[at]! >= sizes[j]!) sizes[j] = keys[at]! + 1;
  return sizes;
}

/** The numbers `from` to `end` − 1 of each key as one word, the keys in `order`, or as they stand. */
function packed(
  keys: Int32Array,
  order: Uint32Array | undefined,
  part: { width: number; from: number; end: number; sizes: Float64Array },
): Uint32Array<ArrayBuffer> {
  const { width, from, end, sizes } = part;
  const words = new Uint32Array(order?.length ?? keys.length / width);
  for (let i = 0; i < words.length; i++) {
    const at = (order === undefined ? i : order[i]!) * width;
    let word = keys[at + from]!;
    for (let j = from + 1; j < end; j++) word = word * sizes[j]! + keys[at + j]!;
    words[i] = word;
  }
  return words;
}

/**
 * Words < `span` in ascending order, and what stands beside each, those alike in their order: by their digits, the last
 * first (Knuth 1998, section 5.2.5). The arrays given are made use of.
 */
export function sortWords(
  words: Uint32Array<ArrayBuffer>,
  beside: Uint32Array<ArrayBuffer>,
  span: number,
): { words: Uint32Array<ArrayBuffer>; beside: Uint32Array<ArrayBuffer> } {
  const count = words.length;
  const bits = Math.ceil(Math.log2(span));
  // Few words are not worth many counts.
  const passes = Math.ceil(bits / Math.min(DIGIT, Math.max(4, Math.ceil(Math.log2(count)))));
  const digit = Math.ceil(bits / Math.max(1, passes));
  const mask = 2 ** digit - 1;
  const places = new Uint32Array(mask + 2);
  let [own, next] = [words, new Uint32Array(count)];
  let [ids, nextIds] = [beside, new Uint32Array(count)];
  for (let pass = 0; pass < passes; pass++) {
    const shift = pass * digit;
    places.fill(0);
    for (let i = 0; i < count; i++) places[((own[i]! >>> shift) & mask) + 1]!++;
    for (let d = 1; d <= mask; d++) places[d]! += places[d - 1]!;
    for (let i = 0; i < count; i++) {
      const word = own[i]!;
      const to = places[(word >>> shift) & mask]!++;
      next[to] = word;
      nextIds[to] = ids[i]!;
    }
    [own, next] = [next, own];
    [ids, nextIds] = [nextIds, ids];
  }
  return { words: own, beside: ids };
}
