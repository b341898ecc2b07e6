import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { exposition, type MetricFamily } from "../../src/serve/exposition.js";
import { infer, matrixRequest, send, serving, X } from "./serving.js";

// What Prometheus itself says of /metrics (promtool, of Debian's prometheus), and what its Python client reads from it
// (python3-prometheus-client): neither was written here.

const promtool = spawnSync("promtool", ["--version"]).status === 0;
const PYTHON = "/usr/bin/python3";
const python = spawnSync(PYTHON, ["-c", "import prometheus_client.parser"]).status === 0;

const READ = `
import json, sys
from prometheus_client.parser import text_string_to_metric_families as families
def plain(v): return v if v == v and abs(v) != float("inf") else str(v)
print(json.dumps([[[f.name, f.documentation, f.type, [[s.name, s.labels, plain(s.value)] for s in f.samples]]
  for f in families(text)] for text in json.load(sys.stdin)]))
`;

function readByPython(texts: readonly string[]): unknown[] {
  const { stdout, stderr } = spawnSync(PYTHON, ["-c", READ], {
    input: JSON.stringify(texts),
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  expect(stderr).toBe("");
  return JSON.parse(stdout);
}

test("promtool finds no fault with the metrics of a server that was used", async (context) => {
  if (!promtool) context.skip("promtool is not installed");
  await using server = await serving();
  const first = (await send(`${server.url}/metrics`)).body.toString();
  await infer(server.url, matrixRequest(X));
  await infer(server.url, {});
  await send(`${server.url}/nothing`);
  const { body, headers } = await send(`${server.url}/metrics`);
  expect(headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
  for (const input of [first, body.toString()]) {
    const { status, stdout, stderr } = spawnSync("promtool", ["check", "metrics"], {
      input,
      encoding: "utf8",
    });
    expect([status, stdout, stderr]).toEqual([0, "", ""]);
  }
});

test("the numbers of a server that was used are what its Python client reads", async (context) => {
  if (!python) context.skip("python3-prometheus-client is not installed");
  await using server = await serving();
  await infer(server.url, matrixRequest(X));
  const text = (await send(`${server.url}/metrics`)).body.toString();
  const [families] = readByPython([text]) as [[string, string, string, [string, object, number][]][]];
  const of = (name: string) => families.find(([own]) => own === name);
  // The client takes the suffix from a counter's name.
  expect(of("goml_requests")).toEqual([
    "goml_requests",
    "Requests by route, model and HTTP status; 499 is a client that went away.",
    "counter",
    [["goml_requests_total", { endpoint: "/v2/models/:model/infer", model: "boston", status: "200" }, 1]],
  ]);
  const [, , type, samples] = of("goml_request_duration_seconds")!;
  expect(type).toBe("histogram");
  const bucket = samples.find(([, labels]) => (labels as { le?: string }).le === "+Inf")!;
  expect(bucket[2]).toBe(1);
  expect(of("goml_event_loop_delay_seconds")![2]).toBe("summary");
  expect(of("process_resident_memory_bytes")![3][0]![2]).toBeGreaterThan(1e6);
});

test("any names of models, and any numbers, are read as what they are", (context) => {
  if (!python) context.skip("python3-prometheus-client is not installed");
  // Characters that could end a label or a line, and others.
  const name = fc.string({
    unit: fc.constantFrom('"', "\\", "\n", "{", "}", ",", "=", " ", "n", "ü", "😀", "#"),
  });
  const sample = fc.record({ labels: fc.record({ model: name, version: name }), value: fc.double() });
  const texts: string[] = [];
  const written: unknown[] = [];
  const all = fc.sample(
    fc.tuple(name, fc.uniqueArray(sample, { selector: ({ labels }) => JSON.stringify(labels) })),
    300,
  );
  for (const [help, samples] of all) {
    const family: MetricFamily = { name: "goml_x", help: `x${help}x`, type: "gauge", samples: () => samples };
    texts.push(exposition([family]));
    const plain = (value: number) =>
      Number.isFinite(value) ? value + 0 : String(value).toLowerCase().replace("infinity", "inf");
    written.push([
      ["goml_x", `x${help}x`, "gauge", samples.map(({ labels, value }) => ["goml_x", labels, plain(value)])],
    ]);
  }
  expect(readByPython(texts)).toEqual(written);
});
