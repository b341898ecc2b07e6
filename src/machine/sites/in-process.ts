import { UsageError } from "../../errors.js";
import type { CutEdge, CutProgram } from "./cut-edge.js";
import { CHUNK_BYTES, type Mailbox } from "./mailbox.js";
import { RankError } from "./rank-error.js";
import type { SiteLink, Sites } from "./sites.js";

/** A machine's part at one of the sites of a process. */
interface Part {
  readonly program: CutProgram;
  readonly mailbox: Mailbox;
}

/**
 * Sites that all lie in this process: cut edges are copies. To try out a placement, and for tests.
 *
 * @example
 * ```js
 * import { add, GoMachine, Graph, localSites } from "goml/machine";
 *
 * const graph = new Graph();
 * const y = add(add(graph.parameter("x", 1), 2), 3);
 * const machines = localSites(2).map((sites) => new GoMachine(graph, { sites }));
 * const [run] = await Promise.all(machines.map((machine) => machine.runAll()));
 * console.log(run.value(y).item()); // 6
 * ```
 */
export function localSites(size: number): Sites[] {
  if (!(Number.isInteger(size) && size >= 1)) throw new UsageError(`sites are 1 or more, got ${size}`);
  const parts: (Part | undefined)[][] = Array.from({ length: size }, () => []);
  const failures: AbortController[] = [];
  const opened = new Set<() => void>();
  return Array.from(
    { length: size },
    (_, rank): Sites => ({
      rank,
      size,
      open(program, mailbox): SiteLink {
        const number = parts[rank]!.length;
        parts[rank]!.push({ program, mailbox });
        failures[number] ??= new AbortController();
        const failure = failures[number];
        const other = parts.map((own) => own[number]).find((own) => own !== undefined)!;
        if (other.program.fingerprint !== program.fingerprint)
          failure.abort(new RankError({ rank, why: "its graph is another than that of rank 0" }));
        for (const go of [...opened]) go();
        const lines: Promise<void>[] = [];
        const deliver = async (edge: CutEdge, run: number, bytes: Uint8Array) => {
          while (parts[edge.to]![number] === undefined) await new Promise<void>((go) => once(opened, go));
          const { mailbox: box, program: own } = parts[edge.to]![number]!;
          while (!box.takes(run))
            await new Promise<void>((go) => {
              const stop = box.whenRoom(() => {
                stop();
                go();
              });
            });
          failure.signal.throwIfAborted();
          for (let at = 0; at === 0 || at < bytes.length; at += CHUNK_BYTES)
            box.deliver(own.edges[edge.number]!, run, at / CHUNK_BYTES, bytes.subarray(at, at + CHUNK_BYTES));
        };
        return {
          signal: failure.signal,
          send(edge, run, bytes) {
            const own = (lines[edge.to] ?? Promise.resolve()).then(() => deliver(edge, run, bytes));
            lines[edge.to] = own.catch(() => undefined);
            return own;
          },
          fail(error) {
            if (!failure.signal.aborted) failure.abort(RankError.of(rank, error));
          },
          close: () => undefined,
        };
      },
    }),
  );
}

function once(set: Set<() => void>, go: () => void): void {
  const listener = () => {
    set.delete(listener);
    go();
  };
  set.add(listener);
}
