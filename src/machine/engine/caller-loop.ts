import { afterTurn } from "./event-loop.js";
import { NOTHING } from "./ready-ring.js";
import type { Scheduler, Shared } from "./scheduler.js";

/** How long the caller looks for tasks before it lets the event loop wait, in milliseconds. */
const SPIN_MS = 0.05;
/** Looks between two looks at the clock. */
const LOOKS = 32;
/** How long the caller works before the event loop turns, in milliseconds. */
const SLICE_MS = 8;
/** How long the caller works at least before others may submit runs, in milliseconds. */
const BETWEEN_MS = 0.02;
/** Cheap tasks between two looks at the clock. */
const TASKS_PER_LOOK = 64;
/** Microtasks that go first where runs have ended: what waits for them. */
const HOPS = 8;
/** The microtasks in which another run is expected, after the last: a stream takes some 20 for one. */
const HOPS_TO_NEXT = 40;

/** What the loop turns for. */
export interface CallerDuties {
  /** Settles runs that have ended; true where there was one. */
  collect(): boolean;
  /** Whether a run has ended and can be settled. */
  over(): boolean;
  /** The number of runs under way. */
  busy(): number;
  /** Whether someone may want to submit another run before this thread goes on. */
  expectsMore(): boolean;
  /** Computes a task that only this thread may take, or hands it on. */
  perform(task: number): void;
  /** Whether other threads run, for which this one may have to wait. */
  accompanied(): boolean;
  /** Says whether this thread waits for the others, so that they must keep the process alive. */
  wait(waiting: boolean): void;
}

/**
 * The caller's thread at work, among all else that its event loop has to do.
 *
 * It runs what it can until all runs have ended, or it finds nothing for 50 µs and lets the event loop wait for the
 * bell, or the event loop should turn.
 */
export class CallerLoop {
  private readonly shared: Shared;
  private readonly scheduler: Scheduler;
  private readonly duties: CallerDuties;
  private turning = false;
  private scheduled = false;
  /** Whether this thread has stopped until the event loop has turned. */
  private yielding = false;
  /** Whether the event loop has turned, or may have, since this thread last worked. */
  private rested = true;
  /** When the event loop should turn. */
  private sliceEnd = 0;
  /** When others could last submit runs. */
  private letOthersAt = 0;
  private asleep = false;
  /** The bell's next ring, when it is waited for. */
  private ringing: Promise<void> | undefined = undefined;

  constructor(shared: Shared, scheduler: Scheduler, duties: CallerDuties) {
    this.shared = shared;
    this.scheduler = scheduler;
    this.duties = duties;
  }

  /** Whether this thread may go on before the event loop turns. */
  mayStay(): boolean {
    return performance.now() < this.sliceEnd;
  }

  /** Does what there is to do. */
  turn(): void {
    if (this.turning || this.yielding) return;
    this.turning = true;
    this.wakeUp();
    if (this.rested) this.sliceEnd = performance.now() + SLICE_MS;
    this.rested = false;
    const { duties } = this;
    let idleUntil = 0;
    let looks = 0;
    for (let tasks = 1; ; ) {
      if (duties.collect()) {
        // What waits for the runs goes first: it may submit others.
        if (duties.expectsMore()) this.turnWhenFull();
        else if (duties.busy() > 0) this.turnSoon(HOPS);
        break;
      }
      if (duties.busy() === 0) break;
      if (this.runTask()) {
        idleUntil = 0;
        if (tasks++ % TASKS_PER_LOOK !== 0 && this.scheduler.localCost > 0) continue;
        const now = performance.now();
        if (now >= this.sliceEnd) {
          // Whatever else the event loop does meanwhile, the others can go on.
          this.scheduler.giveAway();
          this.yielding = true;
          afterTurn(() => {
            this.yielding = false;
            this.rested = true;
            this.turn();
          });
          break;
        }
        if (now - this.letOthersAt > BETWEEN_MS && duties.expectsMore()) {
          this.letOthersAt = now;
          this.turnWhenFull();
          break;
        }
        continue;
      }
      if (this.shared.callerWorks) {
        if (looks++ % LOOKS !== 0) continue;
        const now = performance.now();
        if (idleUntil === 0) idleUntil = now + SPIN_MS;
        if (now < idleUntil) continue;
      }
      if (this.fallAsleep()) break;
    }
    if (duties.busy() === 0) this.rested = true;
    this.turning = false;
  }

  /** Turns once some microtasks have gone by. */
  turnSoon(hops = 1): void {
    if (this.scheduled) return;
    this.scheduled = true;
    this.hop(hops);
  }

  /** Turns once no more runs are expected, or none has come for a while. */
  private turnWhenFull(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    let runs = this.duties.busy();
    let hops = 0;
    const hop = () => {
      const now = this.duties.busy();
      if (now !== runs) hops = 0;
      runs = now;
      if (++hops === HOPS_TO_NEXT || !this.duties.expectsMore()) this.turnNow();
      else queueMicrotask(hop);
    };
    queueMicrotask(hop);
  }

  private hop(hops: number): void {
    queueMicrotask(() => (hops > 1 ? this.hop(hops - 1) : this.turnNow()));
  }

  private turnNow(): void {
    this.scheduled = false;
    this.turn();
  }

  /** Runs a task on this thread; false where there is none. */
  private runTask(): boolean {
    const task = this.shared.forCaller.pop();
    if (task !== NOTHING) {
      this.duties.perform(task);
      return true;
    }
    return this.shared.callerWorks && this.scheduler.turn();
  }

  /** Lets the event loop wait for the other threads; false where there is something to do after all. */
  private fallAsleep(): boolean {
    if (!this.duties.accompanied()) return true;
    const { callerBell } = this.shared;
    if (this.ringing !== undefined) {
      // A promise from before still waits for the next ring.
      callerBell.count();
      if (this.found()) {
        callerBell.awake();
        return false;
      }
    } else {
      const ring = callerBell.sleepAsync(() => this.found());
      if (ring === undefined) return false;
      this.ringing = ring.then(() => {
        this.ringing = undefined;
        this.turn();
      });
    }
    this.asleep = true;
    this.rested = true;
    this.duties.wait(true);
    return true;
  }

  private found(): boolean {
    const { forCaller, callerWorks } = this.shared;
    return forCaller.ready() || (callerWorks && this.scheduler.hasTask()) || this.duties.over();
  }

  private wakeUp(): void {
    if (!this.asleep) return;
    this.asleep = false;
    this.shared.callerBell.awake();
  }
}
