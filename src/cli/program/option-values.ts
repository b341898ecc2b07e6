import { InvalidArgumentError } from "commander";
import type { LambdaChoice } from "../../linear/penalty/penalty.js";
import type { ShardNumber } from "../../linear/shards/numbered.js";
import type { CvKind } from "../../training/cv-kind.js";
import { scheduledShard } from "./scheduled-shard.js";

/** a,b,c; a name with a comma stands in quotes, as in CSV; several of these add up. */
export function list(text: string, before: string[] = []): string[] {
  const names: string[] = [];
  const item = /\s*(?:"((?:[^"]|"")*)"\s*|([^,]*))(,|$)/y;
  for (;;) {
    const match = item.exec(text);
    if (match === null)
      throw new InvalidArgumentError("expected names between commas, in quotes where one has a comma");
    const [, quoted, bare = "", end] = match;
    names.push(quoted === undefined ? bare.trim() : quoted.replaceAll('""', '"'));
    if (end === "") return [...before, ...names];
  }
}

/** The same of terms, in which commas within parentheses and backticks part nothing: `C(h, sum),x`. */
export function termList(text: string, before: string[] = []): string[] {
  const parts: string[] = [];
  let [from, depth] = [0, 0];
  let quote = "";
  for (let at = 0; at < text.length; at++) {
    const c = text[at]!;
    if (quote !== "") quote = c === quote ? "" : quote;
    else if (
      c === "`" ||
      (c === '"' &&
        (depth > 0 ||
          text
            .slice(from, at + 1)
            .trimStart()
            .startsWith('"')))
    )
      quote = c;
    else if (c === "(") depth++;
    else if (c === ")") depth--;
    else if (c === "," && depth === 0) {
      parts.push(text.slice(from, at));
      from = at + 1;
    }
  }
  // Names with a parenthesis or quote that is none of a call.
  if (depth !== 0 || quote !== "") return list(text, before);
  parts.push(text.slice(from));
  const named = parts.flatMap((part) => (/^\s*"/.test(part) ? list(part) : [part.trim()]));
  return [...before, ...named];
}

/** The name of a covariance, in upper or lower case. */
export function vcov(choices: readonly string[]): (text: string) => string {
  return (text) => {
    const name = text.toLowerCase();
    if (!choices.includes(name)) throw new InvalidArgumentError(`Allowed choices are ${choices.join(", ")}.`);
    return name;
  };
}

/** A number of lags, or auto. */
export function lag(text: string): number | "auto" {
  return text === "auto" ? text : natural(text);
}

/** name=value, several between commas; true and false are what they say. */
export function ssc(
  text: string,
  before: Record<string, string | boolean> = {},
): Record<string, string | boolean> {
  const all = { ...before };
  for (const item of list(text)) {
    const [name, value, ...more] = item.split("=");
    if (!name || !value || more.length > 0) throw new InvalidArgumentError("expected name=value");
    const lower = value.toLowerCase();
    all[name] = lower === "true" || lower === "false" ? lower === "true" : value;
  }
  return all;
}

/** column=level, several of them collected; a column with an equals sign in its name stands in quotes. */
export function reference(text: string, before: Record<string, string>): Record<string, string> {
  const quoted = /^"((?:[^"]|"")+)"=(.*)$/s.exec(text);
  if (quoted !== null) return { ...before, [quoted[1]!.replaceAll('""', '"')]: quoted[2]! };
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("expected column=level");
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

/** column=value, several of them collected, each column once. */
export function setting(text: string, before: Record<string, string>): Record<string, string> {
  if (!text.includes("=", 1)) throw new InvalidArgumentError("expected column=value");
  const all = reference(text, before);
  if (Object.keys(all).length === Object.keys(before).length)
    throw new InvalidArgumentError("the column has a value already: a row has one of each");
  return all;
}

/** Numbers by name, and one for all that are not named. */
export interface NamedNumbers {
  all?: number;
  named: Record<string, number>;
}

/** name=number, several between commas and of these options collected; a name with a comma stands in quotes, as in CSV. */
export function namedNumbers(text: string, before: Record<string, number> = {}): Record<string, number> {
  const named = { ...before };
  for (const item of list(text)) {
    const [name, value] = nameAndNumber(item);
    if (name === undefined) throw new InvalidArgumentError("expected name=number");
    named[name] = value;
  }
  return named;
}

/** The same, or a number for all. */
export function bounds(text: string, before: NamedNumbers = { named: {} }): NamedNumbers {
  const found: NamedNumbers = { ...before, named: { ...before.named } };
  for (const item of list(text)) {
    const [name, value] = nameAndNumber(item);
    if (name === undefined) found.all = value;
    else found.named[name] = value;
  }
  return found;
}

/** A column's name may have an equals sign, a number has none: the last one parts them. */
function nameAndNumber(item: string): [name: string | undefined, value: number] {
  const at = item.lastIndexOf("=");
  const digits = item.slice(at + 1).trim();
  const infinite = /^([+-]?)inf(inity)?$/i.exec(digits);
  const value = infinite === null ? Number(digits) : infinite[1] === "-" ? -Infinity : Infinity;
  if (digits === "" || Number.isNaN(value))
    throw new InvalidArgumentError(`expected ${at < 1 ? "a number, or name=number" : "a number after ="}`);
  if (at < 0) return [undefined, value];
  const name = item.slice(0, at).trim().normalize("NFC");
  if (name === "") throw new InvalidArgumentError("expected name=number");
  return [name, value];
}

