import { formulaError } from "./formula-error.js";

/** A token of R's language, at character `at` of the text. */
export type Token =
  | { type: "number"; value: number; integer: boolean; at: number; text: string }
  | { type: "name"; name: string; quoted: boolean; at: number; text: string }
  | { type: "string"; value: string; at: number; text: string }
  | { type: "operator"; at: number; text: string }
  | { type: "end"; at: number; text: string };

const SPACE = /\s*/y;
const NUMBER = /(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(L)?/y;
const NAME = /(?:[\p{L}]|\.(?![0-9]))[\p{L}\p{N}._]*/uy;
const QUOTED = /`((?:[^`\\]|\\.)+)`/y;
const STRING = /"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'/y;
const OPERATOR = /%in%|\[\[|\]\]|[[\]]|\*\*|[<>=!]=|&&|\|\||[-+*/^:~(),=<>!&|]/y;

/** Cuts a formula into tokens; the last is of type `end`. Throws UsageError at a character that R's formulas lack. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    return pattern.exec(text);
  };
  for (;;) {
    at += match(SPACE)![0].length;
    if (at >= text.length) break;
    const token = readToken(text, at, match);
    tokens.push(token);
    at += token.text.length;
  }
  tokens.push({ type: "end", at: text.length, text: "" });
  return tokens;
}

function readToken(text: string, at: number, match: (pattern: RegExp) => RegExpExecArray | null): Token {
  let found = match(NUMBER);
  if (found)
    return {
      type: "number",
      value: Number(found[0].replace("L", "")),
      integer: found[1] !== undefined,
      at,
      text: found[0],
    };
  found = match(NAME);
  if (found) return { type: "name", name: found[0], quoted: false, at, text: found[0] };
  found = match(QUOTED);
  if (found)
    return { type: "name", name: found[1]!.replace(/\\(.)/g, "$1"), quoted: true, at, text: found[0] };
  found = match(STRING);
  if (found) {
    const value = (found[1] ?? found[2])!.replace(/\\(.)/g, "$1");
    return { type: "string", value, at, text: found[0] };
  }
  found = match(OPERATOR);
  if (found) return { type: "operator", at, text: found[0] };
  const character = String.fromCodePoint(text.codePointAt(at)!);
  throw formulaError(text, at, `unexpected ${JSON.stringify(character)}`, hintFor(character));
}

function hintFor(character: string): string | undefined {
  if (character === "`") return "Close the backtick.";
  if (character === '"' || character === "'") return "Close the quote.";
  return "Names with other characters go in backticks: `my column`.";
}
