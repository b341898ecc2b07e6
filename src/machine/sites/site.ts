import type { Graph, Node } from "../graph.js";
import { PartRun, type Run } from "../machine.js";
import type { Data } from "../tensor.js";
import { cutGraph, type LocalGraph, localGraph } from "./cut.js";
import type { CutEdge } from "./cut-edge.js";
import { Mailbox } from "./mailbox.js";
import { sinksOf } from "./placement.js";
import type { SiteLink, Sites } from "./sites.js";

/**
 * A site's part of a machine: its graph, whose cut edges begin and end in ops, and what these ops need of the runs.
 *
 * Runs are told apart by their numbers, which all sites count alike. A run's number is a leaf of the graph, which
 * every run has a value of its own of; so ops need not know of frames (tagged tokens, as in Arvind & Nikhil 1990).
 */
export class Site {
  readonly local: LocalGraph;
  /** The nodes of the local graph that a run must give. */
  readonly outputs: readonly Node[];
  /** The bytes that come in and go out in a run. */
  readonly bytes: number;
  private readonly wanted: readonly Node[];
  private readonly mailbox: Mailbox;
  private readonly link: SiteLink;
  private readonly stop = () => this.mailbox.fail(this.link.signal.reason);
  private runs = 0;
  private closed = false;

  constructor(graph: Graph, outputs: readonly Node[] | undefined, sites: Sites, capacity: number) {
    this.wanted = outputs ?? sinksOf(graph);
    this.mailbox = new Mailbox(capacity);
    const cut = cutGraph(graph, this.wanted, sites.size, capacity);
    this.local = localGraph(cut, sites.rank, {
      receive: (edge, run, into) => this.mailbox.receive(edge, run, into),
      send: (edge, run, data) => this.send(edge, run, data),
    });
    this.outputs = [...new Set([...this.wanted.map((node) => this.local.of(node)!), ...this.local.sends])];
    const own = cut.edges.filter(({ from, to }) => from === sites.rank || to === sites.rank);
    this.bytes = own.reduce((sum, { bytes }) => sum + bytes, 0);
    this.link = sites.open(cut, this.mailbox);
    this.link.signal.addEventListener("abort", this.stop, { once: true });
    if (this.link.signal.aborted) this.stop();
  }

  /** The number of the run that begins. @throws where a site has failed */
  begin(): number {
    this.link.signal.throwIfAborted();
    return ++this.runs;
  }

  /** What a run of the local graph comes to; tells the others where it fails, or is aborted. */
  async follow(number: number, running: Promise<Run>, signal: AbortSignal | undefined): Promise<Run> {
    const abort = () => this.fail(signal!.reason);
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted) abort();
    try {
      return new PartRun(await running, this.local, this.wanted);
    } catch (error) {
      this.fail(error);
      // Which of the sites failed first is known to all of them.
      throw signal?.aborted ? signal.reason : this.link.signal.reason;
    } finally {
      signal?.removeEventListener("abort", abort);
      this.mailbox.end(number);
    }
  }

  /** This site has failed. */
  fail(error: unknown): void {
    this.link.fail(error);
    this.mailbox.fail(this.link.signal.reason);
  }

  /** Where runs are under way, all sites' fail with `reason`. */
  close(reason: unknown, running: boolean): void {
    if (this.closed) return;
    this.closed = true;
    if (running) this.fail(reason);
    this.link.signal.removeEventListener("abort", this.stop);
    this.link.close();
  }

  private async send(edge: CutEdge, run: number, { buffer, byteOffset, byteLength }: Data): Promise<void> {
    await this.mailbox.turnOf(run);
    await this.link.send(edge, run, new Uint8Array(buffer, byteOffset, byteLength));
  }
}
