// A rank in a process of its own, for tests that kill, stop and delay it: x ↦ (x² + 1)² over and over, each op at another
// rank. Says what it does in lines of JSON.
import { createHash } from "node:crypto";
import { add, GoMachine, Graph, square, tensor } from "../../dist/machine/index.js";
import { withRanks } from "../../dist/ranks/index.js";

const {
  rank,
  size,
  port,
  host,
  listen,
  token,
  runs,
  length,
  delay = 0,
  retries = 0,
  joinTimeout,
  capacity = 2,
} = JSON.parse(process.argv[2]);
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);

const graph = new Graph();
const x = graph.input("x", [length]);
const first = square(x);
const second = add(first, 1);
const y = square(second);
for (const [i, node] of [first, second, y].entries()) {
  node.site = i % size;
  node.name = ["first", "second", "last"][i];
}
function* inputs() {
  for (let i = 0; i < runs; i++) yield [[x, tensor(new Float64Array(length).fill(i % 7), [length])]];
}

try {
  const hash = await withRanks(
    { rank, size, port, host, listen, token, retries, joinTimeout, listening: (own) => say({ port: own }) },
    async (sites) => {
      say({ joined: sites.attempt });
      const machine = new GoMachine(graph, {
        sites,
        outputs: [y],
        capacity,
        pause: delay === 0 ? undefined : () => new Promise((resolve) => setTimeout(resolve, delay)),
      });
      const own = createHash("sha256");
      let done = 0;
      let most = 0;
      let early = 0;
      for await (const run of machine.stream(inputs())) {
        own.update(run.value(y).data);
        const { rss } = process.memoryUsage();
        // Compilers and first buffers are not what grows.
        if (++done === Math.ceil(runs / 4)) early = rss;
        most = Math.max(most, rss);
        if (done % 10 === 0 || done === 1) say({ done });
      }
      await machine.close();
      say({ early, most });
      return own.digest("hex");
    },
  );
  // Closed sockets are forgotten in a later turn.
  await new Promise((resolve) => setTimeout(resolve, 50));
  say({ hash, left: process.getActiveResourcesInfo().filter((name) => !/TTY|Pipe|Immediate/.test(name)) });
} catch (error) {
  say({ failed: error.message, at: Date.now() });
  process.exitCode = 1;
}
