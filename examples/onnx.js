// A linear model to ONNX, and the file run again: by goml's machine here, by onnxruntime and others elsewhere.
//
//     node examples/onnx.js
import { fitCsv, toOnnx } from "goml";
import { Tensor } from "goml/machine";
import { formatDeclared, loadOnnx, OnnxMachine } from "goml/onnx";

const { model } = await fitCsv("data/boston.csv", { features: ["rm", "lstat"] });
const network = loadOnnx(toOnnx(model));
for (const input of network.inputs) console.log(`takes ${input.name}: ${formatDeclared(input)}`);

const rows = [
  [6.5, 5],
  [7, 3],
];
const machine = new OnnxMachine(network, { workers: 0 });
const { outputs } = await machine.run(new Map([["X", new Tensor(Float64Array.from(rows.flat()), [2, 2])]]));
await machine.close();
const theirs = outputs.get("prediction").toArray().flat();
for (const [i, ours] of model.predict(rows).entries())
  console.log(`row ${i + 1}: ${ours.toFixed(6)} by the model, ${theirs[i].toFixed(6)} by its ONNX file`);
