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
    (graph: Graph, trace: boolean) => new GoMachine(graph, { trace, workers: 2, threshold: 0 }),
  ],
  [
    "go, workers alone",
    (graph: Graph, trace: boolean) =>
      new GoMachine(graph, { trace, workers: 2, threshold: 0, callerWorks: false }),
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
  for (const span of product) expect(after.ready).toBeGreaterThanOrEqual(span.ended);
  // Which threads took part is theirs to say; a lane works at one thing at a time.
  const lanes = { "go with workers": [0, 1, 2], "go, workers alone": [1, 2] }[name] ?? [0];
  for (const lane of [0, 1, 2]) {
    const own = spans.filter((span) => span.lane === lane && span.ended > span.started);
    if (!lanes.includes(lane)) expect(own).toEqual([]);
    own.sort((a, b) => a.started - b.started);
    // Threads' clocks differ by some microseconds, and a span begins when its inputs had ended by theirs.
    for (let i = 1; i < own.length; i++) expect(own[i]!.started).toBeGreaterThan(own[i - 1]!.ended - 0.5);
  }

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
