import fc from "fast-check";
import { expect, test } from "vitest";
import { Memory } from "../../../src/machine/engine/memory.js";
import { GoMachine, Graph, matmul, TapeMachine, Tensor, tanh } from "../../../src/machine/index.js";
import { ROOM_BYTES } from "../../../src/machine/kernels/tensor-kernels.js";

test("room that is given back is taken again, zeroed, and never lies within other room", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(5000), fc.nat()), { maxLength: 60 }), (steps) => {
      const memory = new Memory();
      const held: { offset: number; bytes: number }[] = [];
      let most = 0;
      for (const [takes, bytes, which] of steps) {
        if (takes || held.length === 0) {
          const offset = memory.take(bytes);
          expect(offset % 64).toBe(0);
          const own = new Uint8Array(memory.pages.buffer, offset, bytes);
          expect(own.every((byte) => byte === 0)).toBe(true);
          own.fill(255);
          for (const other of held)
            expect(
              offset + bytes <= other.offset || other.offset + other.bytes <= offset || bytes === 0,
            ).toBe(true);
          held.push({ offset, bytes });
        } else {
          const [own] = held.splice(which % held.length, 1);
          memory.give(own!.offset, own!.bytes);
        }
        most = Math.max(most, memory.size);
      }
      for (const { offset, bytes } of held.splice(0)) memory.give(offset, bytes);
      expect(memory.size).toBe(0);
      // All of it is one piece again.
      const offset = memory.take(most);
      expect(offset + most).toBeLessThanOrEqual(Math.max(most, memory.size + offset));
    }),
  );
});

test("machines on one memory hold a constant once, and give back what they have", async () => {
  const memory = new Memory();
  const weights = new Tensor(
    Float32Array.from({ length: 250_000 }, (_, i) => Math.sin(i) / 50),
    [500, 500],
  );
  const open = (rows: number, workers: number | undefined) => {
    const graph = new Graph();
    const x = graph.input("x", [rows, 500], "float32");
    const y = tanh(matmul(x, graph.constant(weights)));
    const options = { outputs: [y], memory };
    const machine =
      workers === undefined
        ? new TapeMachine(graph, options)
        : new GoMachine(graph, { ...options, workers, threshold: 0, capacity: 1 });
    return {
      machine,
      async run() {
        machine.let(
          x,
          Float32Array.from({ length: rows * 500 }, (_, i) => Math.cos(i)),
        );
        return (await machine.runAll()).value(y).data;
      },
    };
  };
  const machines = [open(1, undefined), open(2, undefined), open(3, 0), open(4, 1)];
  const rows = await Promise.all(machines.map(async (own) => (await own.run()).slice(0, 500)));
  // The same weights, wherever they are read: the first row is that of one row.
  for (const row of rows.slice(1)) expect(row).toEqual(rows[0]);
  // One room for this thread and one for the worker; the rest are values of some rows.
  expect(memory.size - 2 * ROOM_BYTES).toBeLessThan(weights.data.byteLength + 200_000);
  for (const { machine } of machines.slice(0, 3)) await machine.close();
  expect(await machines[3]!.run()).toHaveLength(2000);
  await machines[3]!.machine.close();
  expect(memory.size).toBeLessThanOrEqual(ROOM_BYTES + 64);
});
