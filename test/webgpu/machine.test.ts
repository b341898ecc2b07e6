import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  add,
  concat,
  type Device,
  DeviceError,
  Gather,
  GoMachine,
  Graph,
  type Machine,
  type MachineOptions,
  type Node,
  OpError,
  split,
  sub,
  TapeMachine,
  tanh,
} from "../../src/machine/index.js";
import type { Finding } from "../../src/webgpu/index.js";
import { openGpu } from "../../src/webgpu/index.js";
import { hasGpu, ICD, softwareGpu } from "./software-gpu.js";

const gpu = softwareGpu();

/** A device with other kernels, limits or such; all else is the real one's. */
function altered(device: Device, changes: Partial<Device>): Device {
  const own = Object.create(device) as Device;
  for (const [name, value] of Object.entries(changes)) Object.defineProperty(own, name, { value });
  return own;
}

/** The real device, with a kernel for sums alone, so that other ops stay on the CPU. */
function adding(device: Device): Device {
  const { kernels } = device;
  return altered(device, {
    kernels: (op, inputs, results) => (op.name === "add" ? kernels(op, inputs, results) : undefined),
  });
}

/** Both machines. */
const machines = {
  tape: (graph: Graph, options: MachineOptions): Machine => new TapeMachine(graph, options),
  go: (graph: Graph, options: MachineOptions): Machine => new GoMachine(graph, { ...options, capacity: 2 }),
};

/** Sums on the GPU between differences and cuts on the CPU. */
const graphs = fc
  .array(fc.tuple(fc.constantFrom("add", "sub", "turn"), fc.nat(), fc.nat()), { minLength: 1, maxLength: 16 })
  .map((ops) => {
    const graph = new Graph();
    const nodes: Node[] = [
      graph.input("x", [5], "float32"),
      graph.parameter("y", Float32Array.of(1, 2, 3, 4, 5)),
    ];
    for (const [name, i, j] of ops) {
      const [a, b] = [nodes[i % nodes.length]!, nodes[j % nodes.length]!];
      if (name === "turn") nodes.push(concat([...split(a, [3, 2])].reverse()));
      else if (name === "sub") nodes.push(sub(a, Float32Array.of(0.1, 0.2, 0.3, 0.4, 0.5)));
      else nodes.push(add(a, b));
    }
    return graph;
  });

