import { expect, test } from "vitest";
import { type Answer, answer } from "../../src/serve/answer.js";
import { AskableModels } from "../../src/serve/askable.js";
import { bodyOffset, copyToShared, SharedMemory } from "../../src/serve/request-memory.js";
import { servedModel } from "../../src/serve/served-model.js";
import { binaryMatrix, boston, expected, manyRows, X } from "./serving.js";

const served = servedModel(boston, "boston", "1");
const model = new AskableModels().of(served);
const place = { shared: false, mostNumbers: Number.POSITIVE_INFINITY, checkpoint: () => {} };
const policy = { unseen: "fail" as const, answerLimit: 1 << 30 };

test("an answer stops at the next checkpoint once nobody waits for it", () => {
  const { body, headers } = binaryMatrix(manyRows(500_000).X);
  const headerLength = Number(headers["inference-header-content-length"]);
  const question = { dialect: "infer" as const, body, headerLength, ...policy };
  let looked = 0;
  answer(model, question, { ...place, checkpoint: () => looked++ });
  // Eight pieces of 65,536 rows, and once more before the answer is written.
  expect(looked).toBe(9);
  let seen = 0;
  const gone = () => {
    if (++seen === 3) throw new Error("gone");
  };
  expect(() => answer(model, question, { ...place, checkpoint: gone })).toThrow("gone");
  expect(seen).toBe(3);
});

test("binary predictions are computed in place, behind JSON that is padded to a multiple of 8", () => {
  const { body, headers } = binaryMatrix(X);
  const headerLength = Number(headers["inference-header-content-length"]);
  for (const shared of [false, true]) {
    const question = { dialect: "infer" as const, body, headerLength, ...policy };
    const got = answer(model, question, { ...place, shared }) as Answer;
    const bytes = got.body as Uint8Array;
    expect(bytes.buffer instanceof SharedArrayBuffer).toBe(shared);
    expect(got.headerLength! % 8).toBe(0);
    expect([...new Float64Array(bytes.buffer, got.headerLength!)]).toEqual([...expected]);
  }
});

test("copying into shared memory gives the bytes for every alignment of source and target, and any length", () => {
  const source = Uint8Array.from({ length: 600_000 }, (_, i) => (i * 31 + (i >> 8)) & 255);
  for (let from = 0; from < 9; from++)
    for (let at = 0; at < 9; at++)
      for (const length of [0, 1, 7, 8, 9, 1000, 300_001]) {
        const target = new Uint8Array(new SharedArrayBuffer(at + length + 16));
        copyToShared(target, at, source.subarray(from, from + length));
        const copied = Buffer.from(target.slice(at, at + length));
        expect(copied.equals(source.subarray(from, from + length))).toBe(true);
        expect([...target.subarray(0, at), ...target.subarray(at + length)].every((v) => v === 0)).toBe(true);
      }
});

test("a body lies such that what follows its header is aligned for doubles", () => {
  for (let header = 0; header < 30; header++) expect((bodyOffset(header) + header) % 8).toBe(0);
});

test("shared memory is used again, with its flag cleared", () => {
  const memory = new SharedMemory();
  const first = memory.take(2_000_000);
  first.cancelled[0] = 1;
  memory.give(first);
  const second = memory.take(1_900_000);
  expect(second.memory).toBe(first.memory);
  expect(second.cancelled[0]).toBe(0);
  expect(memory.take(1_900_000).memory).not.toBe(first.memory);
  memory.clear();
});

test("models are made ready once for each server, and no longer kept when another takes their place", () => {
  const [one, two] = [new AskableModels(), new AskableModels()];
  const ours = one.of(served);
  // Another server has another model of the same name; neither takes the other's place.
  const theirs = servedModel(boston, "boston", "1");
  two.of(theirs);
  expect(one.of(served)).toBe(ours);
  const next = servedModel(boston, "boston", "1");
  expect(one.of(next)).not.toBe(ours);
  expect(one.of(next)).toBe(one.of(next));
  expect(one.of(served)).not.toBe(ours);
});
