import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { modelProto, nodeProto, TYPE, tensorProto, valueProto } from "../onnx/protos.js";
import { finished, GOML, goml as gomlIn, start } from "./goml.js";

let folder: string;
const SIDE = 700;
const goml = (args: readonly string[], more = {}) => gomlIn(folder, args, "", more);
const deep = ["graph", "deep.onnx", "--run", "--json", "--input", "x=@x.csv"];

/** Layers of one matrix of a few values, and the products of large ones, which take their time. */
function layers(side: number, depth: number): Uint8Array {
  const weights = Float32Array.from(
    { length: side * side },
    (_, i) => Math.sin(i * 12.9898) / Math.sqrt(side),
  );
  const names = ["x", ...Array.from({ length: depth }, (_, i) => `h${i}`)];
  return modelProto({
    inputs: [valueProto("x", ["n", side])],
    outputs: [valueProto("y", ["n", side])],
    initializers: [tensorProto("W", [side, side], TYPE.float, weights)],
    nodes: [
      ...names
        .slice(1)
        .flatMap((name, i) => [
          nodeProto("MatMul", [names[i]!, "W"], [`p${i}`]),
          nodeProto("Tanh", [`p${i}`], [name]),
        ]),
      nodeProto("Identity", [names.at(-1)!], ["y"]),
    ],
  });
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "goml-ranks-"));
  writeFileSync(join(folder, "deep.onnx"), layers(8, 6));
  writeFileSync(join(folder, "large.onnx"), layers(SIDE, 24));
  const rows = (n: number, side: number) =>
    Array.from({ length: n }, (_, i) =>
      Array.from({ length: side }, (_, j) => Math.cos(i * side + j)).join(","),
    ).join("\n");
  writeFileSync(join(folder, "x.csv"), rows(3, 8));
  writeFileSync(join(folder, "large.csv"), rows(SIDE, SIDE));
});
afterAll(() => rmSync(folder, { recursive: true }));

test("a model gives the same bytes on any number of ranks, and one timeline of all", async () => {
  const alone = await goml(deep);
  expect(alone.code).toBe(0);
  const { outputs } = JSON.parse(alone.stdout);
  expect(outputs.y.shape).toEqual([3, 8]);
  expect(outputs.y.data).toHaveLength(24);
  for (const ranks of ["1", "2", "3"]) {
    const trace = `trace-${ranks}.json`;
    const run = await goml([...deep, "--ranks", ranks, "--trace", trace]);
    expect(run).toMatchObject({ code: 0, stdout: alone.stdout, stderr: "" });
    const { traceEvents } = JSON.parse(readFileSync(join(folder, trace), "utf8")) as {
      traceEvents: { pid: number; ph: string; ts: number; name: string; cat: string }[];
    };
    expect(new Set(traceEvents.map(({ pid }) => pid)).size).toBe(Number(ranks));
    expect(traceEvents.filter(({ name }) => name === "process_name")).toHaveLength(Number(ranks));
    for (const { ts } of traceEvents) expect(ts).toBeGreaterThanOrEqual(0);
    const crossings = traceEvents.filter(({ cat }) => cat === "send" || cat === "receive");
    if (ranks !== "1") expect(crossings.length).toBeGreaterThan(0);
  }
});

test("a process is the rank that its launcher says", async () => {
  const port = String(20_000 + (process.pid % 10_000));
  const ranks = ["0", "1"].map((RANK) =>
    goml([...deep, "--ranks", "auto"], {
      RANK,
      WORLD_SIZE: "2",
      MASTER_ADDR: "127.0.0.1",
      MASTER_PORT: port,
    }),
  );
  const [first, second] = await Promise.all(ranks);
  expect(first).toMatchObject({ code: 0, stdout: (await goml(deep)).stdout, stderr: "" });
  expect(second).toMatchObject({ code: 0, stdout: "", stderr: "" });
});

const has = (program: string) => spawnSync(program, ["--version"]).status === 0;

test.runIf(has("mpirun"))("mpirun starts ranks", async () => {
  const args = ["--allow-run-as-root", "--oversubscribe", "-n", "3", process.execPath, GOML, ...deep];
  const stdout = execFileSync("mpirun", [...args, "--ranks", "auto"], { cwd: folder, encoding: "utf8" });
  expect(stdout).toBe((await goml(deep)).stdout);
});

