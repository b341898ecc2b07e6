/**
 * The order in which keys of `width` whole numbers ≥ 0 ascend, the first number first; keys that are alike stay in their
 * order. By counting, from the last number to the first, or by comparing where numbers are large beside the count.
 *
 * @param keys count × width
 */
export function cellOrder(keys: Int32Array, count: number, width: number): Uint32Array {
  let order = Uint32Array.from({ length: count }, (_, i) => i);
  const most = new Int32Array(width);
  for (let i = 0, at = 0; i < count; i++)
    for (let j = 0; j < width; j++, at++) if (keys[at]! > most[j]!) most[j] = keys[at]!;
  if (most.some((value) => value > 32 * count))
    return order.sort((a, b) => {
      for (let j = 0; j < width; j++) {
        const difference = keys[a * width + j]! - keys[b * width + j]!;
        if (difference !== 0) return difference;
      }
      return a - b;
    });
  let next = new Uint32Array(count);
  for (let j = width - 1; j >= 0; j--) {
    if (most[j] === 0) continue;
    const places = new Uint32Array(most[j]! + 2);
    for (let i = 0; i < count; i++) places[keys[i * width + j]! + 1]!++;
    for (let value = 1; value < places.length; value++) places[value]! += places[value - 1]!;
    for (let i = 0; i < count; i++) {
      const cell = order[i]!;
      next[places[keys[cell * width + j]!]!++] = cell;
    }
    [order, next] = [next, order];
  }
  return order;
}
