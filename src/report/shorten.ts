/** A name for little room: its middle left out, so that what tells names apart at either end stays. */
export function shorten(name: string, most: number): string {
  const all = [...name];
  if (all.length <= most) return name;
  const head = Math.ceil((most - 1) / 2);
  return `${all.slice(0, head).join("")}…${all.slice(all.length - (most - 1 - head)).join("")}`;
}
