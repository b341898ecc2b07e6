import { DataError } from "../../errors.js";
import { lockBeside } from "../../files/lock.js";
import { namedTwice } from "../../files/same-file.js";
import { fileState, sameState } from "../../files/whole-file.js";
import { printError } from "../render/print.js";

/** Where a changed model is written, and on what condition. */
export interface Change {
  /** The file to write. */
  readonly target: string;
  /** Whether that is the model itself. */
  readonly inPlace: boolean;
  /** Throws where the model is not what it was when it was read; called just before it is replaced. */
  readonly check?: () => void;
}

/**
 * Runs a command that reads a model, changes it and writes it again, by default to its own file: then under a lock
 * beside it, so that of two at once the second waits for the first, and neither's rows are lost.
 *
 * @param target where to write; the model itself where it is left out
 * @throws DataError where another program replaces the model meanwhile
 */
export async function changing<T>(
  path: string,
  target: string | undefined,
  signal: AbortSignal,
  work: (change: Change) => Promise<T>,
): Promise<T> {
  if (target !== undefined && namedTwice([path, target]) === undefined)
    return work({ target, inPlace: false });
  const lock = await lockBeside(path, {
    signal,
    onWait: (holder) => printError(`note: ${holder} is changing ${path}; waiting for it\n`),
  });
  try {
    const before = fileState(path);
    const check = () => {
      if (sameState(before, fileState(path))) return;
      throw new DataError("another program has changed it meanwhile", {
        place: { file: path },
        hint: "nothing was written; run the command again",
      });
    };
    return await work({ target: target ?? path, inPlace: true, check });
  } finally {
    lock.release();
  }
}
