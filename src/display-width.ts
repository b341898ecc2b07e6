/** The width of a text in terminal cells: combining marks take none, wide characters two. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const c of text) width += cellsOf(c);
  return width;
}

function cellsOf(character: string): number {
  const code = character.codePointAt(0)!;
  if (code >= 0x300 && code <= 0x36f) return 0;
  return (code >= 0x1100 && code <= 0x115f) || (code >= 0x2e80 && code <= 0xffdc) || code > 0xffff ? 2 : 1;
}

/** A name for at most so many cells: its middle left out, so that what tells names apart at either end stays. */
export function shorten(name: string, most: number): string {
  if (displayWidth(name) <= most) return name;
  const all = [...name];
  let [head, tail] = [0, all.length];
  let left = most - 1;
  for (let front = true; head < tail; front = !front) {
    const width = cellsOf(all[front ? head : tail - 1]!);
    if (width > left) break;
    left -= width;
    if (front) head++;
    else tail--;
  }
  return `${all.slice(0, head).join("")}…${all.slice(tail).join("")}`;
}
