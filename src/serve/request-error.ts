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

/** A name or value from a request for a message: quoted, and cut to a readable length. */
export function quoted(value: unknown): string {
  const text = typeof value === "string" ? JSON.stringify(value) : String(JSON.stringify(value));
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
