import type { ErrorKind } from "../../errors.js";

/** The exit code for each kind of error; docs/guide/shell.md says what they mean. */
export const EXIT_CODES: Readonly<Record<ErrorKind, number>> = {
  internal: 1,
  usage: 2,
  data: 3,
  model: 4,
  gate: 5,
  interrupted: 130,
};

/** The exit code of a command that a signal asked to end: 128 and the signal's number, as shells have it. */
export const SIGNAL_CODES = { SIGINT: EXIT_CODES.interrupted, SIGTERM: 143, SIGHUP: 129 } as const;