describe.skipIf(!hasGpu)("a machine with a GPU", () => {
  it("gives the bits of one without, where every op rounds once", async () => {
    await fc.assert(
      fc.asyncProperty(graphs, fc.constantFrom(...(["tape", "go"] as const)), async (graph, kind) => {
        const consumed = new Set(graph.nodes.flatMap((node) => node.inputs));
        const outputs = graph.nodes.filter((node, i) => !consumed.has(node) || i % 5 === 0);
        const device = adding(gpu.device);
        const own = machines[kind](graph, { device, placement: "gpu", outputs });
        const plain = new TapeMachine(graph, { outputs });
        for (const start of [0.1, 7]) {
          const x = Float32Array.from({ length: 5 }, (_, i) => start + i / 3);
          for (const machine of [own, plain]) machine.let(graph.nodes[0]!, x);
          const [got, expected] = [await own.runAll(), await plain.runAll()];
          for (const node of outputs) expect(got.value(node).data).toEqual(expected.value(node).data);
        }
        await own.close();
        await plain.close();
      }),
      { numRuns: 25 },
    );
  });

  it("gives them with threads beside, whoever computes", async () => {
    const graph = new Graph();
    const x = graph.input("x", [2000], "float32");
    let y: Node = x;
    for (let i = 0; i < 3; i++) y = add(tanh(y), add(x, y));
    const values = Float32Array.from({ length: 2000 }, (_, i) => Math.sin(i));
    const plain = new TapeMachine(graph);
    plain.let(x, values);
    const { data } = (await plain.runAll()).value(y);
    for (const callerWorks of [true, false]) {
      const options = { workers: 1, threshold: 0, callerWorks, capacity: 2 };
      const machine = new GoMachine(graph, { ...options, device: adding(gpu.device), placement: "gpu" });
      machine.let(x, values);
      for (const run of await Promise.all([machine.runAll(), machine.runAll(), machine.runAll()]))
        expect(run.value(y).data).toEqual(data);
      expect((await machine.runAll({ views: true })).value(y).data).toEqual(data);
      await machine.close();
    }
    await plain.close();
  });

  it("streams overlapping runs in order", async () => {
    const { graph, x, y } = sums();
    const machine = new GoMachine(graph, { device: adding(gpu.device), placement: "gpu", capacity: 3 });
    const inputs = Array.from({ length: 20 }, (_, i) => [[x, new Float32Array(5).fill(i)]] as const);
    const got: number[] = [];
    for await (const run of machine.stream(inputs)) got.push(run.value(y).data[0] as number);
    expect(got).toEqual(inputs.map((_, i) => 4 * i - 1));
    await machine.close();
  });

  it("shows copies and the device's work in a trace, each run its own", async () => {
    const { graph, x } = sums();
    const machine = new GoMachine(graph, { device: adding(gpu.device), placement: "gpu", trace: true });
    machine.let(x, new Float32Array(5));
    for (const run of await Promise.all([machine.runAll(), machine.runAll()])) {
      const { spans } = run.trace!;
      // x + x, less 1 on the CPU, plus x + x again: the second reads both from the CPU.
      expect(spans.filter(({ lane }) => lane < 0).map(({ op, shape }) => `${op} ${shape}`)).toEqual([
        "upload 20 B",
        "run 1 ops",
        "download 20 B",
        "upload 40 B",
        "run 1 ops",
        "download 20 B",
      ]);
      expect(spans.filter(({ lane }) => lane >= 0).map(({ label }) => label)).toEqual([
        "constant#2",
        "x",
        "less",
      ]);
      for (const { started, ended } of spans) expect(ended).toBeGreaterThanOrEqual(started);
      expect(run.trace!.timeline()).toContain("to gpu");
      const names = run.trace!.chrome().traceEvents.filter(({ ph }) => ph === "M");
      expect(names.map(({ args }) => args.name)).toContain("copies from the gpu");
    }
    await machine.close();
  });

  it("ends an aborted run, and goes on", async () => {
    const { graph, x, y } = sums();
    for (const make of Object.values(machines)) {
      const machine = make(graph, { device: adding(gpu.device), placement: "gpu" });
      machine.let(x, new Float32Array(5).fill(2));
      const abort = new AbortController();
      const run = machine.runAll({ signal: abort.signal });
      abort.abort(new Error("enough"));
      await expect(run).rejects.toThrow("enough");
      expect((await machine.runAll()).value(y).data[0]).toBe(7);
      await machine.close();
    }
  });

  it("tells once of a lost device, and goes on on the CPU", async () => {
    for (const make of Object.values(machines)) {
      const device = await openGpu();
      const { graph, x, y } = sums();
      const machine = make(graph, { device, placement: "gpu" });
      machine.let(x, new Float32Array(5).fill(1));
      expect((await machine.runAll()).value(y).data[0]).toBe(3);
      const run = machine.runAll();
      (device as unknown as { handle: { destroy(): void } }).handle.destroy();
      const error = await run.then(
        () => undefined,
        (reason) => reason,
      );
      expect(error).toBeInstanceOf(DeviceError);
      expect(error.message).toMatch(/^\S.* was lost: [^\n]+$/);
      expect(error.hint).toBe("the machine's next run is computed by the CPU");
      expect((await machine.runAll()).value(y).data[0]).toBe(3);
      machine.let(x, new Float32Array(5).fill(2));
      expect((await machine.runAll()).value(y).data[0]).toBe(7);
      expect(y.value!.data[0]).toBe(7);
      // A new machine of the lost device is of the CPU from the start.
      const late = make(graph, { device, placement: "gpu" });
      late.let(x, new Float32Array(5).fill(3));
      expect((await late.runAll()).value(y).data[0]).toBe(11);
      await late.close();
      await machine.close();
      await device.close();
    }
  });

  it("names the op and the node whose shader does not compile, and goes on on the CPU", async () => {
    const { graph, x, y } = sums();
    const { kernels } = gpu.device;
    const device = altered(gpu.device, {
      kernels(op, inputs, results) {
        const own = op.name === "add" ? kernels(op, inputs, results) : undefined;
        return own && { ...own, passes: own.passes.map((pass) => ({ ...pass, code: `${pass.code}\nlet` })) };
      },
    });
    const machine = new TapeMachine(graph, { device, placement: "gpu" });
    machine.let(x, new Float32Array(5).fill(1));
    const error = await machine.runAll().catch((reason) => reason);
    expect(error).toBeInstanceOf(OpError);
    expect(error.message).toMatch(
      /^node twice: add\(5, 5\) failed: the shader does not compile in line \d+: /,
    );
    expect((await machine.runAll()).value(y).data[0]).toBe(3);
    await machine.close();
  });

  it("says how much a region wanted where there is no room, and goes on on the CPU", async () => {
    const { bufferBytes } = gpu.device.limits;
    const graph = new Graph();
    // Of a buffer more than there may be, of which placement is not told.
    const length = bufferBytes / 4 + 1;
    const x = graph.input("x", [length], "float32");
    const y = add(x, x);
    const limits = { ...gpu.device.limits, bufferBytes: 2 * bufferBytes, workgroups: 1 << 30 };
    const machine = new TapeMachine(graph, { device: altered(gpu.device, { limits }), placement: "gpu" });
    machine.let(x, new Float32Array(length));
    const error = await machine.runAll().catch((reason) => reason);
    expect(error).toBeInstanceOf(DeviceError);
    expect(error.message).toMatch(/ has no room for the values of .*, \d\.\d+ GB: .*exceeds/);
    await machine.close();
    // With its own limits it is computed by the CPU at once.
    const own = new TapeMachine(graph, { device: gpu.device, placement: "gpu", outputs: [y] });
    expect(own.placed).toEqual({ ops: 0, others: new Map([["add", 1]]) });
    await own.close();
  });

  it("stays on the device, in the same buffers, after elements that an op cannot take", async () => {
    const handle = (gpu.device as unknown as { handle: { createBuffer(d: object): object } }).handle;
    const graph = new Graph();
    const x = graph.parameter("x", Float32Array.of(1, 2, 3));
    const indices = graph.input("indices", [1], "int32");
    const y = graph.apply(new Gather({ axis: 0 }), [x, indices]);
    const machine = new TapeMachine(graph, { device: gpu.device, placement: "gpu" });
    const make = handle.createBuffer;
    let made = 0;
    const counts: number[] = [];
    handle.createBuffer = (descriptor) => {
      made++;
      return make.call(handle, descriptor);
    };
    try {
      for (let i = 0; i < 3; i++) {
        machine.let(indices, Int32Array.of(3));
        await expect(machine.runAll()).rejects.toThrow(OpError);
        machine.let(indices, Int32Array.of(2));
        expect((await machine.runAll()).value(y).data[0]).toBe(3);
        counts.push(made);
      }
    } finally {
      handle.createBuffer = make;
    }
    expect(counts[0]).toBeGreaterThan(0);
    expect(counts).toEqual([counts[0], counts[0], counts[0]]);
    await machine.close();
  });

  it("leaves nothing on the device of machines that are closed", async () => {
    const device = await openGpu();
    const handle = (device as unknown as { handle: { createBuffer(d: object): { destroy(): void } } }).handle;
    const make = handle.createBuffer.bind(handle);
    let [made, alive] = [0, 0];
    handle.createBuffer = (descriptor) => {
      const buffer = make(descriptor);
      const destroy = buffer.destroy.bind(buffer);
      made++;
      alive++;
      buffer.destroy = () => {
        alive--;
        destroy();
      };
      return buffer;
    };
    const { graph, x, y } = sums();
    for (let i = 0; i < 200; i++) {
      const machine = new GoMachine(graph, { device: adding(device), placement: "gpu" });
      machine.let(x, new Float32Array(5).fill(i));
      const runs = [machine.runAll(), machine.runAll()];
      const ended = Promise.allSettled(runs);
      if (i % 2 === 0) expect((await runs[0]!).value(y).data[0]).toBe(4 * i - 1);
      // Closed in mid-run every other time.
      await machine.close();
      await ended;
    }
    expect(made).toBeGreaterThan(200);
    expect(alive).toBe(0);
    await device.close();
  });

  it("lets a process end that closes nothing", () => {
    const code = `
      import { findGpus, openGpu } from "goml/webgpu";
      import { add, Graph, TapeMachine } from "goml/machine";
      const graph = new Graph();
      const x = graph.input("x", [2], "float32");
      const y = add(x, x);
      globalThis.machine = new TapeMachine(graph, { device: await openGpu(), placement: "gpu" });
      machine.let(x, Float32Array.of(1, 2));
      const run = await machine.runAll();
      console.log(JSON.stringify({ finding: await findGpus(), got: run.value(y).toArray() }));`;
    const env = { ...process.env, VK_ICD_FILENAMES: ICD };
    const { stdout, stderr, status } = spawnSync(process.execPath, ["--input-type=module", "-e", code], {
      env,
      encoding: "utf8",
      timeout: 60_000,
    });
    expect({ status, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stderr: "" });
    const { finding, got } = JSON.parse(stdout) as { finding: Finding; got: number[] };
    expect(got).toEqual([2, 4]);
    expect(finding).toMatchObject({ source: "webgpu", gpus: [{ software: true, vendor: "google" }] });
  });
});

/** `y = (x + x) + ((x + x) − 1)`, differences on the CPU where the device only adds. */
function sums() {
  const graph = new Graph();
  const x = graph.input("x", [5], "float32");
  const twice = add(x, x);
  twice.name = "twice";
  const less = sub(twice, new Float32Array(5).fill(1));
  less.name = "less";
  const y = add(twice, less);
  return { graph, x, y };
}
