import type { CutEdge, CutProgram, Mailbox } from "../machine/index.js";
import type { Piece } from "./messages.js";

/** A machine's part here: what pieces are for. */
interface Part {
  readonly program: CutProgram;
  readonly mailbox: Mailbox;
}

/** Tells when to offer a piece again that was not taken. */
export type Later = (again: () => void) => void;

/** The parts of machines that a rank computes, by the number that each has at all ranks. */
export class Parts {
  private readonly rank: number;
  private readonly differs: (rank: number) => void;
  private readonly parts: Part[] = [];
  private readonly opened = new Set<() => void>();
  /** The hashes of machines that others have made and this rank has not yet. */
  private readonly awaited: Map<number, string>[] = [];

  /** @param differs called where another rank's machine is of another graph */
  constructor(rank: number, differs: (rank: number) => void) {
    this.rank = rank;
    this.differs = differs;
  }

  /** The number that the next machine will have. */
  get count(): number {
    return this.parts.length;
  }

  /** A machine is made here. */
  add(program: CutProgram, mailbox: Mailbox): void {
    const number = this.parts.push({ program, mailbox }) - 1;
    for (const [rank, fingerprint] of this.awaited[number] ?? []) this.compare(rank, number, fingerprint);
    this.offerAgain();
  }

  /** A machine is made at another rank. */
  announced(rank: number, number: number, fingerprint: string): void {
    if (this.parts[number] !== undefined) {
      this.compare(rank, number, fingerprint);
      return;
    }
    this.awaited[number] ??= new Map();
    this.awaited[number].set(rank, fingerprint);
  }

  /** Takes a piece of a value, or says when to offer it again. */
  take({ program, run, edge, sequence, data }: Piece): true | Later {
    const part = this.parts[program];
    if (part === undefined) return (again) => once(this.opened, again);
    const { mailbox } = part;
    if (!mailbox.takes(run))
      return (again) => {
        const stop = mailbox.whenRoom(() => {
          stop();
          again();
        });
      };
    const own = part.program.edges[edge];
    if (own === undefined || own.to !== this.rank) throw new RangeError(`there is no edge ${edge} to here`);
    mailbox.deliver(own, run, sequence, data);
    return true;
  }

  /** Pieces that wait for a machine are offered again, also where there will be none. */
  offerAgain(): void {
    for (const again of [...this.opened]) again();
  }

  /** The edge that this rank waits for another at, else one that leads between them. */
  edgeOf(rank: number): CutEdge | undefined {
    for (const { mailbox } of this.parts) {
      const edge = mailbox.awaitedFrom(rank);
      if (edge !== undefined) return edge;
    }
    const all = this.parts.flatMap(({ program }) => program.edges);
    return all.find(
      ({ from, to }) => (from === rank && to === this.rank) || (to === rank && from === this.rank),
    );
  }

  private compare(rank: number, number: number, fingerprint: string): void {
    if (this.parts[number]!.program.fingerprint !== fingerprint) this.differs(rank);
  }
}

function once(set: Set<() => void>, go: () => void): void {
  const listener = () => {
    set.delete(listener);
    go();
  };
  set.add(listener);
}
