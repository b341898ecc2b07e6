/**
 * Ends the command without a word when the reader of stdout goes away (`goml predict | head`), as Unix tools do.
 * Node ignores SIGPIPE and reports EPIPE on the stream instead.
 */
export function endQuietlyOnBrokenPipe(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit(0);
      throw error;
    });
}
