import { GomlError } from "../errors.js";

/** A request that is refused, with the HTTP status that says why; the message goes into the answer. */
export class RequestError extends GomlError {
  readonly status: number;

  constructor(status: number, message: string, options: { cause?: unknown } = {}) {
    super("data", message, options);
    this.status = status;
  }
}

/** The commonest refusal: the body does not say what the model needs. */
export function badRequest(message: string): RequestError {
  return new RequestError(400, message);
}

const LONGEST = 80;

/** A name or value from a request for a message: quoted, and cut to a readable length, whatever its size and depth. */
export function quoted(value: unknown): string {
  const text = described(value, 2);
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
}

/** JSON of a value's beginning: `JSON.stringify` would walk all of it, and overflow the stack where it is deep. */
function described(value: unknown, depth: number): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, LONGEST));
  if (typeof value !== "object" || value === null) return String(JSON.stringify(value));
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  if (depth === 0) return `${open}…${close}`;
  const parts: string[] = [];
  for (const key in value) {
    const inner = described((value as Record<string, unknown>)[key], depth - 1);
    parts.push(Array.isArray(value) ? inner : `${JSON.stringify(key.slice(0, LONGEST))}:${inner}`);
    if (parts.length === LONGEST / 2) break;
  }
  return `${open}${parts.join(",")}${close}`;
}

/** Names for a message: quoted, the first of them where there are many. */
export function listed(names: readonly string[], most = 20): string {
  return names.slice(0, most).map(quoted).join(", ") + (names.length > most ? ", …" : "");
}
