import { Tensor } from "goml/machine";
import { loadOnnx, OnnxMachine } from "goml/onnx";

// Runs /model.onnx on every image that the page sends, and sends back what the network gives and how long it took.
const machine = fetch("/model.onnx").then(async (response) => {
  if (!response.ok) throw new Error(`the model cannot be had: ${response.status}`);
  const model = loadOnnx(new Uint8Array(await response.arrayBuffer()));
  return new OnnxMachine(model, { machine: "tape" });
});

addEventListener("message", async ({ data: { id, pixels, side } }) => {
  try {
    const own = await machine;
    const [input] = own.model.inputs;
    const started = performance.now();
    const { outputs } = await own.run(new Map([[input.name, new Tensor(pixels, [1, 1, side, side])]]));
    const [logits] = outputs.values();
    postMessage({ id, logits: Float32Array.from(logits.data), ms: performance.now() - started });
  } catch (error) {
    postMessage({ id, problem: error.message });
  }
});
