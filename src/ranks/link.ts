import { CHUNK_BYTES } from "../machine/index.js";
import type { Call, Caller } from "./calls.js";
import { Liveness } from "./liveness.js";
import {
  type ControlMessage,
  controlBytes,
  type Piece,
  pieceBytes,
  readControl,
  readPiece,
} from "./messages.js";

/** How much later than its end on one call something may be read that was sent before it on the other, in milliseconds. */
const BESIDE_MS = 100;

/** Pieces from this size on are written into buffers that are used again, of room for the longest and what names it. */
const SMALL_BYTES = 1 << 16;
const ROOM_BYTES = CHUNK_BYTES + 128;
const MOST_ROOMS = 8;

/** What a link tells of. */
export interface LinkEvents {
  control(message: ControlMessage): void;
  /** Takes a piece, or says when to offer it again. */
  piece(piece: Piece): true | ((again: () => void) => void);
  lost(why: string): void;
}

/**
 * The connection to another rank: a call for control, never held up, and one for pieces, which the flow control of
 * HTTP/2 holds up wherever the reader has no room. Both lie on one TCP connection.
 */
export class Link {
  readonly rank: number;
  /** What the clock of this rank shows less that of the other, in milliseconds; that of the quickest answer. */
  offset = 0;
  /** Whether the other needs nothing more. */
  left = false;
  private readonly events: LinkEvents;
  private readonly control: Call;
  private pieces: Call | undefined = undefined;
  private readonly caller: Caller | undefined;
  private liveness: Liveness | undefined = undefined;
  private quickest = Number.POSITIVE_INFINITY;
  private over = false;
  private ending = false;
  /** The pieces that have come and for which there was no room. */
  private readonly held: Piece[] = [];
  private taking = false;
  private line: Promise<void> = Promise.resolve();
  /** Buffers whose pieces have gone: memory that the system gives anew costs more than the copy into it. */
  private readonly rooms: Buffer[] = [];
  private readonly stops = new Set<(reason: unknown) => void>();

  constructor(rank: number, control: Call, caller: Caller | undefined, events: LinkEvents) {
    this.rank = rank;
    this.control = control;
    this.caller = caller;
    this.events = events;
    this.listen(control, (bytes) => {
      const message = readControl(bytes);
      if (message.beat !== undefined) this.beaten(message.beat);
      else if (message.bye) this.left = true;
      this.events.control(message);
    });
  }

  /** Whether values can cross. */
  get open(): boolean {
    return this.pieces !== undefined;
  }

  /** Where the other can be asked for when it is silent. */
  watch(host: string, port: number): void {
    this.liveness = new Liveness(host, port, (why) => this.lose(why));
  }

  /** The call for pieces is there. */
  carry(call: Call): void {
    this.pieces = call;
    this.listen(call, (bytes) => {
      this.held.push(readPiece(bytes));
      this.take();
    });
  }

  tell(message: ControlMessage): void {
    if (!this.over) this.control.write(controlBytes(message));
  }

  beat(): void {
    this.tell({ beat: { sent: now() } });
    if (!this.left) this.liveness?.look();
  }

  /** Sends a piece after those before it; resolves when there is room for more. */
  send(piece: Piece): Promise<void> {
    const own = this.line.then(() => this.write(piece));
    this.line = own.catch(() => undefined);
    return own;
  }

  /** Whoever waits to send fails. */
  stop(reason: unknown): void {
    for (const stop of [...this.stops]) stop(reason);
    this.held.length = 0;
    this.pieces?.resume();
  }

  /** Ends both calls, once what was written has gone. */
  async end(): Promise<void> {
    this.ending = true;
    this.liveness?.stop();
    for (const call of [this.control, this.pieces]) call?.end();
    await new Promise<void>((resolve) => setImmediate(resolve));
  }

  /** Lets go of the connection. */
  close(): void {
    this.ending = this.over = true;
    this.liveness?.stop();
    for (const call of [this.control, this.pieces]) if (call !== undefined && "cancel" in call) call.cancel();
    this.caller?.close();
  }

  private listen(call: Call, take: (bytes: Buffer) => void): void {
    call.on("data", (bytes: Buffer) => {
      this.liveness?.hear();
      try {
        take(bytes);
      } catch (error) {
        this.lose(`is misunderstood: ${(error as Error).message}`);
      }
    });
    const lose = () => this.lose("is lost: its connection has closed");
    // The other's leave, which it took before, may be about to be read from the call beside.
    const gone = call === this.control ? lose : () => setTimeout(lose, BESIDE_MS).unref();
    call.on("error", gone);
    call.on("end", gone);
    call.on("close", gone);
    call.on("cancelled", gone);
  }

  private lose(why: string): void {
    if (this.over || this.ending || this.left) return;
    this.over = true;
    this.liveness?.stop();
    this.events.lost(why);
  }

  private beaten({ sent, answers }: { sent: number; answers?: number | undefined }): void {
    if (answers === undefined) {
      this.tell({ beat: { sent: now(), answers: sent } });
      return;
    }
    const [at, trip] = [now(), now() - answers];
    if (trip >= this.quickest) return;
    this.quickest = trip;
    this.offset = at - trip / 2 - sent;
  }

  private async write(piece: Piece): Promise<void> {
    const { pieces } = this;
    if (this.over || pieces === undefined) return;
    const small = piece.data.length < SMALL_BYTES;
    const room = small ? undefined : (this.rooms.pop() ?? Buffer.allocUnsafeSlow(ROOM_BYTES));
    const bytes = pieceBytes(piece, room);
    const gone = () => {
      if (room !== undefined && this.rooms.length < MOST_ROOMS) this.rooms.push(room);
    };
    if (pieces.write(bytes, gone)) return;
    await new Promise<void>((resolve, reject) => {
      const end = (then: () => void) => {
        pieces.off("drain", drained);
        this.stops.delete(stop);
        then();
      };
      const drained = () => end(resolve);
      const stop = (reason: unknown) => end(() => reject(reason));
      pieces.once("drain", drained);
      this.stops.add(stop);
    });
  }

  /** Hands on what has come, as far as there is room. */
  private take(): void {
    if (this.taking) return;
    while (this.held.length > 0) {
      const taken = this.events.piece(this.held[0]!);
      if (taken === true) {
        this.held.shift();
        continue;
      }
      this.taking = true;
      this.pieces?.pause();
      taken(() => {
        this.taking = false;
        this.take();
      });
      return;
    }
    this.pieces?.resume();
  }
}

function now(): number {
  return performance.timeOrigin + performance.now();
}
