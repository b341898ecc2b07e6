import { setMaxListeners } from "node:events";
import { UsageError } from "../errors.js";

/** A unit of work of a `TaskGroup`; one that needs no waiting may return nothing. */
export type Task = () => void | Promise<void>;

export interface TaskGroupOptions {
  /** Cancels the group from outside; its reason then is the group's error. */
  signal?: AbortSignal | undefined;
  /** How many tasks may run at a time, 1 or more; the others start, in order, as these end. Default: no limit. */
  limit?: number | undefined;
  /** Called once, with the first error, before any other task runs on: close here what tasks may be waiting for. */
  onCancel?: ((reason: unknown) => void) | undefined;
}

/**
 * A group of tasks that end together, in the sense of Go's errgroup: the first error wins, the others are
 * cancelled and joined, and none is left behind.
 *
 * A task learns of the cancellation through `group.signal`, which it may pass to whatever it waits for. Tasks that
 * have not started by then never do. What fails after the first error is dropped: it is its echo, in most cases.
 */
export class TaskGroup {
  private readonly parent: AbortSignal | undefined;
  private readonly limit: number;
  private readonly onCancel: ((reason: unknown) => void) | undefined;
  private controller: AbortController | undefined = undefined;
  private active = 0;
  private queue: Task[] = [];
  private queueHead = 0;
  private draining = false;
  private failed = false;
  private error: unknown = undefined;
  private over = false;
  private joined: Promise<void> | undefined = undefined;
  private finish: (() => void) | undefined = undefined;
  private readonly onParentAbort: (() => void) | undefined;

  /** @throws UsageError when `limit` is not an integer of 1 or more. */
  constructor(options: TaskGroupOptions = {}) {
    const { signal, limit = Number.POSITIVE_INFINITY } = options;
    if (!(limit >= 1) || (limit !== Number.POSITIVE_INFINITY && !Number.isInteger(limit))) {
      throw new UsageError(`a task group's limit is an integer of 1 or more, got ${limit}`);
    }
    this.limit = limit;
    this.onCancel = options.onCancel;
    this.parent = signal;
    this.onParentAbort = signal === undefined ? undefined : () => this.cancel(signal.reason);
    if (signal?.aborted) this.cancel(signal.reason);
  }

  /** Aborted with the first error once a task fails, or with the reason given to `cancel`. */
  get signal(): AbortSignal {
    // Made when asked for: an AbortController costs more than a short task.
    if (this.controller === undefined) {
      this.controller = new AbortController();
      // Any number of tasks may wait on it; Node takes more than ten listeners for a leak.
      setMaxListeners(0, this.controller.signal);
      if (this.failed) this.controller.abort(this.error);
    }
    return this.controller.signal;
  }

  /** True once a task has failed or the group was cancelled. */
  get cancelled(): boolean {
    return this.failed;
  }

  /** The number of tasks that have started and not ended. */
  get running(): number {
    return this.active;
  }

  /**
   * Starts `task`, or puts it in line when `limit` tasks run; does nothing once the group is cancelled.
   * Tasks may start others.
   *
   * @throws UsageError once `wait` has ended: nobody would join the task.
   */
  go(task: Task): void {
    if (this.over) throw new UsageError("the task group has ended: its wait() has returned");
    if (this.parent?.aborted) this.cancel(this.parent.reason);
    if (this.failed) return;
    if (this.active >= this.limit) {
      this.queue.push(task);
      return;
    }
    this.start(task);
  }

  /** Cancels the group: `reason` is its error unless there is one already. Running tasks are still joined. */
  cancel(reason: unknown): void {
    if (this.failed || this.over) return;
    this.failed = true;
    this.error = reason;
    this.queue = [];
    this.queueHead = 0;
    try {
      this.onCancel?.(reason);
    } catch {
      // Fails after the first error, and is dropped like all that do: thrown here it would leave tasks uncounted.
    }
    this.controller?.abort(reason);
  }

  /** Resolves when all tasks have ended; rejects, also only then, with the first error. */
  wait(): Promise<void> {
    if (this.parent?.aborted) this.cancel(this.parent.reason);
    this.joined ??= new Promise<void>((resolve, reject) => {
      this.finish = () => {
        this.over = true;
        if (this.failed) reject(this.error);
        else resolve();
      };
      if (this.active === 0) this.finish();
    });
    return this.joined;
  }

  private start(task: Task): void {
    if (this.active++ === 0) this.parent?.addEventListener("abort", this.onParentAbort!);
    let result: void | Promise<void>;
    try {
      result = task();
    } catch (error) {
      this.cancel(error);
      this.end();
      return;
    }
    if (result === undefined) this.end();
    else
      result.then(
        () => this.end(),
        (error) => {
          this.cancel(error);
          this.end();
        },
      );
  }

  private end(): void {
    this.active--;
    // Tasks that end at once come back here from `start`: the loop that started them goes on, the stack stays flat.
    if (this.draining) return;
    this.draining = true;
    while (this.queueHead < this.queue.length && this.active < this.limit) this.start(this.dequeue());
    this.draining = false;
    if (this.active === 0) {
      this.parent?.removeEventListener("abort", this.onParentAbort!);
      this.finish?.();
    }
  }

  private dequeue(): Task {
    const task = this.queue[this.queueHead++]!;
    if (this.queueHead * 2 > this.queue.length) {
      this.queue = this.queue.slice(this.queueHead);
      this.queueHead = 0;
    }
    return task;
  }
}
