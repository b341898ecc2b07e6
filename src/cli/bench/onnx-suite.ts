import { fuse, GoMachine, type Machine, TapeMachine, Tensor } from "../../machine/index.js";
import { toOnnx } from "../../onnx/index.js";
import {
  attention,
  densenet,
  type ImageNetwork,
  mobilenetV2,
  type NetworkOptions,
  resnet,
  shufflenet,
  squeezenet,
} from "./networks.js";
import type { BenchCase, BenchGroup, BenchSuite } from "./suite.js";

/** What is used of onnxruntime-node, which is measured beside where it is installed. */
interface Runtime {
  readonly InferenceSession: {
    create(bytes: Uint8Array, options: Readonly<Record<string, unknown>>): Promise<Session>;
  };
  readonly Tensor: new (type: string, data: Float32Array, dims: readonly number[]) => unknown;
}

interface Session {
  run(
    feeds: Readonly<Record<string, unknown>>,
  ): Promise<Readonly<Record<string, { readonly data: Float32Array }>>>;
  release(): Promise<void>;
}

/** How far onnxruntime may be off: sums of floats in another order, as a share of the greatest logit. */
const TOLERANCE = 1e-4;

/**
 * Networks for images with weights from a seed: the tape machine as it is and with ops joined, the go machine on several
 * threads, and onnxruntime-node on one and several where it is installed, whose logits must agree.
 */
export const onnxSuite: BenchSuite = ({ threads, quick }) => {
  const side: NetworkOptions = quick ? { side: 64, thinner: 4 } : {};
  const networks: [string, () => ImageNetwork][] = [
    ["ResNet-18", () => resnet(18, side)],
    ["ResNet-50", () => resnet(50, side)],
    ["MobileNetV2", () => mobilenetV2(side)],
    ["SqueezeNet 1.1", () => squeezenet(side)],
    ["DenseNet-121", () => densenet(side)],
    ["ShuffleNet", () => shufflenet(quick ? { side: 64 } : {})],
    ["attention, 128 × 256", () => attention()],
  ];
  const most = Math.max(...threads);
  return (quick ? networks.filter((_, i) => i !== 1 && i !== 4) : networks).map(([name, make]) =>
    group(name, make, most),
  );
};

function group(name: string, make: () => ImageNetwork, threads: number): BenchGroup {
  return {
    name,
    rows: 1,
    values: 1,
    async open() {
      const { graph, input, output } = make();
      const { graph: own, nodeOf } = fuse(graph, [output]);
      const outputs = [nodeOf(output)!];
      const values = new Tensor(
        Float32Array.from({ length: input.shape.reduce((n, length) => n * length, 1) }, (_, i) =>
          Math.sin(i),
        ),
        input.shape,
      );
      const plain = new TapeMachine(graph, { outputs: [output] });
      const tape = new TapeMachine(own, { outputs });
      const go = new GoMachine(own, { outputs, workers: Math.max(1, threads - 1) });
      plain.let(input, values);
      for (const machine of [tape, go]) machine.let(nodeOf(input)!, values);
      const runtime = await runtimeOf();
      const counts = [...new Set([1, threads])];
      const bytes = runtime && toOnnx(graph, { outputs: [output] });
      const sessions = await Promise.all(
        counts.map((n) =>
          runtime?.InferenceSession.create(bytes!, { intraOpNumThreads: n, logSeverityLevel: 3 }),
        ),
      );
      const feeds = runtime && {
        [input.label]: new runtime.Tensor("float32", values.data as Float32Array, input.shape),
      };
      const cases: BenchCase[] = [
        { name: "tape", async: true, run: () => tape.runAll() },
        { name: "tape, ops as they are", against: "tape", async: true, run: () => plain.runAll() },
        { name: `go, ${Math.max(2, threads)} threads`, against: "tape", async: true, run: () => go.runAll() },
        ...counts.flatMap((n, i): BenchCase[] => {
          const session = sessions[i];
          if (session === undefined) return [];
          return [
            {
              name: `onnxruntime-node, ${n} ${n === 1 ? "thread" : "threads"}`,
              against: "tape",
              async: true,
              run: () => session.run(feeds!),
            },
          ];
        }),
      ];
      return {
        cases,
        async check() {
          const logits = async (machine: Machine, node = outputs[0]!) =>
            (await machine.runAll()).value(node).data;
          const [a, b, c] = [await logits(tape), await logits(go), await logits(plain, output)];
          if (!a.every((value, i) => Object.is(value, b[i]))) throw new Error(`${name}: tape and go differ`);
          agree(`${name}, ops as they are`, c, a);
          const session = sessions[0];
          if (session === undefined) return;
          agree(`${name}, onnxruntime`, Object.values(await session.run(feeds!))[0]!.data, a);
        },
        async close() {
          for (const machine of [plain, tape, go]) await machine.close();
          for (const session of sessions) await session?.release();
        },
      };
    },
  };
}

function agree(what: string, want: ArrayLike<number>, got: ArrayLike<number>): void {
  let [most, worst] = [0, 0];
  for (let i = 0; i < want.length; i++) {
    most = Math.max(most, Math.abs(want[i]!));
    worst = Math.max(worst, Math.abs(want[i]! - got[i]!));
  }
  if (!(worst <= TOLERANCE * most)) throw new Error(`${what} differs by ${worst}, of ${most} at most`);
}

/** onnxruntime-node, which goml does not depend on; undefined where it is not installed. */
async function runtimeOf(): Promise<Runtime | undefined> {
  // A name that bundlers and compilers do not follow.
  const name: string = "onnxruntime-node";
  try {
    const runtime = (await import(name)) as { default?: Runtime } & Runtime;
    return runtime.InferenceSession === undefined ? runtime.default : runtime;
  } catch {
    return undefined;
  }
}
