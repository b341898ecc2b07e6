/** Times in order: by size where all are numbers, else by code points, as dates like 2024-05-31 are in order. */
export function timesInOrder(times: Iterable<string>): string[] {
  const list = [...times];
  return list.every((time) => time !== "" && !Number.isNaN(Number(time)))
    ? list.sort((a, b) => Number(a) - Number(b))
    : list.sort((a, b) => (a < b ? -1 : 1));
}
