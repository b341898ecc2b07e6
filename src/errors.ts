/** Exit codes of the command; see docs/ARCHITECTURE.md. */
export type ExitCode = 1 | 2 | 3 | 4 | 5 | 130;

/** Where in an input file an error was found; `line` counts from 1, as editors do. */
export interface Place {
  file?: string | undefined;
  line?: number | undefined;
  /** The row's number from 0, header and blank lines not counted, where the line is not known (yet). */
  row?: number | undefined;
  column?: string | undefined;
  cell?: string | undefined;
}

/**
 * The base of all errors that goml raises on purpose: one line of message, a hint on what to do,
 * and the exit code that the command ends with.
 */
export class GomlError extends Error {
  readonly hint: string | undefined;
  readonly exitCode: ExitCode;

  constructor(
    exitCode: ExitCode,
    message: string,
    options: { hint?: string | undefined; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.exitCode = exitCode;
    this.hint = options.hint;
  }
}

/** Wrong use of a function or an option: exit code 2. */
export class UsageError extends GomlError {
  constructor(message: string, options: { hint?: string | undefined; cause?: unknown } = {}) {
    super(2, message, options);
  }
}

/** Bad data or an unreadable file: exit code 3. The message starts with the place. */
export class DataError extends GomlError {
  readonly place: Place;
  /** The message without the place. */
  readonly problem: string;

  constructor(message: string, options: { place?: Place; hint?: string | undefined; cause?: unknown } = {}) {
    super(3, placed(message, options.place ?? {}), options);
    this.place = options.place ?? {};
    this.problem = message;
  }
}

/** The model file, or the numerics, do not allow what was asked: exit code 4. */
export class ModelError extends GomlError {
  constructor(message: string, options: { hint?: string | undefined; cause?: unknown } = {}) {
    super(4, message, options);
  }
}

/** A gate of `evaluate` or `bench` did not hold: exit code 5. */
export class GateError extends GomlError {
  constructor(message: string, options: { hint?: string | undefined; cause?: unknown } = {}) {
    super(5, message, options);
  }
}

/** The work was stopped from outside, by Ctrl-C or an AbortSignal: exit code 130. */
export class InterruptedError extends GomlError {
  constructor(message = "interrupted", options: { cause?: unknown } = {}) {
    super(130, message, options);
  }
}

function placed(message: string, place: Place): string {
  const parts: string[] = [];
  if (place.file !== undefined)
    parts.push(place.line === undefined ? place.file : `${place.file}:${place.line}`);
  else if (place.line !== undefined) parts.push(`line ${place.line}`);
  if (place.line === undefined && place.row !== undefined) parts.push(`row ${place.row + 1}`);
  if (place.column !== undefined) parts.push(`column ${JSON.stringify(place.column)}`);
  return parts.length === 0 ? message : `${parts.join(": ")}: ${message}`;
}

/** The text of a cell for a message: quoted, cut to a readable length, control characters escaped. */
export function quoteCell(cell: string, limit = 40): string {
  return JSON.stringify(cell.length > limit ? `${cell.slice(0, limit)}…` : cell);
}
