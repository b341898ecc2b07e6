import { connect } from "node:net";

/** Heartbeats between two ranks, in milliseconds. */
export const BEAT_MS = 250;
/** After so long a silence a rank is asked for. */
const SILENT_MS = 750;
/** Connections that ask for a rank, how far apart, and how long they may take: a lost packet alone must not say that it is gone. */
const PROBES = [0, 150, 300];
const PROBE_MS = 700;
/** The longest between two questions about a rank that stays silent. */
const MOST_MS = 10_000;

/**
 * Tells a rank that is gone from one that is busy or stopped.
 *
 * Silence alone says nothing: a stopped process (SIGSTOP), or one in a long op, sends no heartbeats, and may go on. But its
 * host's kernel still accepts connections for it. Where nobody answers them, or they are refused, the rank is gone.
 */
export class Liveness {
  private readonly host: string;
  private readonly port: number;
  private readonly gone: (why: string) => void;
  private heard = performance.now();
  private looked = performance.now();
  private asked = 0;
  private wait = 0;
  private asking = false;
  private over = false;

  constructor(host: string, port: number, gone: (why: string) => void) {
    this.host = host;
    this.port = port;
    this.gone = gone;
  }

  /** Something has come from the rank. */
  hear(): void {
    this.heard = performance.now();
    this.wait = 0;
  }

  /** Looks whether it has been silent for long; to be called with every heartbeat. */
  look(): void {
    const now = performance.now();
    // Whoever was away itself has not listened.
    if (now - this.looked > 2 * BEAT_MS) this.heard = Math.max(this.heard, now - BEAT_MS);
    this.looked = now;
    if (this.asking || this.over || now - this.heard < SILENT_MS || now - this.asked < this.wait) return;
    this.asked = now;
    this.wait = Math.min(MOST_MS, Math.max(1000, 2 * this.wait));
    this.asking = true;
    void this.ask(now).then(() => {
      this.asking = false;
    });
  }

  stop(): void {
    this.over = true;
  }

  private async ask(at: number): Promise<void> {
    const answers = PROBES.map((delay) => probe(this.host, this.port, delay, PROBE_MS));
    const answer = await Promise.race([
      ...answers.map(async (own) => {
        const found = await own;
        return found === "silent" ? new Promise<never>(() => undefined) : found;
      }),
      Promise.all(answers).then(() => "silent" as const),
    ]);
    if (this.over || this.heard > at || answer === "there") return;
    this.gone(
      answer === "refused" ? "is lost: its process is gone" : "is lost: its host does not answer any more",
    );
  }
}

/** What becomes of a connection that is begun after `delay` and must stand by `limit`, in milliseconds from now. */
function probe(
  host: string,
  port: number,
  delay: number,
  limit: number,
): Promise<"there" | "refused" | "silent"> {
  return new Promise((resolve) => {
    setTimeout(() => {
      const socket = connect({ host, port });
      const end = (answer: "there" | "refused" | "silent") => {
        clearTimeout(timer);
        socket.destroy();
        resolve(answer);
      };
      const timer = setTimeout(() => end("silent"), limit - delay);
      socket.once("connect", () => end("there"));
      socket.once("error", ({ code }: NodeJS.ErrnoException) =>
        end(code === "ECONNREFUSED" ? "refused" : "silent"),
      );
    }, delay);
  });
}
