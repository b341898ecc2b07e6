import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const WORKER = fileURLToPath(new URL("rank-worker.js", import.meta.url));

interface Said {
  port?: number;
  joined?: number;
  done?: number;
  early?: number;
  most?: number;
  hash?: string;
  left?: string[];
  failed?: string;
  at?: number;
}

interface Options {
  runs: number;
  length: number;
  delays?: number[];
  retries?: number;
  joinTimeout?: number;
  host?: string;
  listen?: string;
  token?: string;
}

/** A rank in a process of its own. */
class RankProcess {
  readonly said: Said[] = [];
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  private waiting: (() => void)[] = [];

  constructor(rank: number, size: number, port: number, options: Options, within: readonly string[] = []) {
    const { delays = [], ...rest } = options;
    const task = JSON.stringify({ rank, size, port, delay: delays[rank], ...rest });
    const [program, ...args] = [...within, process.execPath, WORKER, task];
    this.child = spawn(program!, args, { env: { ...process.env, GRPC_VERBOSITY: "NONE" } });
    let text = "";
    this.child.stdout!.setEncoding("utf8").on("data", (more: string) => {
      const lines = (text + more).split("\n");
      text = lines.pop()!;
      for (const line of lines) this.said.push(JSON.parse(line));
      for (const go of this.waiting.splice(0)) go();
    });
    this.ended = once(this.child, "close").then(([code]) => {
      for (const go of this.waiting.splice(0)) go();
      return code as number | null;
    });
  }

  /** Waits until it has said something that holds. */
  async until(holds: (said: Said) => boolean): Promise<Said> {
    for (;;) {
      const found = this.said.find(holds);
      if (found !== undefined) return found;
      if (this.child.exitCode !== null) throw new Error(`it has ended: ${JSON.stringify(this.said.at(-1))}`);
      await new Promise<void>((go) => this.waiting.push(go));
    }
  }

