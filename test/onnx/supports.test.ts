import fc from "fast-check";
import * as ort from "onnxruntime-node";
import { expect, test } from "vitest";
import { Tensor } from "../../src/machine/index.js";
import { loadOnnx, OnnxMachine } from "../../src/onnx/index.js";
import { randomFrom } from "../machine/random.js";
import { modelProto, nodeProto, TYPE, valueProto } from "./protos.js";

const WIDTH = 3;
const ROWS = 20;

const drawn = fc.record({
  perClass: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 2, maxLength: 5 }),
  lines: fc.boolean(),
  probabilities: fc.boolean(),
  kernel: fc.constantFrom("LINEAR", "RBF", "POLY", "SIGMOID"),
  transform: fc.constantFrom("NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"),
  seed: fc.nat(1e6),
});

test("classes by support vectors are those of onnxruntime, with their scores", async () => {
  await fc.assert(
    fc.asyncProperty(drawn, async ({ perClass, lines, probabilities, kernel, transform, seed }) => {
      const random = randomFrom(seed);
      const floats = (length: number) => ({ floats: Array.from({ length }, () => 2 * random() - 1) });
      const classes = perClass.length;
      const supports = perClass.reduce((sum, own) => sum + own, 0);
      const pairs = (classes * (classes - 1)) / 2;
      const bytes = modelProto(
        {
          inputs: [valueProto("x", [ROWS, WIDTH])],
          outputs: [valueProto("label", [ROWS], TYPE.int64), valueProto("scores", ["n", "k"])],
          nodes: [
            nodeProto(
              "SVMClassifier",
              ["x"],
              ["label", "scores"],
              {
                classlabels_ints: Array.from({ length: classes }, (_, i) => 10 * i + 3),
                kernel_type: kernel,
                kernel_params: { floats: [0.7, 0.2, 3] },
                post_transform: transform,
                ...(lines
                  ? { coefficients: floats(classes * WIDTH), rho: floats(1) }
                  : {
                      vectors_per_class: perClass,
                      coefficients: floats((classes - 1) * supports),
                      support_vectors: floats(supports * WIDTH),
                      rho: floats(pairs),
                      ...(probabilities ? { prob_a: floats(pairs), prob_b: floats(pairs) } : {}),
                    }),
              },
              "ai.onnx.ml",
            ),
          ],
        },
        { domains: { "ai.onnx.ml": 1 } },
      );
      const x = Float32Array.from({ length: ROWS * WIDTH }, () => 4 * random() - 2);
      const machine = new OnnxMachine(loadOnnx(bytes));
      const { outputs } = await machine.run(new Map([["x", new Tensor(x, [ROWS, WIDTH])]]));
      await machine.close();
      const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });
      const theirs = await session.run({ x: new ort.Tensor("float32", x, [ROWS, WIDTH]) });
      const [labels, scores] = ["label", "scores"].map((name) => outputs.get(name) as Tensor) as [
        Tensor,
        Tensor,
      ];
      expect(Array.from(labels.data as unknown as BigInt64Array)).toEqual([
        ...(theirs.label!.data as BigInt64Array),
      ]);
      expect(scores.shape).toEqual(theirs.scores!.dims);
      // Rounds of coupling end where classes are off by less than 0.005/k, in double here, in single precision there: one
      // may take a round more.
      const tolerance = probabilities && !lines && classes > 2 ? 0.01 / classes : 1e-5;
      for (const [i, want] of (theirs.scores!.data as Float32Array).entries())
        expect(Math.abs(Number(scores.data[i]) - want)).toBeLessThanOrEqual(tolerance * (1 + Math.abs(want)));
    }),
    { numRuns: 40 },
  );
});
