import { setMaxListeners } from "node:events";
import type { Server } from "@grpc/grpc-js";
import { UsageError } from "../errors.js";
import {
  CHUNK_BYTES,
  type CutEdge,
  type CutProgram,
  type Mailbox,
  RankError,
  type RankFailure,
  type SiteLink,
  type Sites,
} from "../machine/index.js";
import { version } from "../version.js";
import { type Call, Caller, type GrpcModule, listen, type ServerCall } from "./calls.js";
import { Changes } from "./changes.js";
import { admits, hostOf, REFUSED, refuse, whyNot } from "./greeting.js";
import { Link } from "./link.js";
import { BEAT_MS } from "./liveness.js";
import {
  type ControlMessage,
  controlBytes,
  type Hello,
  type Peer,
  type Piece,
  PROTOCOL,
  readControl,
} from "./messages.js";
import { type Later, Parts } from "./parts.js";
import type { RankOptions } from "./rank-options.js";
import { Sockets } from "./sockets.js";

const JOIN_MS = 60_000;
/** Between two tries to reach a rank that is not there yet. */
const RETRY_MS = 100;
/** How long what was written last may take to go. */
const LAST_MS = 250;

/** The ranks of a group as one of them sees it: what `GoMachineOptions.sites` takes. Made by `joinRanks`. */
export class Ranks implements Sites {
  readonly rank: number;
  readonly size: number;
  readonly apart = true;
  /** The port that this rank listens on. */
  port = 0;
  private readonly grpc: GrpcModule;
  private readonly sockets = new Sockets();
  private readonly options: RankOptions;
  private readonly at: string;
  private readonly links: (Link | undefined)[] = [];
  private readonly parts: Parts;
  private readonly failure = new AbortController();
  private readonly notes = new Map<string, Uint8Array>();
  private gathered = 0;
  private number = 0;
  private server: Server | undefined = undefined;
  private beats: NodeJS.Timeout | undefined = undefined;
  private complete = false;
  private leaving = false;
  private readonly changes: Changes;
  /** Of rank 0: where the others listen. */
  private readonly peers: (Peer | undefined)[] = [];
  private told: readonly Peer[] | undefined = undefined;

  /** @internal */
  constructor(grpc: object, options: RankOptions, at: string) {
    // Not by its type, which a program that does not install it does not have.
    this.grpc = grpc as GrpcModule;
    this.options = options;
    this.at = at;
    this.rank = options.rank;
    this.size = options.size;
    this.number = options.attempt ?? 0;
    // Each machine listens, and whoever waits; Node takes more than ten for a leak.
    setMaxListeners(0, this.failure.signal);
    this.changes = new Changes(this.rank, this.signal);
    this.parts = new Parts(this.rank, (other) => this.differs(other));
  }

  /** How often the group was begun before. */
  get attempt(): number {
    return this.number;
  }

  /** Fails once a rank has. */
  get signal(): AbortSignal {
    return this.failure.signal;
  }