  get last(): Said {
    return this.said.at(-1)!;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

async function group(size: number, options: Options): Promise<RankProcess[]> {
  const port = await freePort();
  return Array.from({ length: size }, (_, rank) => new RankProcess(rank, size, port, options));
}

/** The hash of all outputs, by plain arithmetic. */
function expected({ runs, length }: Options): string {
  const hash = createHash("sha256");
  for (let i = 0; i < runs; i++) hash.update(new Float64Array(length).fill(((i % 7) ** 2 + 1) ** 2));
  return hash.digest("hex");
}

describe.concurrent("ranks in processes of their own", () => {
  it("give the same bits, with memory that does not grow where one of them is slow", async () => {
    // 1 MB a value: 60 runs would be 60 MB a rank, were they not held up.
    const options = { runs: 80, length: 131_072, delays: [0, 0, 5] };
    const ranks = await group(3, options);
    expect(await Promise.all(ranks.map(({ ended }) => ended))).toEqual([0, 0, 0]);
    for (const { said, last } of ranks) {
      expect(last.hash).toBe(expected(options));
      expect(last.left).toEqual([]);
      const { early, most } = said.find((own) => own.most !== undefined)!;
      // V8 lets garbage lie for some time, of pieces that come as buffers.
      expect(most! - early!).toBeLessThan(50e6);
    }
  });

  it("end within 2 s when one is killed, with one line that names rank, node and edge", async () => {
    const ranks = await group(3, { runs: 1e6, length: 1000 });
    await Promise.all(ranks.map((rank) => rank.until(({ done }) => done === 10)));
    const killed = Date.now();
    ranks[1]!.child.kill("SIGKILL");
    expect(await ranks[0]!.ended).toBe(1);
    expect(await ranks[2]!.ended).toBe(1);
    for (const rank of [ranks[0]!, ranks[2]!]) {
      expect(rank.last.failed).toMatch(
        /^rank 1 at node (first|second|last), edge \w+ → [\w ]+: is lost: its /,
      );
      expect(rank.last.at! - killed).toBeLessThan(2000);
    }
    expect(ranks[0]!.last.failed!.split(":")[0]).toContain("rank 1");
  });

  it("wait for one that is stopped, and go on with it", async () => {
    const options = { runs: 400, length: 1000, delays: [1, 1, 1] };
    const ranks = await group(3, options);
    await Promise.all(ranks.map((rank) => rank.until(({ done }) => done === 10)));
    ranks[2]!.child.kill("SIGSTOP");
    // Longer than a silence after which it is asked for, twice.
    await new Promise((resolve) => setTimeout(resolve, 2500));
    const before = ranks[0]!.said.length;
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(ranks[0]!.said.length).toBe(before);
    expect(ranks.map(({ child }) => child.exitCode)).toEqual([null, null, null]);
    ranks[2]!.child.kill("SIGCONT");
    expect(await Promise.all(ranks.map(({ ended }) => ended))).toEqual([0, 0, 0]);
    for (const { last } of ranks) expect(last.hash).toBe(expected(options));
  });

  it("begin anew with one that takes the place of one that was killed", async () => {
    const options = { runs: 60, length: 1000, delays: [2, 2, 2], retries: 1 };
    const port = await freePort();
    const ranks = [0, 1, 2].map((rank) => new RankProcess(rank, 3, port, options));
    await ranks[0]!.until(({ done }) => done === 10);
    ranks[2]!.child.kill("SIGKILL");
    ranks.push(new RankProcess(2, 3, port, options));
    const left = [ranks[0]!, ranks[1]!, ranks[3]!];
    expect(await Promise.all(left.map(({ ended }) => ended))).toEqual([0, 0, 0]);
    for (const { said, last } of left) {
      expect(said.filter(({ joined }) => joined !== undefined).at(-1)).toEqual({ joined: 1 });
      expect(last.hash).toBe(expected(options));
    }
  });

  it.runIf(process.env.GOML_LONG)(
    "run two groups at a time, carry 100 MB, and leave nothing behind after 1,000 runs",
    { timeout: 300_000 },
    async () => {
      const large = { runs: 3, length: 12_500_000 };
      const many = { runs: 1000, length: 1000 };
      const [a, b] = [await group(2, large), await group(3, many)];
      expect(await Promise.all([...a, ...b].map(({ ended }) => ended))).toEqual([0, 0, 0, 0, 0]);
      for (const { last } of a) expect(last).toEqual({ hash: expected(large), left: [] });
      for (const { last, said } of b) {
        expect(last).toEqual({ hash: expected(many), left: [] });
        const { early, most } = said.find((own) => own.most !== undefined)!;
        expect(most! - early!).toBeLessThan(60e6);
      }
    },
  );
});

const SPACES = ["goml-a", "goml-b", "goml-c"];
const ip = (...args: string[]) => execFileSync("ip", args, { stdio: "pipe" });

/** Three network namespaces on a bridge of a fourth, with delay and loss; false where this machine has none. */
function makeSpaces(): boolean {
  try {
    ip("netns", "add", "goml-hub");
    ip("-n", "goml-hub", "link", "add", "name", "br0", "type", "bridge");
    ip("-n", "goml-hub", "link", "set", "dev", "br0", "up");
    for (const [i, name] of SPACES.entries()) {
      ip("netns", "add", name);
      ip("-n", name, "link", "set", "dev", "lo", "up");
      ip(
        "-n",
        name,
        "link",
        "add",
        "name",
        "eth0",
        "type",
        "veth",
        "peer",
        "name",
        `v${i}`,
        "netns",
        "goml-hub",
      );
      ip("-n", name, "addr", "add", `10.77.0.${i + 1}/24`, "dev", "eth0");
      ip("-n", name, "link", "set", "dev", "eth0", "up");
      ip("-n", "goml-hub", "link", "set", "dev", `v${i}`, "master", "br0", "up");
    }
    return true;
  } catch {
    return false;
  }
}

/** What makes a line slow: netem where the kernel has it; else a narrow line with a short queue, which drops what is too much. */
const LINES = ["netem delay 10ms loss 1%", "tbf rate 20mbit burst 16kb limit 24kb"];

/** Gives every host a slow line; what it is, or undefined where there is none. */
function slowSpaces(): string | undefined {
  return LINES.find((line) => {
    try {
      for (const name of SPACES)
        execFileSync("tc", ["-n", name, "qdisc", "add", "dev", "eth0", "root", ...line.split(" ")], {
          stdio: "pipe",
        });
      return true;
    } catch {
      return false;
    }
  });
}

/** The packets that a host's line has dropped. */
function dropped(name: string): number {
  const text = execFileSync("tc", ["-n", name, "-s", "qdisc", "show", "dev", "eth0"], { encoding: "utf8" });
  return Number(/dropped (\d+)/.exec(text)?.[1]);
}

function removeSpaces(): void {
  for (const name of [...SPACES, "goml-hub"])
    try {
      ip("netns", "del", name);
    } catch {
      // It was not there.
    }
}

describe("ranks on hosts of their own: network namespaces", () => {
  const begin = (options: Options) => {
    const within = (name: string) => ["ip", "netns", "exec", name];
    return SPACES.map((name, rank) => new RankProcess(rank, 3, 29_511, options, within(name)));
  };

  it.runIf(process.env.GOML_LONG)(
    "give the same bits over a network with delay and loss, and notice a host that vanishes",
    {
      timeout: 60_000,
    },
    async ({ skip }) => {
      removeSpaces();
      try {
        if (!makeSpaces()) skip("this machine lets nobody make network namespaces");
        const line = slowSpaces();
        if (line === undefined)
          console.warn("this kernel has neither netem nor tbf: the lines are as they are");
        const host = { host: "10.77.0.1", listen: "0.0.0.0", token: "secret" };
        const options = { runs: 10, length: 20_000, ...host };
        const ranks = begin(options);
        expect(await Promise.all(ranks.map(({ ended }) => ended))).toEqual([0, 0, 0]);
        for (const { last } of ranks) expect(last.hash).toBe(expected(options));
        if (line !== undefined)
          expect(SPACES.reduce((sum, name) => sum + dropped(name), 0)).toBeGreaterThan(0);
        // A host that is gone says nothing: its connections stay half open.
        const again = begin({ runs: 1e6, length: 100, ...host });
        await Promise.all(again.map((rank) => rank.until(({ done }) => done === 10)));
        const gone = Date.now();
        ip("-n", "goml-hub", "link", "set", "dev", "v2", "down");
        expect(await again[0]!.ended).toBe(1);
        expect(await again[1]!.ended).toBe(1);
        for (const rank of again.slice(0, 2)) {
          expect(rank.last.failed).toMatch(/^rank 2 at node .*: is lost: its host does not answer any more$/);
          expect(rank.last.at! - gone).toBeLessThan(2500);
        }
        await again[2]!.ended;
      } finally {
        removeSpaces();
      }
    },
  );
});