/** Numbers between commas. */
export function numbers(text: string, before: number[] = []): number[] {
  return [...before, ...text.split(",").map(number)];
}

/** name=value, several of them collected. */
export function assignment(text: string, before: Record<string, string>): Record<string, string> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("expected name=value");
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

/** The option may be given several times. */
export function several(text: string, before: string[] = []): string[] {
  return [...before, text];
}

export function number(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) throw new InvalidArgumentError("expected a number");
  return value;
}

export function integer(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isSafeInteger(value))
    throw new InvalidArgumentError("expected an integer");
  return value;
}

export function positive(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError("expected an integer of 1 or more");
  return value;
}

export function count(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isSafeInteger(value) || value < 0)
    throw new InvalidArgumentError("expected an integer of 0 or more");
  return value;
}

/** A number between 0 and 1, both excluded. */
export function share(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 1)) throw new InvalidArgumentError("expected a number between 0 and 1");
  return value;
}

/** A share of 0 or more, in per cent where it ends so. */
export function tolerance(text: string): number {
  const [, digits, percent] = /^\s*([0-9.eE+-]+)\s*(%?)\s*$/.exec(text) ?? [];
  const value = Number(digits) / (percent === "%" ? 100 : 1);
  if (!(value >= 0 && value < Infinity))
    throw new InvalidArgumentError("expected a share of 0 or more, such as 1% or 0.01");
  return value;
}

/** A factor of 1 or more. */
export function factor(text: string): number {
  const value = number(text);
  if (value < 1) throw new InvalidArgumentError("expected a number of 1 or more");
  return value;
}

export function concurrency(text: string): number | "auto" {
  if (text === "auto") return "auto";
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('expected an integer of 1 or more, or "auto"');
  return value;
}

/** A penalty's λ, or how it is found. */
export function lambda(text: string): LambdaChoice {
  if (text === "path" || text === "1se") return text;
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0 && value < Infinity))
    throw new InvalidArgumentError('expected a number of 0 or more, "path" or "1se"');
  return value;
}

/** A power above 0. */
export function adaptivePower(text: string): number {
  const value = number(text);
  if (value <= 0) throw new InvalidArgumentError("expected a power above 0");
  return value;
}

/** A number from 0 to 1, both included. */
export function mix(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0 && value <= 1))
    throw new InvalidArgumentError("expected a number from 0 (ridge) to 1 (lasso)");
  return value;
}

/** An integer of 0 or more. */
export function natural(text: string): number {
  const value = integer(text);
  if (value < 0) throw new InvalidArgumentError("expected an integer of 0 or more");
  return value;
}

/** A shard's number of how many, such as 3/8, after the name of its run where it has one. */
export function shardId(text: string): ShardNumber {
  const [, run, number, of] = /^(?:(.*):)?([0-9]+)\/([0-9]+)$/s.exec(text.trim()) ?? [];
  const shard = { number: Number(number), of: Number(of), ...(run === undefined ? {} : { run }) };
  if (number === undefined || of === undefined)
    throw new InvalidArgumentError("expected a shard's number of how many, such as 3/8 or nightly:3/8");
  return shard;
}

/** The same, or `auto`, `auto/8`, `nightly:auto`: by the variables of a scheduler. */
export function shard(text: string): ShardNumber {
  const [, run, of] = /^(?:(.*):)?auto(?:\/([0-9]+))?$/s.exec(text.trim()) ?? [];
  if (!/^(?:.*:)?auto(\/|$)/s.test(text.trim())) return shardId(text);
  const found = scheduledShard(process.env, of === undefined ? undefined : Number(of));
  if (typeof found === "string") throw new InvalidArgumentError(found);
  return { ...found, ...(run === undefined ? {} : { run }) };
}

/** How rows are put into folds: loo, group:column, time:column, repeated:10x3 (or 10×3, 10 x 3). */
export function cvKind(text: string): CvKind {
  const [, name, rest] = /^\s*([a-z]+)\s*(?::(.*))?$/s.exec(text) ?? [];
  if (name === "loo" && rest === undefined) return { kind: "loo" };
  const column = rest?.trim().normalize("NFC") ?? "";
  if ((name === "group" || name === "time") && column !== "") return { kind: name, column };
  const [, folds, times] = /^\s*([0-9]+)\s*[x×]\s*([0-9]+)\s*$/.exec(rest ?? "") ?? [];
  if (name === "repeated" && folds !== undefined && times !== undefined)
    return { kind: "repeated", folds: Number(folds), times: Number(times) };
  throw new InvalidArgumentError(
    "expected loo, group:COLUMN, time:COLUMN or repeated:FOLDSxTIMES, as repeated:10x3",
  );
}

/** A time in seconds, at most a day. */
export function seconds(text: string): number {
  const value = number(text);
  if (value < 0 || value > 86_400) throw new InvalidArgumentError("expected seconds, 0 to 86400");
  return value;
}

/** One ASCII character that has no other meaning in CSV. */
export function character(text: string): string {
  if (!/^[!#-+\-/:-@[-`{-~]$/.test(text)) throw new InvalidArgumentError("expected one character, such as #");
  return text;
}
