/** By code points, as UTF-8 bytes sort; JavaScript's own `<` goes by UTF-16, which puts emoji before U+FF00. */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  let i = 0;
  while (i < length && a.charCodeAt(i) === b.charCodeAt(i)) i++;
  if (i === length) return a.length - b.length;
  const x = a.charCodeAt(i);
  const y = b.charCodeAt(i);
  const surrogateX = x >= 0xd800 && x < 0xe000;
  const surrogateY = y >= 0xd800 && y < 0xe000;
  if (surrogateX === surrogateY) return x - y;
  return surrogateX ? 1 : -1;
}

/** Fewer names than this are compared as they are. */
const MANY = 256;
/** A key is 64 bits: the first characters of a name, in 7 bits each, and in the lowest its number. */
const CHARACTERS = 6;
const NUMBER_BITS = 22;

/**
 * The numbers of names in the order of their code points. Where there are very many of them, all ASCII, most of the work
 * is sorting integers, a tenth of what it takes to compare their texts.
 */
export function codePointOrder(names: readonly string[]): Uint32Array {
  return sortByKeys(names) ?? sortAsTexts(names, indices(names.length));
}

function indices(length: number): Uint32Array {
  return Uint32Array.from({ length }, (_, i) => i);
}

function sortAsTexts(names: readonly string[], order: Uint32Array): Uint32Array {
  return order.sort((a, b) => compareCodePoints(names[a]!, names[b]!));
}

/** The same by keys; undefined where that cannot be, or does not pay. */
function sortByKeys(names: readonly string[]): Uint32Array | undefined {
  const count = names.length;
  if (count < MANY || count >= 2 ** NUMBER_BITS) return undefined;
  const common = commonLength(names);
  const keys = new BigUint64Array(count);
  // The same as two halves, low and high: no big integer is made.
  const halves = new Uint32Array(keys.buffer);
  const low = LITTLE_ENDIAN ? 0 : 1;
  for (let i = 0; i < count; i++) {
    const name = names[i]!;
    let key = 0;
    for (let j = 0; j < CHARACTERS; j++) {
      const at = common + j;
      const character = at < name.length ? name.charCodeAt(at) : 0;
      if (character > 0x7f) return undefined;
      key = key * 128 + character;
    }
    const rest = 2 ** (32 - NUMBER_BITS);
    const high = Math.floor(key / rest);
    halves[2 * i + 1 - low] = high;
    halves[2 * i + low] = (key - high * rest) * 2 ** NUMBER_BITS + i;
  }
  keys.sort();
  const order = new Uint32Array(count);
  const isNext = (i: number) =>
    halves[2 * i + 1 - low] === halves[2 * i - 1 - low] &&
    halves[2 * i + low]! >>> NUMBER_BITS === halves[2 * i - 2 + low]! >>> NUMBER_BITS;
  for (let i = 0; i < count; i++) order[i] = halves[2 * i + low]! & (2 ** NUMBER_BITS - 1);
  for (let from = 0, to = 1; from < count; from = to++) {
    while (to < count && isNext(to)) to++;
    if (to > from + 1) sortAsTexts(names, order.subarray(from, to));
  }
  return order;
}

const LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/** How many characters all names begin with alike. */
function commonLength(names: readonly string[]): number {
  const first = names[0]!;
  let length = first.length;
  for (const name of names) {
    length = Math.min(length, name.length);
    while (length > 0 && !name.startsWith(length === first.length ? first : first.slice(0, length))) length--;
    if (length === 0) break;
  }
  return length;
}
