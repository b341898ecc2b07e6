/** How data are read: options of all that reads a table. */
export interface ReadingControl {
  /** Worker threads; 1 works on the calling thread, as does a small file. Default: the cores of this process. */
  threads?: number | undefined;
  /**
   * Whether the calling thread is one of the threads: right for a command, which then starts one worker less and
   * works while the others start; wrong for a server, whose event loop would wait some milliseconds at a time.
   * Default: false.
   */
  callerWorks?: boolean | undefined;
  /** Stops the work; the promise then rejects with InterruptedError. */
  signal?: AbortSignal | undefined;
  /** Told of bytes read, now and then. */
  onProgress?: ((progress: { read: number; total: number | undefined }) => void) | undefined;
}
