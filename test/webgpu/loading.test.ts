import { readFileSync } from "node:fs";
import * as esbuild from "esbuild";
import { expect, test } from "vitest";
import { type Places, scriptOf } from "../../src/cli/program/pieces.js";

test("of the command's scripts one alone has to do with GPUs", () => {
  const places = JSON.parse(readFileSync("dist/bundle/pieces.json", "utf8")) as Places;
  const pieces = readFileSync("dist/bundle/pieces.js");
  const having = Object.keys(places).filter((name) =>
    scriptOf(places[name]!, (to, at, length, from) => pieces.copy(to, at, from, from + length)).includes(
      "requestAdapter",
    ),
  );
  expect(having).toEqual(["graph-on-gpu"]);
});

test("nothing of the library but goml/webgpu loads what knows GPUs", async () => {
  const entries = [
    "index",
    "machine/index",
    "onnx/index",
    "predict",
    "ranks/index",
    "serve/index",
    "webgpu/index",
  ];
  const { metafile } = await esbuild.build({
    entryPoints: entries.map((name) => `dist/${name}.js`),
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    outdir: "dist",
    metafile: true,
    write: false,
    logLevel: "silent",
  });
  const having = Object.values(metafile.outputs).flatMap(({ entryPoint, inputs }) =>
    Object.keys(inputs).some((file) => file.startsWith("dist/webgpu/")) ? [entryPoint] : [],
  );
  expect(having).toEqual(["dist/webgpu/index.js"]);
});
