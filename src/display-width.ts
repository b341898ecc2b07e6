/** The width of a text in terminal cells: combining marks take none, wide characters two. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const c of text) {
    const code = c.codePointAt(0)!;
    if (code >= 0x300 && code <= 0x36f) continue;
    width +=
      (code >= 0x1100 && code <= 0x115f) || (code >= 0x2e80 && code <= 0xffdc) || code > 0xffff ? 2 : 1;
  }
  return width;
}
