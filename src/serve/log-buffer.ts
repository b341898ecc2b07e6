import type { Writable } from "node:stream";

const FLUSH_MS = 50;
const FLUSH_CHARACTERS = 1 << 16;

/**
 * A log on its way to a stream. Lines are written together, some times a second, since a system call for every request
 * costs about as much as the request.
 *
 * A reader that does not keep up costs at most `limit` bytes, and holds nothing else up: lines that find no room are
 * dropped, counted, and the count is logged once there is room again. One that goes away ends the log, not the
 * service. One write is under way at a time, so that no queue grows behind this one.
 */
export class LogBuffer {
  /** Lines that were not written. */
  dropped = 0;
  /** Why nothing can be written any more. */
  failure: NodeJS.ErrnoException | undefined;
  private lines = "";
  private count = 0;
  private writing = 0;
  private writingLines = 0;
  private unreported = 0;
  private timer: NodeJS.Timeout | undefined;
  private idle: (() => void)[] = [];

  /**
   * @param limit bytes (characters) that may wait, those being written included
   * @param onFailure told once
   */
  constructor(
    private readonly stream: Writable,
    private readonly limit: number,
    private readonly onFailure: (error: NodeJS.ErrnoException) => void = () => {},
  ) {
    stream.on("error", (error) => this.fail(error));
  }

  /** Adds a line, or drops it. */
  readonly write = (line: string): void => {
    if (this.failure !== undefined || this.writing + this.lines.length + line.length > this.limit) {
      this.dropped++;
      this.unreported++;
      return;
    }
    this.lines += line;
    this.count++;
    if (this.lines.length >= FLUSH_CHARACTERS) this.flush();
    else this.timer ??= setTimeout(() => this.flush(), FLUSH_MS);
  };

  /** Writes what is left, and waits for it, but no longer than `patience` milliseconds; false where it was not done. */
  async end(patience: number): Promise<boolean> {
    this.flush();
    if (this.writing === 0) return this.failure === undefined;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.idle.push(resolve);
      timer = setTimeout(resolve, patience);
    });
    clearTimeout(timer);
    const done = this.writing === 0 && this.failure === undefined;
    if (this.writing > 0) this.dropped += this.count + this.writingLines;
    return done;
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.writing > 0 || this.failure !== undefined || this.lines === "") return;
    const text = this.lines + this.report();
    this.writing = this.lines.length;
    this.lines = "";
    this.writingLines = this.count;
    this.count = 0;
    this.stream.write(text, (error) => {
      this.writing = 0;
      if (error) this.fail(error);
      this.flush();
      if (this.writing > 0) return;
      for (const resolve of this.idle) resolve();
      this.idle = [];
    });
  }

  /** A line on the lines dropped since the last one, in the form of the others. */
  private report(): string {
    const dropped = this.unreported;
    this.unreported = 0;
    if (dropped === 0) return "";
    return `${JSON.stringify({ level: 40, time: Date.now(), dropped, msg: "lines of this log were dropped: its reader does not keep up" })}\n`;
  }

  private fail(error: NodeJS.ErrnoException): void {
    if (this.failure !== undefined) return;
    this.failure = error;
    this.dropped += this.writingLines + this.count;
    this.lines = "";
    this.count = 0;
    this.writing = 0;
    this.onFailure(error);
  }
}
