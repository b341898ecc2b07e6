// What a cut edge costs, and what two processes gain: paired rounds, each case in turn, on loopback.
//
//     node bench/ranks.js edge      an 8 MB edge beside a bare stream of @grpc/grpc-js, and round trips of 1 KB
//     node bench/ranks.js resnet    ResNet-50 over two processes of one thread each, beside one process of one thread
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import * as grpc from "@grpc/grpc-js";
import { resnet } from "../dist/cli/bench/networks.js";
import { add, fuse, GoMachine, Graph, slice, Tensor } from "../dist/machine/index.js";
import { joinRanks } from "../dist/ranks/index.js";

const SELF = fileURLToPath(import.meta.url);
const ROUNDS = Number(process.env.ROUNDS ?? 5);
const EDGE_RUNS = 40;
const TRIPS = 400;
const IMAGES = 12;

/** A graph whose one edge of 8 MB leads from rank 0 to rank 1. */
function edgeGraph() {
  const graph = new Graph();
  const x = graph.input("x", [1 << 20]);
  x.site = 0;
  const y = slice(x, [[0, 1]]);
  y.site = 1;
  return { graph, x, y, value: new Tensor(new Float64Array(1 << 20).fill(1), [1 << 20]) };
}

/** 1 KB to rank 1 and back. */
function tripGraph() {
  const graph = new Graph();
  const x = graph.input("x", [128]);
  const there = add(x, 1);
  there.site = 1;
  const back = add(there, 1);
  back.site = 0;
  return { graph, x, y: back, value: new Tensor(new Float64Array(128), [128]) };
}

function networkGraph() {
  const { graph: whole, input, output } = resnet(50);
  const fused = fuse(whole, [output]);
  const x = fused.nodeOf(input);
  const data = Float32Array.from({ length: 3 * 224 * 224 }, (_, i) => Math.sin(i));
  return { graph: fused.graph, x, y: fused.nodeOf(output), value: new Tensor(data, x.shape) };
}

async function streamed(machine, x, value, runs) {
  let last;
  for await (const run of machine.stream(Array.from({ length: runs }, () => [[x, value]]))) last = run;
  return last;
}

async function oneByOne(machine, x, value, runs) {
  for (let i = 0; i < runs; i++) {
    machine.let(x, value);
    await machine.runAll();
  }
}

const cases = {
  edge: { make: edgeGraph, run: streamed, runs: EDGE_RUNS },
  trip: { make: tripGraph, run: oneByOne, runs: TRIPS },
  resnet: { make: networkGraph, run: streamed, runs: IMAGES },
};

/** What both ranks do: each case as often as it is asked for. */
async function asRank(ranks, names, rounds, between) {
  const times = Object.fromEntries(names.map((name) => [name, []]));
  const machines = names.map((name) => {
    const { make } = cases[name];
    const made = make();
    return {
      name,
      ...made,
      machine: new GoMachine(made.graph, { sites: ranks, outputs: [made.y] }),
    };
  });
  for (let round = -1; round < rounds; round++) {
    for (const { name, machine, x, value, y } of machines) {
      const { run, runs } = cases[name];
      await between?.(name, round);
      const started = performance.now();
      const last = await run(machine, x, value, runs);
      if (round >= 0) times[name].push((performance.now() - started) / runs);
      if (name === "resnet" && between !== undefined) between.check?.(last.value(y));
    }
  }
  for (const { machine } of machines) await machine.close();
  return times;
}

const same = (bytes) => bytes;
const method = { path: "/bare/Stream", requestStream: true, responseStream: true };
const serial = {
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
};
const options = {
  "grpc.max_receive_message_length": -1,
  "grpc.max_send_message_length": -1,
  "grpc-node.flow_control_window": 4 << 20,
};

/** The other process: rank 1, and a server of a bare stream that answers each 8 MB by one byte. */
if (process.argv[2] === "other") {
  const [, , , port, list] = process.argv;
  const server = new grpc.Server(options);
  server.addService(
    { Stream: { ...method, ...serial } },
    {
      Stream(call) {
        let got = 0;
        call.on("data", (bytes) => {
          got += bytes.length;
          if (got < 8 << 20) return;
          got -= 8 << 20;
          call.write(Buffer.alloc(1));
        });
        call.on("end", () => call.end());
      },
    },
  );
  server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (_, own) => process.send(own));
  const ranks = await joinRanks({ rank: 1, size: 2, port: Number(port) });
  await asRank(ranks, list.split(","), ROUNDS);
  await ranks.close();
  process.disconnect();
  server.forceShutdown();
} else {
  const names = process.argv[2] === "resnet" ? ["resnet"] : ["edge", "trip"];
  let child;
  let bare;
  const ranks = await joinRanks({
    rank: 0,
    size: 2,
    port: 0,
    listening(port) {
      child = fork(SELF, ["other", String(port), names.join()]);
      child.once("message", (own) => {
        bare = new grpc.Client(`127.0.0.1:${own}`, grpc.credentials.createInsecure(), options);
      });
    },
  });
  const beside = [];
  const alone = names[0] === "resnet" ? networkGraph() : undefined;
  const single = alone && new GoMachine(alone.graph, { outputs: [alone.y] });
  let want;
  const between = async (name, round) => {
    let ms;
    if (name === "edge") {
      const call = bare.makeBidiStreamRequest(method.path, same, same);
      const pieces = Array.from({ length: 8 }, () => Buffer.alloc(1 << 20, 1));
      let answers = 0;
      const all = new Promise((resolve) => {
        call.on("data", () => {
          if (++answers === EDGE_RUNS) resolve();
        });
      });
      const started = performance.now();
      for (let i = 0; i < 8 * EDGE_RUNS; i++)
        if (!call.write(pieces[i % 8])) await new Promise((resolve) => call.once("drain", resolve));
      await all;
      ms = (performance.now() - started) / EDGE_RUNS;
      call.end();
    } else if (name === "resnet") {
      const started = performance.now();
      const last = await streamed(single, alone.x, alone.value, IMAGES);
      ms = (performance.now() - started) / IMAGES;
      want = last.value(alone.y).data;
    }
    if (round >= 0 && ms !== undefined) beside.push(ms);
  };
  between.check = ({ data }) => {
    if (!data.every((value, i) => Object.is(value, want[i]))) throw new Error("the ranks give other bits");
  };
  const times = await asRank(ranks, names, ROUNDS, between);
  await ranks.close();
  bare.close();
  await single?.close();
  const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
  if (times.edge) {
    const ratios = times.edge.map((ms, i) => beside[i] / ms);
    console.log(`8 MB edge: ${((8.388608 / median(times.edge)) * 1000).toFixed(0)} MB/s`);
    console.log(`bare stream: ${((8.388608 / median(beside)) * 1000).toFixed(0)} MB/s`);
    console.log(`edge / bare, median of ${ROUNDS} paired rounds: ${median(ratios).toFixed(2)}`);
    console.log(`1 KB there and back, as two nodes: ${(1000 * median(times.trip)).toFixed(0)} µs`);
  } else {
    const ratios = times.resnet.map((ms, i) => beside[i] / ms);
    console.log(`one process of one thread: ${median(beside).toFixed(1)} ms an image`);
    console.log(`two processes of one thread each: ${median(times.resnet).toFixed(1)} ms an image`);
    console.log(`gain, median of ${ROUNDS} paired rounds: ${median(ratios).toFixed(2)}`);
  }
}
