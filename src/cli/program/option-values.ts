import { InvalidArgumentError } from "commander";

/** a,b,c */
export function list(text: string): string[] {
  return text.split(",").map((name) => name.trim());
}

/** column=level, several of them collected. */
export function reference(text: string, before: Record<string, string>): Record<string, string> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("expected column=level");
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
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
export function lambda(text: string): number | "path" {
  if (text === "path") return "path";
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0 && value < Infinity))
    throw new InvalidArgumentError('expected a number of 0 or more, or "path"');
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

/** A time in seconds, at most a day. */
export function seconds(text: string): number {
  const value = number(text);
  if (value < 0 || value > 86_400) throw new InvalidArgumentError("expected seconds, 0 to 86400");
  return value;
}