  /** @internal */
  async join(): Promise<void> {
    const { host = "127.0.0.1", port, joinTimeout = JOIN_MS, tls, signal, listening } = this.options;
    const until = performance.now() + joinTimeout;
    const abort = () => this.fail(signal!.reason);
    signal?.addEventListener("abort", abort, { once: true });
    try {
      const handlers = {
        control: (call: ServerCall) => this.greeted(call),
        pieces: (call: ServerCall) => this.carried(call),
      };
      const own = { host: this.at, port: this.rank === 0 ? port : 0, tls };
      const { server, port: bound } = await listen(this.grpc, own, handlers);
      this.server = server;
      this.port = bound;
      this.sockets.listens(bound);
      listening?.(bound);
      this.beats = setInterval(() => {
        for (const link of this.links) link?.beat();
      }, BEAT_MS);
      if (this.rank > 0) {
        await this.reach({ rank: 0, host, port }, until);
        await this.changes.until(
          () => this.told !== undefined,
          until,
          () => "rank 0 has not told where the others are",
        );
        for (const peer of this.told!)
          if (peer.rank > 0 && peer.rank < this.rank) await this.reach(peer, until);
      }
      await this.changes.until(
        () => this.missing().length === 0,
        until,
        () =>
          `${this.missing()
            .map((own) => `rank ${own}`)
            .join(", ")} did not join`,
      );
      this.complete = true;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  open(program: CutProgram, mailbox: Mailbox): SiteLink {
    const number = this.parts.count;
    this.tellAll({ program: { number, fingerprint: program.fingerprint } });
    this.parts.add(program, mailbox);
    return {
      signal: this.signal,
      send: (edge, run, bytes) => this.send(number, edge, run, bytes),
      fail: (error) => this.fail(error),
      close: () => undefined,
    };
  }

  /** This rank has failed: tells all, whose runs then fail with the same error. Again: no effect. */
  fail(error: unknown): void {
    if (this.signal.aborted) return;
    const own = RankError.of(this.rank, error);
    this.tellAll({ failure: own.failure });
    this.end(own);
  }

  /** Brings bytes of all ranks to rank 0, which gets them by rank; the others get none. All must call it, as often. */
  async gather(content: Uint8Array): Promise<readonly Uint8Array[]> {
    const number = this.gathered++;
    if (this.rank > 0) {
      this.links[0]!.tell({ note: { number, content } });
      return [];
    }
    const others = Array.from({ length: this.size - 1 }, (_, i) => `${i + 1}/${number}`);
    await this.changes.until(() => others.every((key) => this.notes.has(key)));
    const all = [content, ...others.map((key) => this.notes.get(key)!)];
    for (const key of others) this.notes.delete(key);
    return all;
  }

  /** What rank 0's clock shows less this one's, in milliseconds, as far as heartbeats tell. */
  get clockOffset(): number {
    return -(this.links[0]?.offset ?? 0);
  }

  /**
   * Leaves the group: waits until all want to, so that nothing is on its way any more, and lets go of connections. Where a
   * rank has failed nobody is waited for.
   */
  async close(): Promise<void> {
    if (this.leaving) return;
    this.leaving = true;
    const links = () => this.links.filter((link) => link !== undefined);
    if (!this.signal.aborted && this.complete) {
      this.tellAll({ bye: true });
      await this.changes.until(() => links().every(({ left }) => left)).catch(() => undefined);
    }
    clearInterval(this.beats);
    for (const link of links()) await link.end();
    if (this.server !== undefined) await shutDown(this.server);
    for (const link of links()) link.close();
    this.server?.forceShutdown();
    this.sockets.destroy();
  }

  /** The ranks without a connection, values included. */
  private missing(): number[] {
    return Array.from({ length: this.size }, (_, rank) => rank).filter(
      (rank) => rank !== this.rank && !this.links[rank]?.open,
    );
  }

  /** Connects to a rank below this one, again and again until it is there. */
  private async reach({ rank, host, port }: Peer, until: number): Promise<void> {
    const { tls, token } = this.options;
    this.sockets.calls(port);
    for (;;) {
      const caller = new Caller(this.grpc, { host, port, tls, token });
      const left = until - performance.now();
      try {
        await this.changes.orFailed(caller.ready(Math.max(1, Math.min(left, 1000))));
        const answer = await this.changes.orFailed(this.greet(rank, caller, host, port));
        if (answer === "welcome") return;
      } catch (error) {
        if (this.signal.aborted || (error as { final?: boolean }).final) {
          caller.close();
          throw this.signal.aborted ? this.signal.reason : error;
        }
      }
      caller.close();
      this.links[rank] = undefined;
      if (performance.now() > until)
        throw new RankError({ rank, why: `is not to be reached at ${host}:${port}`, lost: true });
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  /** Says hello to a rank; "later" where it is not ready for this one. */
  private greet(rank: number, caller: Caller, host: string, port: number): Promise<"welcome" | "later"> {
    return new Promise((resolve, reject) => {
      const call = caller.call("Control");
      call.write(controlBytes({ hello: this.hello() }));
      const refused = (error: Error & { code?: number; details?: string }) => {
        // Anything else may still come.
        const final = error.code === REFUSED.unauthenticated || error.code === REFUSED.failedPrecondition;
        if (final)
          reject(Object.assign(new UsageError(`rank ${rank}: ${error.details ?? error.message}`), { final }));
        else resolve("later");
      };
      call.once("error", refused);
      call.once("data", (bytes: Buffer) => {
        call.off("error", refused);
        const { hello } = readControl(bytes);
        if (hello === undefined) {
          resolve("later");
          return;
        }
        const link = this.link(rank, call, caller);
        link.watch(host, port);
        link.carry(
          caller.call("Pieces", { "goml-rank": String(this.rank), "goml-attempt": String(this.number) }),
        );
        resolve("welcome");
      });
    });
  }

  private hello(): Hello {
    const { rank, size, number: attempt, port } = this;
    return { version: this.options.version ?? version, protocol: PROTOCOL, rank, size, attempt, port };
  }

  private link(rank: number, call: Call, caller: Caller | undefined): Link {
    const link = new Link(rank, call, caller, {
      control: (message) => this.heard(rank, message),
      piece: (piece) => this.arrived(piece),
      lost: (why) => this.lost(rank, why),
    });
    this.links[rank] = link;
    return link;
  }

  /** Another rank says hello. */
  private greeted(call: ServerCall): void {
    if (!admits(call, this.options.token)) return;
    call.on("error", () => undefined);
    call.once("data", (bytes: Buffer) => {
      const { hello } = readControl(bytes);
      const why = hello === undefined ? "expected hello" : whyNot(hello, this.hello());
      if (why !== undefined) {
        refuse(call, REFUSED.failedPrecondition, why);
        if (hello !== undefined && this.rank === 0 && !this.complete)
          this.fail(new RankError({ rank: hello.rank, why }));
        return;
      }
      const { rank, attempt, port } = hello!;
      if (this.complete || this.links[rank] !== undefined || this.leaving || attempt < this.least()) {
        // The group is another's yet.
        refuse(call, REFUSED.unavailable, "not now");
        if (this.links[rank] !== undefined && attempt > this.number)
          this.lost(rank, "is lost: it has begun anew");
        return;
      }
      const link = this.link(rank, call, undefined);
      const host = hostOf(call.getPeer());
      link.watch(host, port);
      link.tell({ hello: this.hello() });
      this.peers[rank] = { rank, host, port };
      if (this.rank === 0) {
        this.number = Math.max(this.number, attempt);
        const others = this.peers.filter((peer) => peer !== undefined);
        if (others.length === this.size - 1)
          for (const each of this.links)
            each?.tell({ peers: { attempt: this.number, peers: others as Peer[] } });
      }
      this.changes.happened();
    });
  }

  /** The least attempt that this rank takes part in: only rank 0 knows it by itself. */
  private least(): number {
    return this.rank === 0 || this.told === undefined ? 0 : this.number;
  }

  /** Another rank's call for pieces. */
  private carried(call: ServerCall): void {
    if (!admits(call, this.options.token)) return;
    const [rank, attempt] = ["goml-rank", "goml-attempt"].map((key) => Number(call.metadata.get(key)[0]));
    const link = this.links[rank!];
    call.on("error", () => undefined);
    if (link === undefined || link.open || (this.told !== undefined && attempt !== this.number)) {
      refuse(call, REFUSED.unavailable, "not now");
      return;
    }
    link.carry(call);
    this.changes.happened();
  }

  private heard(rank: number, message: ControlMessage): void {
    const { peers, program, failure, note } = message;
    if (peers !== undefined) {
      this.number = peers.attempt;
      this.told = peers.peers;
    }
    if (program !== undefined) this.parts.announced(rank, program.number, program.fingerprint);
    if (failure !== undefined) this.end(new RankError(failure));
    if (note !== undefined) this.notes.set(`${rank}/${note.number}`, note.content.slice());
    if (message.beat === undefined) this.changes.happened();
  }

  /** Another rank has made another machine. */
  private differs(rank: number): void {
    const [first, second] = [rank, this.rank].sort((a, b) => a - b);
    this.fail(new RankError({ rank: second!, why: `its graph is another than that of rank ${first}` }));
  }

  private arrived(piece: Piece): true | Later {
    // What an attempt before has left is dropped.
    if (piece.attempt !== this.number || this.signal.aborted) return true;
    return this.parts.take(piece);
  }

  private async send(program: number, edge: CutEdge, run: number, bytes: Uint8Array): Promise<void> {
    for (let at = 0, sequence = 0; at === 0 || at < bytes.length; at += CHUNK_BYTES, sequence++) {
      this.signal.throwIfAborted();
      const data = bytes.subarray(at, at + CHUNK_BYTES);
      await this.links[edge.to]!.send({
        program,
        run,
        attempt: this.number,
        edge: edge.number,
        sequence,
        data,
      });
    }
  }

  private lost(rank: number, why: string): void {
    if (this.signal.aborted) return;
    if (!this.complete && this.links[rank] !== undefined) {
      // It may come again.
      this.links[rank]!.close();
      this.links[rank] = this.peers[rank] = undefined;
      if (this.rank === 0 && this.told === undefined) return;
    }
    const edge = this.parts.edgeOf(rank);
    const failure: RankFailure = {
      rank,
      why,
      lost: true,
      ...(edge && { node: edge.node, edge: `${edge.node} → ${edge.reader}` }),
    };
    this.tellAll({ failure });
    this.end(new RankError(failure));
  }

  private tellAll(message: ControlMessage): void {
    for (const link of this.links) link?.tell(message);
  }

  private end(error: RankError): void {
    if (this.signal.aborted) return;
    this.failure.abort(error);
    for (const link of this.links) link?.stop(error);
    this.parts.offerAgain();
    this.changes.happened();
  }
}

/** Waits until a server's calls have ended, but not for long. */
function shutDown(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, LAST_MS);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
