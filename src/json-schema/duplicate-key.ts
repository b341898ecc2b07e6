/**
 * The first key that stands twice in one object of a JSON text; undefined where none does. The text has to be JSON:
 * `JSON.parse`, which lets the last of such keys count, has read it before.
 */
export function duplicateKey(text: string): string | undefined {
  const objects: Set<string>[] = [];
  const marks = /["{}]/g;
  for (let mark = marks.exec(text); mark !== null; mark = marks.exec(text)) {
    if (mark[0] === "{") objects.push(new Set());
    else if (mark[0] === "}") objects.pop();
    else {
      const end = stringEnd(text, mark.index);
      marks.lastIndex = end + 1;
      if (!isKey(text, end)) continue;
      const literal = text.slice(mark.index, end + 1);
      const key = literal.includes("\\") ? (JSON.parse(literal) as string) : literal.slice(1, -1);
      const keys = objects.at(-1)!;
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return undefined;
}

/** Where the string that begins at a quote ends. */
function stringEnd(text: string, from: number): number {
  let end = text.indexOf('"', from + 1);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end;
}

/** Whether an odd number of backslashes stands before a place. */
function isEscaped(text: string, at: number): boolean {
  let before = at - 1;
  while (text[before] === "\\") before--;
  return (at - before) % 2 === 0;
}

/** Whether a colon follows. */
function isKey(text: string, end: number): boolean {
  let at = end + 1;
  while (text[at] === " " || text[at] === "\n" || text[at] === "\r" || text[at] === "\t") at++;
  return text[at] === ":";
}
