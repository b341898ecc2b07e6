import type { RankFailure } from "../machine/index.js";
import { Message } from "../onnx/protobuf.js";
import { type MessageType, readMessage } from "../onnx/wire.js";

/** The messages of ranks.proto, as objects and as bytes. */

/** Goes up whenever ranks of before would misunderstand. */
export const PROTOCOL = 1;

export interface Hello {
  readonly version: string;
  readonly protocol: number;
  readonly rank: number;
  readonly size: number;
  readonly attempt: number;
  readonly port: number;
}

export interface Peer {
  readonly rank: number;
  readonly host: string;
  readonly port: number;
}

/** One of these is there. */
export interface ControlMessage {
  readonly hello?: Hello;
  readonly peers?: { readonly attempt: number; readonly peers: readonly Peer[] };
  readonly beat?: { readonly sent: number; readonly answers?: number | undefined };
  readonly program?: { readonly number: number; readonly fingerprint: string };
  readonly failure?: RankFailure;
  readonly note?: { readonly number: number; readonly content: Uint8Array };
  readonly bye?: boolean;
}

export interface Piece {
  readonly program: number;
  readonly run: number;
  readonly attempt: number;
  readonly edge: number;
  readonly sequence: number;
  readonly data: Uint8Array;
}

const HELLO: MessageType = {
  name: "Hello",
  fields: {
    1: ["version", "text"],
    2: ["protocol", "integer"],
    3: ["rank", "integer"],
    4: ["size", "integer"],
    5: ["attempt", "integer"],
    6: ["port", "integer"],
  },
};
const PEER: MessageType = {
  name: "Peer",
  fields: { 1: ["rank", "integer"], 2: ["host", "text"], 3: ["port", "integer"] },
};
const CONTROL: MessageType = {
  name: "ControlMessage",
  fields: {
    1: ["hello", HELLO],
    2: ["peers", { name: "Peers", fields: { 1: ["attempt", "integer"], 2: ["peers", PEER, "repeated"] } }],
    3: ["beat", { name: "Beat", fields: { 1: ["sent", "double"], 2: ["answers", "double"] } }],
    4: ["program", { name: "Program", fields: { 1: ["number", "integer"], 2: ["fingerprint", "text"] } }],
    5: [
      "failure",
      {
        name: "Failure",
        fields: {
          1: ["rank", "integer"],
          2: ["why", "text"],
          3: ["node", "text"],
          4: ["edge", "text"],
          5: ["lost", "integer"],
        },
      },
    ],
    6: ["note", { name: "Note", fields: { 1: ["number", "integer"], 2: ["content", "bytes"] } }],
    7: ["bye", "integer"],
  },
};
const PIECE: MessageType = {
  name: "Piece",
  fields: {
    1: ["program", "integer"],
    2: ["run", "integer"],
    3: ["attempt", "integer"],
    4: ["edge", "integer"],
    5: ["sequence", "integer"],
    6: ["data", "bytes"],
  },
};

export function controlBytes(control: ControlMessage): Buffer {
  const { hello, peers, beat, program, failure, note, bye } = control;
  const message = new Message();
  if (hello !== undefined) {
    const { version, protocol, rank, size, attempt, port } = hello;
    const own = new Message().text(1, version).integer(2, protocol).integer(3, rank);
    message.message(1, own.integer(4, size).integer(5, attempt).integer(6, port));
  }
  if (peers !== undefined) {
    const list = new Message().integer(1, peers.attempt);
    for (const { rank, host, port } of peers.peers)
      list.message(2, new Message().integer(1, rank).text(2, host).integer(3, port));
    message.message(2, list);
  }
  if (beat !== undefined) {
    const own = new Message().double(1, beat.sent);
    if (beat.answers !== undefined) own.double(2, beat.answers);
    message.message(3, own);
  }
  if (program !== undefined)
    message.message(4, new Message().integer(1, program.number).text(2, program.fingerprint));
  if (failure !== undefined) {
    const { rank, why, node, edge, lost } = failure;
    const own = new Message().integer(1, rank).text(2, why);
    if (node !== undefined) own.text(3, node);
    if (edge !== undefined) own.text(4, edge);
    message.message(5, lost ? own.integer(5, 1) : own);
  }
  if (note !== undefined) message.message(6, new Message().integer(1, note.number).bytes(2, note.content));
  if (bye) message.integer(7, 1);
  return asBuffer(message.encode());
}

/** @throws DataError where the bytes are no such message */
export function readControl(bytes: Uint8Array): ControlMessage {
  const { hello, peers, failure, note, program, bye, beat } = readMessage(CONTROL, bytes) as {
    [key: string]: Record<string, unknown> | undefined;
  };
  const none = { rank: 0, attempt: 0, port: 0, number: 0, size: 0, protocol: 0, why: "", version: "" };
  const whole = (message: Record<string, unknown>) => ({ ...none, ...message }) as never;
  if (hello !== undefined) return { hello: whole(hello) };
  if (peers !== undefined) {
    const list = (peers.peers as Record<string, unknown>[]).map((peer) => whole({ host: "", ...peer }));
    return { peers: { attempt: (peers.attempt as number) ?? 0, peers: list } };
  }
  if (beat !== undefined) return { beat: { sent: 0, ...beat } as never };
  if (program !== undefined) return { program: whole({ fingerprint: "", ...program }) };
  if (failure !== undefined) {
    const { rank, why, node, edge, lost } = whole(failure) as RankFailure & { lost?: number };
    return { failure: { rank, why, node, edge, lost: Boolean(lost) } };
  }
  if (note !== undefined) return { note: whole({ content: new Uint8Array(), ...note }) };
  return { bye: Boolean(bye) };
}

/** @param room a buffer for the message, where it is large enough */
export function pieceBytes(
  { program, run, attempt, edge, sequence, data }: Piece,
  room: Buffer = Buffer.alloc(0),
): Buffer {
  const head = new Message()
    .integer(1, program)
    .integer(2, run)
    .integer(3, attempt)
    .integer(4, edge)
    .integer(5, sequence)
    .bytesAfter(6, data.length)
    .encode();
  const length = head.length + data.length;
  const bytes = room.length < length ? Buffer.allocUnsafeSlow(length) : room.subarray(0, length);
  bytes.set(head);
  bytes.set(data, head.length);
  return bytes;
}

/** @throws DataError where the bytes are no such message */
export function readPiece(bytes: Uint8Array): Piece {
  const piece = readMessage(PIECE, bytes) as Partial<Piece>;
  const none = { program: 0, run: 0, attempt: 0, edge: 0, sequence: 0, data: new Uint8Array() };
  return { ...none, ...piece };
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
}
