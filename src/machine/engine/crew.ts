import type { Worker } from "node:worker_threads";
import { startThread } from "../../parallel/start-thread.js";
import { WorkerDiedError } from "../../parallel/worker-pool.js";
import type { Bell } from "./bell.js";
import { bellFor, CREW_WORDS, type CrewMessage, ROSTER, SIZE, STOP } from "./crew-words.js";
import type { Program } from "./program.js";
import type { WorkerFailure } from "./worker-failure.js";

/** What a member of a crew is told. */
export interface CrewEvents {
  failed(failure: WorkerFailure): void;
  /** A thread has ended that should not have. */
  died(error: WorkerDiedError): void;
}

/** A program as its machine sends it: the threads' numbers are the crew's. */
type OwnProgram = Omit<Program, "lane" | "id">;

interface Thread {
  readonly worker: Worker;
  readonly lane: number;
}

/** The crew that new machines join. */
let present: Crew | undefined;

/** The number of worker threads that machines of this process have together. */
export function crewSize(): number {
  return present?.size ?? 0;
}

/**
 * The worker threads of a process: all machines share them, so that runs side by side share the cores whatever machines
 * they belong to, and there are as many as the machine with the most wants. They start with the first machine that needs
 * them and end with the last that is closed.
 *
 * Threads take a task of one machine after another (`worker-loop.ts`). They do not turn an event loop: they are told of
 * machines that come and go by messages, which they look for when the roster's number has changed.
 */
class Crew {
  readonly words = new Int32Array(new SharedArrayBuffer(4 * CREW_WORDS));
  private readonly threads: Thread[] = [];
  private readonly alive = new Set<Worker>();
  private readonly members = new Map<number, Membership>();
  private readonly entry: URL;
  private joined = 0;
  private holders = 0;
  private dismissed = false;

  /** @param entry the worker's built entry file */
  constructor(entry: URL) {
    this.entry = entry;
  }

  get size(): number {
    return this.alive.size;
  }

  join(program: OwnProgram, workers: number, events: CrewEvents): Membership {
    const id = ++this.joined;
    const member = new Membership(this, id, workers, events);
    this.members.set(id, member);
    while (this.threads.length < workers) this.start();
    this.tell(workers, (lane) => ({ join: { ...program, id, lane } }));
    return member;
  }

  /** Resolves once no thread looks at the member's memory any more. */
  async leave(member: Membership): Promise<void> {
    if (!this.members.has(member.id)) return;
    if (this.members.size === 1) {
      this.members.delete(member.id);
      await this.dismiss();
      return;
    }
    this.hold(true);
    await new Promise<void>((resolve) => {
      member.left = { threads: member.workers, resolve };
      this.tell(member.workers, () => ({ leave: member.id }));
    });
    this.hold(false);
    this.members.delete(member.id);
    // Others may have left meanwhile.
    if (this.members.size === 0) await this.dismiss();
  }

  /** The threads keep the process alive while someone waits for them. */
  hold(held: boolean): void {
    const before = this.holders > 0;
    this.holders += held ? 1 : -1;
    if (before === this.holders > 0) return;
    for (const { worker } of this.threads) {
      if (held) worker.ref();
      else worker.unref();
    }
  }

  private tell(workers: number, message: (lane: number) => CrewMessage): void {
    for (const { worker, lane } of this.threads) if (lane <= workers) worker.postMessage(message(lane));
    Atomics.add(this.words, ROSTER, 1);
    bellFor(this.words, 0).ringAll();
  }

  private start(): void {
    const worker = startThread(this.entry, this.words);
    this.threads.push({ worker, lane: this.threads.length + 1 });
    Atomics.store(this.words, SIZE, this.threads.length);
    this.alive.add(worker);
    let cause: unknown;
    worker.on("message", (message: WorkerFailure | { readonly left: number }) => {
      if ("left" in message) this.members.get(message.left)?.hasLeft();
      else this.members.get(message.program)?.events.failed(message);
    });
    worker.on("error", (error) => {
      cause = error;
    });
    worker.on("exit", (code) => {
      this.alive.delete(worker);
      if (this.dismissed) return;
      const why = cause instanceof Error ? `failed: ${cause.message}` : `ended with code ${code}`;
      const error = new WorkerDiedError(why, cause);
      const members = [...this.members.values()];
      this.members.clear();
      void this.dismiss();
      for (const member of members) {
        member.left?.resolve();
        member.events.died(error);
      }
    });
    // After the listeners, which would hold the process again.
    if (this.holders === 0) worker.unref();
  }

  private async dismiss(): Promise<void> {
    this.dismissed = true;
    if (present === this) present = undefined;
    Atomics.store(this.words, STOP, 1);
    bellFor(this.words, 0).ringAll();
    await Promise.all(this.threads.map(({ worker }) => worker.terminate()));
  }
}

/** A machine's part in its process' crew. */
export class Membership {
  readonly id: number;
  readonly workers: number;
  readonly events: CrewEvents;
  /** Wakes the threads that work for this member. */
  readonly bell: Bell;
  /** The threads that have not let go yet, while this member leaves. */
  left: { threads: number; readonly resolve: () => void } | undefined = undefined;
  private readonly crew: Crew;
  private held = false;

  constructor(crew: Crew, id: number, workers: number, events: CrewEvents) {
    this.crew = crew;
    this.id = id;
    this.workers = workers;
    this.events = events;
    this.bell = bellFor(crew.words, workers);
  }

  /** The number of threads that run now and work for this member. */
  get size(): number {
    return Math.min(this.workers, this.crew.size);
  }

  /** Whether the threads keep the process alive for this member: while someone waits for it. */
  hold(held: boolean): void {
    if (held === this.held) return;
    this.held = held;
    this.crew.hold(held);
  }

  /** As `Crew.leave`. */
  async leave(): Promise<void> {
    this.hold(false);
    await this.crew.leave(this);
  }

  /** A thread has let go. */
  hasLeft(): void {
    if (this.left !== undefined && --this.left.threads === 0) this.left.resolve();
  }
}

/** Makes a program run on `workers` threads of this process' crew, which starts those that are missing. */
export function joinCrew(entry: URL, program: OwnProgram, workers: number, events: CrewEvents): Membership {
  present ??= new Crew(entry);
  return present.join(program, workers, events);
}
