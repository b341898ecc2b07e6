const FLUSH_MS = 50;
const FLUSH_CHARACTERS = 1 << 16;

/**
 * Standard output for a log: lines are written together, some times a second, since a system call for every request
 * costs about as much as the request. `flush` writes what is left; the end of the process does so too.
 */
export function logStream(): { write: (line: string) => void; flush: () => void } {
  let lines = "";
  let timer: NodeJS.Timeout | undefined;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    const text = lines;
    lines = "";
    if (text !== "") process.stdout.write(text);
  };
  process.once("exit", flush);
  return {
    write: (line) => {
      lines += line;
      if (lines.length >= FLUSH_CHARACTERS) flush();
      else timer ??= setTimeout(flush, FLUSH_MS);
    },
    flush,
  };
}
