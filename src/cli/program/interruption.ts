import { setImmediate as nextTurn } from "node:timers/promises";
import { InterruptedError } from "../../errors.js";
import { EXIT_CODES, SIGNAL_CODES } from "./exit-codes.js";

/** Signals that ask a command to end. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * How long a command has to end by itself once it was asked to: it takes its threads back, its files and what it
 * started. Then it is ended, whatever it waits for; files that are not whole are taken away at exit. A server, which
 * answers first what it was asked, is given longer, see `unhurried`.
 */
const GRACE_MS = 50;

let grace: number | undefined = GRACE_MS;

/**
 * A signal that aborts at Ctrl-C, SIGTERM or SIGHUP, with the one's name as the reason. From then on the process ends soon,
 * with the signal's exit code: also where something that cannot be stopped is under way. The handlers stay until the process ends, for without them a signal in its last
 * moments would end it with no code.
 */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  const end = () => process.exit(interruptedCode(controller.signal));
  const onSignal = (name: NodeJS.Signals) => {
    // Asked twice.
    if (controller.signal.aborted) return grace === undefined ? undefined : end();
    controller.abort(new DOMException(name, "AbortError"));
    if (grace !== undefined) setTimeout(end, grace).unref();
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  return controller.signal;
}

/**
 * Hears the signals that came while the thread was held, before the first byte of the output is written: behind that the
 * command goes on to its end, and exit code 0 says that all of the output is there.
 *
 * @throws InterruptedError when `signal` has aborted
 */
export async function beforeOutput(signal: AbortSignal): Promise<void> {
  // A turn that began by reading a file ends without another look at what the system has to say: the second has one.
  await nextTurn();
  await nextTurn();
  if (signal.aborted) throw new InterruptedError(undefined, { cause: signal.reason });
}

/** The exit code of a command that this signal has ended. */
export function interruptedCode({ reason }: AbortSignal): number {
  const name = reason instanceof Error ? reason.message : "";
  return Object.hasOwn(SIGNAL_CODES, name)
    ? SIGNAL_CODES[name as keyof typeof SIGNAL_CODES]
    : EXIT_CODES.interrupted;
}

/**
 * Leaves the end to the command, which takes as long as it needs. Called where the signals are heard: what a command does
 * is a bundle of its own, with another copy of this file.
 */
export function unhurried(): void {
  grace = undefined;
}
