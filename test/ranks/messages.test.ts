import { loadSync } from "@grpc/proto-loader";
import { expect, it } from "vitest";
import { controlBytes, pieceBytes, readControl, readPiece } from "../../src/ranks/messages.js";

// The proto file is what others write ranks by: its own reader must read what is written here, and the other way round.
const { "goml.ranks.v1.ControlMessage": CONTROL, "goml.ranks.v1.Piece": PIECE } = (() => {
  const definition = loadSync("src/ranks/ranks.proto", { longs: Number, keepCase: true }) as never as {
    "goml.ranks.v1.Ranks": Record<
      "Control" | "Pieces",
      {
        requestSerialize(message: object): Buffer;
        requestDeserialize(bytes: Buffer): Record<string, unknown>;
      }
    >;
  };
  const { Control, Pieces } = definition["goml.ranks.v1.Ranks"];
  return { "goml.ranks.v1.ControlMessage": Control, "goml.ranks.v1.Piece": Pieces };
})();

it.each([
  { hello: { version: "0.1.0", protocol: 1, rank: 0, size: 3, attempt: 2, port: 4711 } },
  {
    peers: {
      attempt: 1,
      peers: [
        { rank: 1, host: "10.0.0.2", port: 5 },
        { rank: 2, host: "::1", port: 6 },
      ],
    },
  },
  { beat: { sent: 1.5e12 } },
  { beat: { sent: 1.5e12, answers: 0.25 } },
  { program: { number: 0, fingerprint: "ab" } },
  { failure: { rank: 1, why: "no more", node: "n", edge: "n → m", lost: true } },
  { note: { number: 3, content: Buffer.from("abc") } },
  { bye: true },
])("writes and reads %j as the proto file says", (message) => {
  const bytes = controlBytes(message);
  expect(CONTROL.requestDeserialize(bytes)).toMatchObject(message);
  expect(readControl(CONTROL.requestSerialize(message))).toMatchObject(message);
});

it("writes and reads pieces as the proto file says", () => {
  const piece = {
    program: 1,
    run: 2 ** 40,
    attempt: 0,
    edge: 7,
    sequence: 3,
    data: Buffer.from([1, 2, 255]),
  };
  expect(PIECE.requestDeserialize(pieceBytes(piece))).toMatchObject({ ...piece, attempt: 0 });
  expect(readPiece(PIECE.requestSerialize(piece))).toEqual(piece);
});
