/** C0 but tab, line feed and carriage return; DEL; C1; and what turns the direction of text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not pass
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/**
 * Text as a terminal may get it: characters that move its cursor, ring its bell or begin a sequence are written as
 * `\u001b`, as JSON writes them, so that a document of JSON stays one. Headers, cells, file names and what a server says may
 * hold any.
 */
export function forTerminal(text: string): string {
  return text.replace(CONTROLS, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
