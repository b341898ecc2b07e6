import { writeSync } from "node:fs";

/**
 * Ends the command without a word when the reader of stdout goes away (`goml predict | head`), as Unix tools do.
 * Node ignores SIGPIPE and reports EPIPE on the stream instead. Any other failure, a full disk for example, ends
 * the command with exit code 3, unless it has said so itself by then.
 */
export function endQuietlyOnBrokenPipe(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit(0);
      process.once("exit", (code) => {
        if (code !== 0) return;
        process.exitCode = 3;
        const reason = error.code === "ENOSPC" ? "no space left on the disk" : error.code;
        if (stream === process.stdout)
          writeSync(
            2,
            `goml: standard output: cannot be written: ${reason}\nhint: part of it may be there\n`,
          );
      });
    });
}
