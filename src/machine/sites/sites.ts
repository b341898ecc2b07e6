import type { CutEdge, CutProgram } from "./cut-edge.js";
import type { Mailbox } from "./mailbox.js";

/** How a machine reaches the other sites of its graph. */
export interface SiteLink {
  /** Fails once one of the sites has, with the error that names rank, node and edge as its reason. */
  readonly signal: AbortSignal;
  /**
   * Sends the value of an edge in a run; resolves once it may be written over and there is room for more.
   *
   * @throws the reason of `signal`
   */
  send(edge: CutEdge, run: number, bytes: Uint8Array): Promise<void>;
  /** Tells all sites that this one has failed. Again: no effect. */
  fail(error: unknown): void;
  close(): void;
}

/**
 * The sites that run graphs together, as one of them sees it. All of them make the same machines in the same order, and
 * start the same runs: each computes its part, and what leads from one part to another crosses.
 */
export interface Sites {
  /** Which of them this is, from 0. */
  readonly rank: number;
  readonly size: number;
  /**
   * Whether the others are other processes, to which this one's event loop sends: then a machine computes beside it by default.
   * Default: false.
   */
  readonly apart?: boolean;
  /** A machine's part begins; what arrives for it goes to the mailbox. */
  open(program: CutProgram, mailbox: Mailbox): SiteLink;
}
