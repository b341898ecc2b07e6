import { plainText, type Wording, wording } from "./wording.js";

/**
 * What went wrong, by who can do something about it: wrong use of a function or option; bad data or an unreadable file;
 * the model or the numerics; a gate that did not hold; a stop from outside; goml itself.
 */
export type ErrorKind = "usage" | "data" | "model" | "gate" | "interrupted" | "internal";

/** Where in an input file an error was found; `line` counts from 1, as editors do. */
export interface Place {
  file?: string | undefined;
  line?: number | undefined;
  /** The row's number from 0, header and blank lines not counted, where the line is not known (yet). */
  row?: number | undefined;
  column?: string | undefined;
  cell?: string | undefined;
}

export interface ErrorOptions {
  hint?: Wording | undefined;
  cause?: unknown;
}

/** The message and the hint before marks are spelled; `problem` is the message without the place. */
export interface Words {
  readonly message: Wording;
  readonly problem: Wording;
  readonly hint: Wording | undefined;
}

/**
 * The base of all errors that goml raises on purpose: one line of message, a hint on what to do, and its kind.
 *
 * Both may name options of the library: in `message` and `hint` as a user of the library knows them, and in `words` for
 * whoever knows them by other names, as the command line does.
 */
export class GomlError extends Error {
  readonly kind: ErrorKind;
  readonly hint: string | undefined;
  /** Not enumerable: it says what `message` and `hint` say. */
  declare readonly words: Words;

  constructor(kind: ErrorKind, message: Wording, options: ErrorOptions & { problem?: Wording } = {}) {
    super(plainText(message), options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.kind = kind;
    this.hint = options.hint === undefined ? undefined : plainText(options.hint);
    const words: Words = { message, problem: options.problem ?? message, hint: options.hint };
    Object.defineProperty(this, "words", { value: words });
  }
}

/** Wrong use of a function or an option. */
export class UsageError extends GomlError {
  constructor(message: Wording, options: ErrorOptions = {}) {
    super("usage", message, options);
  }
}

/** Bad data or an unreadable file. The message starts with the place. */
export class DataError extends GomlError {
  readonly place: Place;
  /** The message without the place. */
  readonly problem: string;

  constructor(message: Wording, options: ErrorOptions & { place?: Place } = {}) {
    super("data", placed(message, options.place ?? {}), { ...options, problem: message });
    this.place = options.place ?? {};
    this.problem = plainText(message);
  }

  /** The same error at another place, as when the line of its row is found. */
  at(place: Place): DataError {
    return new DataError(this.words.problem, { place, hint: this.words.hint, cause: this.cause });
  }
}

/** The model file, or the numerics, do not allow what was asked. */
export class ModelError extends GomlError {
  constructor(message: Wording, options: ErrorOptions = {}) {
    super("model", message, options);
  }
}

/** A gate of `evaluate` or `bench` did not hold. */
export class GateError extends GomlError {
  constructor(message: Wording, options: ErrorOptions = {}) {
    super("gate", message, options);
  }
}

/** The work was stopped from outside, by Ctrl-C or an AbortSignal. */
export class InterruptedError extends GomlError {
  constructor(message: Wording = "interrupted", options: { cause?: unknown } = {}) {
    super("interrupted", message, options);
  }
}

function placed(message: Wording, place: Place): Wording {
  const parts: string[] = [];
  if (place.file !== undefined)
    parts.push(place.line === undefined ? place.file : `${place.file}:${place.line}`);
  else if (place.line !== undefined) parts.push(`line ${place.line}`);
  if (place.line === undefined && place.row !== undefined) parts.push(`row ${place.row + 1}`);
  if (place.column !== undefined) parts.push(`column ${JSON.stringify(place.column)}`);
  return parts.length === 0 ? message : wording`${parts.join(": ")}: ${message}`;
}

/** The text of a cell for a message: quoted, cut to a readable length, control characters escaped. */
export function quoteCell(cell: string, limit = 40): string {
  return JSON.stringify(cell.length > limit ? `${cell.slice(0, limit)}…` : cell);
}
