import { expect, test } from "vitest";
import { GoMachine, Graph, matmul, mul, TapeMachine, tanh } from "../../src/machine/index.js";
import { randomFrom, randomTensor } from "./random.js";

function build() {
  const random = randomFrom(9);
  const graph = new Graph();
  const x = graph.parameter("x", randomTensor(random, [40, 40]));
  const product = matmul(x, x);
  return { graph, x, product, out: mul(tanh(product), x) };
}

test.each([
  ["tape", (graph: Graph, trace: boolean) => new TapeMachine(graph, { trace })],
  ["go", (graph: Graph, trace: boolean) => new GoMachine(graph, { trace })],
  [
    "go with workers",
    (graph: Graph, trace: boolean) => new GoMachine(graph, { trace, workers: 2, threshold: 20_000 }),
  ],
])("%s: every node has its times, in order; consumers are ready after producers", async (name, make) => {
  const { graph } = build();
  const machine = make(graph, true);
  const { trace } = await machine.runAll();
  await machine.close();
  const spans = trace!.spans;
  expect(new Set(spans.map((span) => span.label))).toEqual(new Set(graph.nodes.map((node) => node.label)));
  for (const span of spans) {
    expect(span.spawned).toBeGreaterThanOrEqual(0);
    expect(span.ready).toBeGreaterThanOrEqual(span.spawned);
    expect(span.ended).toBeGreaterThanOrEqual(span.started);
  }
  const product = spans.filter((span) => span.op === "matmul");
  const after = spans.find((span) => span.op === "tanh")!;
  // Worker clocks differ from this thread's by some microseconds.
  for (const span of product) expect(after.ready).toBeGreaterThanOrEqual(span.ended - 0.5);
  expect(product.map((span) => span.lane).sort()).toEqual(name.endsWith("workers") ? [1, 2] : [0]);

  const lines = trace!.timeline(40).trimEnd().split("\n");
  expect(lines.length).toBe(spans.length);
  expect(lines[0]).toMatch(/^x 40×40 +main +█/);

  const { traceEvents } = JSON.parse(JSON.stringify(trace!.chrome()));
  const events = traceEvents.filter((event: { ph: string }) => event.ph === "X");
  expect(events.length).toBe(spans.length);
  for (const event of events) {
    expect(event).toMatchObject({
      pid: 1,
      ts: expect.any(Number),
      dur: expect.any(Number),
      name: expect.any(String),
    });
    expect(event.dur).toBeGreaterThanOrEqual(0);
  }
});

test("without the option there is no trace", async () => {
  const { graph } = build();
  expect((await new GoMachine(graph).runAll()).trace).toBeUndefined();
});
