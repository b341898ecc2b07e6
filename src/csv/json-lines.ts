import { setImmediate as nextTick } from "node:timers/promises";
import { type TruthWords, truthWords } from "../dataset/record-cells.js";
import { DataError, quoteCell } from "../errors.js";
import type { Bytes } from "./bytes.js";
import { quoteField } from "./write.js";

/** How true and false are written in a column. */
export type TruthOf = (column: string) => TruthWords;

/** Lines that are read at a stretch. */
const LINES = 2000;

/** What stands at a line's beginning where it is an object. */
const OBJECT = /^\uFEFF?[ \t]*\{/;

/** Whether a text's first line is a whole JSON object: JSON lines, and not one object over many lines. */
export function isJsonLines(text: string): boolean {
  const [line = ""] = text.trimStart().split(/\r?\n/, 1);
  return OBJECT.test(line) && parsed(line) !== undefined;
}

/** The keys of a text's objects, in the order in which they come; a line that is cut off does not count. */
export function keysOf(text: string): string[] {
  const keys = new Set<string>();
  for (const line of text.split("\n")) for (const key of Object.keys(parsed(line) ?? {})) keys.add(key);
  return [...keys];
}

/**
 * JSON lines as CSV, a line for a line, behind a header of `keys`: numbers as JavaScript writes them, null and a key
 * left out as an empty cell.
 *
 * @throws DataError for a line that is no object, a value that is one or an array, and a key that is not among `keys`
 */
export function fromJsonLines(
  keys: readonly string[],
  file: string,
  truth: TruthOf = () => truthWords([]),
): (bytes: Bytes) => Bytes {
  const words = new Map(keys.map((key) => [key, truth(key.normalize("NFC"))]));
  const known = new Set(keys);
  const lineOf = (text: string, line: number): string => {
    if (text.trim() === "") return "";
    const record = parsed(text);
    if (record === undefined)
      throw new DataError(`expected a JSON object on each line, found ${quoteCell(text.trim())}`, {
        place: { file, line },
        hint: text.trimStart().startsWith("{")
          ? "each line should be one object and nothing else: look for a brace, a quote or a comma that is missing, or for an object over several lines (jq -c . makes a line of it)"
          : "an array of objects is made lines of by: jq -c '.[]'",
      });
    for (const key of Object.keys(record))
      if (!known.has(key))
        throw new DataError(`there is a value for ${JSON.stringify(key)}, which no line before it has`, {
          place: { file, line, column: key },
          hint: "name all keys on the first line, null where there is no value",
        });
    const cells = keys.map((key) => cellOf(record, key, words.get(key)!, { file, line }));
    // A line without a character would be none.
    return cells.length === 1 && cells[0] === "" ? '""' : cells.join(",");
  };
  return async function* (bytes) {
    const decoder = new TextDecoder("utf-8", { fatal: true });
    const encoder = new TextEncoder();
    const decode = (piece: Uint8Array | undefined): string => {
      try {
        return piece === undefined ? decoder.decode() : decoder.decode(piece, { stream: true });
      } catch (cause) {
        throw new DataError("the text is not valid UTF-8", { place: { file }, cause });
      }
    };
    yield encoder.encode(`${keys.map((key) => quoteField(key, ",")).join(",")}\n`);
    let rest = "";
    let line = 1;
    for await (const piece of bytes) {
      const lines = (rest + decode(piece)).split("\n");
      rest = lines.pop()!;
      for (let from = 0; from < lines.length; from += LINES) {
        const part = lines.slice(from, from + LINES);
        yield encoder.encode(part.map((text) => `${lineOf(text, line++)}\n`).join(""));
        await nextTick();
      }
    }
    rest += decode(undefined);
    if (rest !== "") yield encoder.encode(`${lineOf(rest, line)}\n`);
  };
}

function parsed(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line.startsWith("\uFEFF") ? line.slice(1) : line);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function cellOf(
  record: Readonly<Record<string, unknown>>,
  key: string,
  words: TruthWords,
  place: { file: string; line: number },
): string {
  const value = Object.hasOwn(record, key) ? record[key] : null;
  switch (typeof value) {
    case "string":
      return quoteField(value, ",");
    case "number":
      return String(value);
    case "boolean":
      return words[value ? 1 : 0];
    default:
      if (value === null) return "";
      throw new DataError(
        `expected a number, a text, true, false or null, found ${Array.isArray(value) ? "an array" : "an object"}`,
        { place: { ...place, column: key }, hint: "take its parts out as values of their own first" },
      );
  }
}
