import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { modelProto, nodeProto, TYPE, tensorProto, valueProto } from "../onnx/protos.js";
import { hasGpu, ICD } from "../webgpu/software-gpu.js";
import { goml as gomlIn } from "./goml.js";

let folder: string;
/** Runs the command where Vulkan drivers are those of a file, or none. */
const goml = (args: readonly string[], icd = ICD) =>
  gomlIn(folder, ["graph", ...args], "", { VK_ICD_FILENAMES: icd });
const RUN = ["model.onnx", "--run", "--input", "x=1,2,3", "--json"];
const WANTED = '{"outputs":{"y":{"shape":[3],"data":[11,22,33]}}}\n';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "goml-gpu-"));
  writeFileSync(
    join(folder, "model.onnx"),
    modelProto({
      inputs: [valueProto("x", [3])],
      outputs: [valueProto("y", [3])],
      initializers: [tensorProto("c", [3], TYPE.float, Float32Array.of(10, 20, 30))],
      nodes: [nodeProto("Add", ["x", "c"], ["y"])],
    }),
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

describe.skipIf(!hasGpu)("goml graph on a GPU", () => {
  test("lists what there is", async () => {
    const text = await goml(["--devices"]);
    expect(text.code).toBe(0);
    expect(text.stdout).toMatch(/^swiftshader.* software +\d+\.\d+ GiB +\d+ KiB$/m);
    const { source, gpus } = JSON.parse((await goml(["--devices", "--json"])).stdout);
    expect({ source, gpus }).toMatchObject({
      source: "webgpu",
      gpus: [{ vendor: "google", software: true, limits: { workgroups: 65_535 } }],
    });
  });

  test("says why there is nothing", async () => {
    const { code, stdout } = await goml(["--devices"], "/none");
    expect(code).toBe(0);
    expect(stdout).toBe(
      "no GPU: none with a driver was found\n" +
        "hint: it takes a Vulkan driver, which vulkaninfo --summary lists; a container must be given its GPU\n",
    );
    const { missing } = JSON.parse((await goml(["--devices", "--json"], "/none")).stdout);
    expect(missing.why).toBe("none with a driver was found");
  });

  test.each(["go", "tape"])("runs what it can there, by the %s machine, and says so", async (machine) => {
    const run = await goml([...RUN, "--device", "gpu", "--machine", machine, "--trace", "trace.json"]);
    expect(run.stderr).toContain("note: swiftshader-device-subzero is a program on the CPU, no GPU\n");
    expect(run.stderr).toContain("note: 1 of 1 ops on swiftshader-device-subzero\n");
    expect([run.code, run.stdout]).toEqual([0, WANTED]);
    const { traceEvents } = JSON.parse(readFileSync(join(folder, "trace.json"), "utf8"));
    const lanes = traceEvents.flatMap((event: { ph: string; args: { name: string } }) =>
      event.ph === "M" ? event.args.name : [],
    );
    expect(lanes.sort()).toEqual(["copies from the gpu", "copies to the gpu", "gpu", "main"]);
  });

  test("names the ops that stay on the CPU", async () => {
    const { stderr } = await goml(["--example", "equation", "--run", "--device", "gpu"]);
    // Of float64 there are no kernels.
    expect(stderr).toMatch(/^note: 0 of 3 ops on .*; on the CPU: add, matmul, sigmoid$/m);
  });

  test("by auto, leaves all to the CPU where there is none, or only a program, in a note", async () => {
    const software = await goml([...RUN, "--device", "auto"]);
    expect([software.code, software.stdout]).toEqual([0, WANTED]);
    expect(software.stderr).toMatch(/^note: the CPU computes: swiftshader\S* is a program on it, no GPU$/m);
    const none = await goml([...RUN, "--device", "auto"], "/none");
    expect([none.code, none.stdout]).toEqual([0, WANTED]);
    expect(none.stderr).toMatch(/^note: the CPU computes: no GPU: none with a driver was found$/m);
  });

  test("by gpu, ends where there is none", async () => {
    const { code, stderr, stdout } = await goml([...RUN, "--device", "gpu"], "/none");
    expect([code, stdout]).toEqual([3, ""]);
    expect(stderr).toMatch(/^goml: no GPU: none with a driver was found\nhint: .*\n$/m);
  });
});

test("options that do not go together are refused", async () => {
  const of = async (...args: string[]) => {
    const { code, stderr } = await goml(args);
    return [code, stderr.split("\n")[0]];
  };
  expect(await of("model.onnx", "--device", "gpu")).toEqual([
    2,
    "goml: --device goes with --run: there is nothing to run",
  ]);
  expect(await of(...RUN, "--device", "auto", "--ranks", "2")).toEqual([
    2,
    "goml: --device goes without --ranks: ranks compute on their CPUs",
  ]);
  expect(await of("model.onnx", "--devices")).toEqual([2, "goml: --devices goes alone"]);
});
