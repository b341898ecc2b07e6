import { spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { expected, names, rows, serving } from "./serving.js";

// Debian's python3 with python3-geventhttpclient, the HTTP client that Triton's own is made of.
const PYTHON = "/usr/bin/python3";
const there = spawnSync(PYTHON, ["-c", "import geventhttpclient"]).status === 0;
const script = fileURLToPath(new URL("./python_client.py", import.meta.url));

test("a client that was not written here gets the predictions, in JSON and in binary", async (context) => {
  if (!there) context.skip("python3-geventhttpclient is not installed");
  await using server = await serving();
  const child = spawn(PYTHON, [script], { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(JSON.stringify({ port: server.port, names, rows }));
  let output = "";
  for await (const part of child.stdout) output += part;
  const result = JSON.parse(output);
  expect(result["v2/health/live"]).toEqual([200, { live: true }]);
  expect(result["v2/health/ready"]).toEqual([200, { live: true, ready: true }]);
  expect(result.v2[1].extensions).toContain("binary_tensor_data");
  expect(result["v2/models/boston"][1].inputs).toHaveLength(13);
  expect(result["v2/models/boston/ready"]).toEqual([200, { name: "boston", ready: true }]);
  expect(result["v2/models/none"]).toEqual([404, { error: 'there is no model "none"' }]);
  expect(result.json[0]).toBe(200);
  expect(result.json[1]).toMatchObject({ id: "py", model_name: "boston" });
  expect(result.json[1].outputs[0].data).toEqual([...expected]);
  expect(result.binary[0]).toBe(200);
  expect(result.binary[1].outputs[0]).toMatchObject({ name: "prediction", shape: [506], datatype: "FP64" });
  expect(result.binary[2]).toEqual([...expected]);
});
