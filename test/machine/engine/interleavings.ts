/**
 * Runs real code of several threads in all interleavings of its atomic steps.
 *
 * A thread's code is a function that is called again and again, a round each time. While it runs here, `Atomics` is
 * replaced: the first operations give what they gave before, the next one is done, and at the one after that the code
 * is stopped by a throw. So a thread goes on by one operation each time its round is run again from the round's start,
 * and its state within a round is what its operations have given. Between operations it may read and write only what
 * is its own, and that it restores at the start of each attempt.
 */
export interface ModelThread {
  readonly name: string;
  /** What the thread keeps between rounds, as plain data. */
  save(): unknown;
  restore(state: unknown): void;
  /** One round; false where it was the last. */
  round(): boolean;
}

export interface Model {
  /** The shared memory. */
  readonly memory: readonly Int32Array[];
  readonly threads: readonly ModelThread[];
  /** Called in every state in which all threads have ended. */
  atEnd(): void;
}

interface ThreadState {
  readonly own: unknown;
  /** What the round's operations have given so far. */
  readonly given: readonly unknown[];
  /** Where the thread waits to be notified, if it does. */
  readonly waits: string | undefined;
  readonly ended: boolean;
}

interface State {
  readonly memory: readonly Int32Array[];
  readonly threads: readonly ThreadState[];
}

/** How a state was reached. */
interface Path {
  readonly step: string;
  readonly before: Path | undefined;
}

function stepsOf(path: Path | undefined): string[] {
  const steps: string[] = [];
  for (let at = path; at !== undefined; at = at.before) steps.push(at.step);
  return steps.reverse();
}

const STOPPED = Symbol("stopped");
const real = globalThis.Atomics;

/**
 * Visits every state that some interleaving reaches, and gives their number.
 *
 * @throws what a thread's code or `atEnd` throws, and an Error where all threads wait for each other; with the
 *   interleaving that led there
 */
export function explore(model: Model, most = 5_000_000): number {
  const first: State = {
    memory: model.memory.map((words) => words.slice()),
    threads: model.threads.map((thread) => ({
      own: thread.save(),
      given: [],
      waits: undefined,
      ended: false,
    })),
  };
  const seen = new Set([keyOf(first)]);
  const stack: { state: State; path: Path | undefined }[] = [{ state: first, path: undefined }];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { state, path } = next;
    const able = state.threads.flatMap((thread, i) =>
      thread.ended || thread.waits !== undefined ? [] : [i],
    );
    try {
      if (able.length === 0) {
        if (!state.threads.every((thread) => thread.ended)) throw new Error("all threads wait");
        restore(model, state);
        model.atEnd();
      }
      for (const thread of able) {
        const { state: after, step } = advance(model, state, thread);
        const key = keyOf(after);
        if (seen.has(key)) continue;
        seen.add(key);
        if (seen.size > most) throw new Error(`more than ${most} states`);
        stack.push({ state: after, path: { step, before: path } });
      }
    } catch (error) {
      throw new Error(`${(error as Error).message}, after\n${stepsOf(path).join("\n")}`, { cause: error });
    }
  }
  return seen.size;
}

function keyOf({ memory, threads }: State): string {
  return `${memory.map((words) => words.join()).join("|")} ${JSON.stringify(threads)}`;
}

function restore(model: Model, state: State): void {
  for (const [i, words] of model.memory.entries()) words.set(state.memory[i]!);
}

/** The state after thread `index` has done one more operation. */
function advance(model: Model, state: State, index: number): { state: State; step: string } {
  restore(model, state);
  const thread = model.threads[index]!;
  const before = state.threads[index]!;
  thread.restore(structuredClone(before.own));
  const given = [...before.given];
  let at = 0;
  let step = "";
  let waits: string | undefined;
  const woken: string[] = [];
  const nameOf = (words: Int32Array, place: number) => `${model.memory.indexOf(words)}[${place}]`;
  const operation =
    (name: string, run: (words: Int32Array, place: number, ...values: number[]) => unknown) =>
    (words: Int32Array, place: number, ...values: number[]) => {
      if (at < given.length) return given[at++];
      if (step !== "") throw STOPPED;
      step = `${thread.name}: ${name} ${nameOf(words, place)} ${values.join(" ")}`;
      const result = run(words, place, ...values);
      step += ` → ${String(result)}`;
      given.push(result);
      at++;
      return result;
    };
  const plain = (name: "load" | "store" | "add" | "sub" | "compareExchange") =>
    operation(name, real[name] as (words: Int32Array, place: number, ...values: number[]) => unknown);
  globalThis.Atomics = {
    load: plain("load"),
    store: plain("store"),
    add: plain("add"),
    sub: plain("sub"),
    compareExchange: plain("compareExchange"),
    wait: operation("wait", (words, place, expected) => {
      if (words[place] !== expected) return "not-equal";
      waits = nameOf(words, place);
      throw STOPPED;
    }),
    notify: operation("notify", (words, place, count = Number.POSITIVE_INFINITY) => {
      // With the threads of these models at most one waits at a place.
      const name = nameOf(words, place);
      if (count > 0 && state.threads.some((other) => other.waits === name)) woken.push(name);
      return woken.length;
    }),
  } as unknown as typeof Atomics;
  let ended = false;
  let own = before.own;
  let whole = false;
  try {
    ended = !thread.round();
    whole = true;
    own = thread.save();
  } catch (error) {
    if (error !== STOPPED) throw error;
  } finally {
    globalThis.Atomics = real;
  }
  const threads = state.threads.map((other, i): ThreadState => {
    if (i === index) return { own, given: whole ? [] : given, waits, ended };
    // A thread that is woken goes on after its `wait`.
    return other.waits !== undefined && woken.includes(other.waits)
      ? { ...other, given: [...other.given, "ok"], waits: undefined }
      : other;
  });
  return { state: { memory: model.memory.map((words) => words.slice()), threads }, step };
}