test("what is wrong is said once", async () => {
  const missing = await goml(["graph", "deep.onnx", "--run", "--ranks", "2"]);
  expect(missing).toMatchObject({ code: 2, stdout: "" });
  expect(missing.stderr.match(/no value is given for x/g)).toHaveLength(1);
  expect((await goml(["graph", "deep.onnx", "--ranks", "2"])).stderr).toContain("--ranks goes with --run");
  expect((await goml([...deep, "--ranks", "2", "--machine", "tape"])).stderr).toContain("the go machine");
  const nobody = await goml([...deep, "--ranks", "auto"], { SLURM_PROCID: "" });
  expect(nobody).toMatchObject({ code: 2 });
  const away = { RANK: "1", WORLD_SIZE: "2", MASTER_ADDR: "127.0.0.1", MASTER_PORT: "9" };
  const alone = await goml([...deep, "--ranks", "auto", "--join-timeout", "1"], away);
  expect(alone.code).toBe(1);
});

test("gradient descent gives one model, byte for byte, on any number of ranks", async () => {
  const model = async (...args: string[]) => {
    const run = await goml(["train", "rows.csv", "--solver", "gd", "-m", "gd.json", "-q", ...args]);
    expect(run).toMatchObject({ code: 0, stdout: "", stderr: "" });
    return readFileSync(join(folder, "gd.json"), "utf8");
  };
  // Five shards of 128 rows and more.
  const rows = Array.from({ length: 700 }, (_, i) => {
    const [a, b] = [Math.sin(i), Math.cos(1.7 * i)];
    return `${a},${b},${1 + 2 * a - b + Math.sin(9 * i) / 10}`;
  });
  writeFileSync(join(folder, "rows.csv"), `a,b,y\n${rows.join("\n")}\n`);
  const alone = await model();
  for (const ranks of ["2", "3"]) expect(await model("--ranks", ranks)).toBe(alone);
  const other = await goml(["train", "rows.csv", "--ranks", "2", "-m", "gd.json"]);
  expect(other).toMatchObject({ code: 2 });
  expect(other.stderr).toContain("--ranks goes with --solver gd");
});

/** The processes that another one has started. */
function childrenOf(pid: number): { pid: number; rank: string }[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const parent = Number(
          readFileSync(`/proc/${name}/stat`, "utf8")
            .replace(/^.*\) . /, "")
            .split(" ")[0],
        );
        if (parent !== pid) return [];
        const rank = /(?:^|\0)GOML_RANK=(\d+)/.exec(readFileSync(`/proc/${name}/environ`, "utf8"))?.[1];
        return rank === undefined ? [] : [{ pid: Number(name), rank }];
      } catch {
        return [];
      }
    });
}

test.runIf(process.platform === "linux")(
  "a rank that dies is started again, and the answer is the same; without retries all end, and nothing is left",
  { timeout: 60_000 },
  async () => {
    const large = ["graph", "large.onnx", "--run", "--input", "x=@large.csv", "--output", "y=y.npy"];
    const plain = await goml([...large, "--workers", "1"]);
    expect(plain.code).toBe(0);
    const want = readFileSync(join(folder, "y.npy"));
    for (const retries of ["1", "0"]) {
      const child = start(folder, [
        ...large.slice(0, -1),
        "y=again.npy",
        "--ranks",
        "2",
        "--retries",
        retries,
      ]);
      const run = finished(child, folder);
      let ranks: { pid: number; rank: string }[] = [];
      for (let i = 0; ranks.length < 2 && i < 200; i++) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        ranks = childrenOf(child.pid!);
      }
      await new Promise((resolve) => setTimeout(resolve, 700));
      process.kill(ranks.find(({ rank }) => rank === "1")!.pid, "SIGKILL");
      const { code, stderr } = await run;
      if (retries === "1") {
        expect(stderr).toBe("goml: rank 1 has died (SIGKILL) and is started again\n");
        expect(code).toBe(0);
        expect(readFileSync(join(folder, "again.npy")).equals(want)).toBe(true);
      } else {
        expect(code).toBe(1);
        expect(stderr).toMatch(/^goml: rank 1 [^\n]+\n(hint: [^\n]+\n)?$/);
        for (const { pid } of ranks) expect(() => process.kill(pid, 0)).toThrow();
      }
    }
  },
);
