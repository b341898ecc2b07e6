import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import Fastify from "fastify";
import { describe, expect, test } from "vitest";
import { fit } from "../../src/index.js";
import { createServer, plugin } from "../../src/serve/index.js";
import { inFolder } from "../cli/goml.js";
import { boston, expected, infer, manyRows, matrixRequest, send, serving, X } from "./serving.js";

/** A line y = slope · x as a model's document. */
function line(slope: number): string {
  const x = Float64Array.of(0, 1, 2, 3);
  return JSON.stringify(
    fit(
      x,
      x.map((v) => slope * v + (v % 2) * 1e-9),
      { terms: ["x"], target: "y" },
    ),
  );
}
const at2 = { inputs: [{ name: "x", datatype: "FP64", shape: [1], data: [2] }] };
const slopeOf = async (url: string, model: string) => {
  const { json } = await send(`${url}/v2/models/${model}/infer`, JSON.stringify(at2));
  return Math.round(json.outputs[0].data[0] / 2);
};

/** Asks until the answer is as hoped; the test's own timeout ends it where it never is. */
async function until(hope: () => Promise<boolean>): Promise<void> {
  while (!(await hope())) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** A log that keeps its lines. */
function recorder() {
  const lines: Record<string, unknown>[] = [];
  return {
    lines,
    logger: { level: "debug", stream: { write: (text: string) => lines.push(JSON.parse(text)) } },
  };
}

describe("a bearer token", () => {
  test("is asked of everything but health checks and the page", async () => {
    await using server = await serving({ token: "geheim" });
    for (const path of ["/", "/v2/health/live", "/v2/health/ready", "/ping", "/health"])
      expect([path, (await send(server.url + path)).status]).toEqual([path, 200]);
    for (const path of ["/v2", "/v2/models", "/v2/models/boston", "/metrics", "/openapi.json", "/version"]) {
      const got = await send(server.url + path);
      expect([path, got.status]).toEqual([path, 401]);
      expect(got.headers["www-authenticate"]).toContain("Bearer");
    }
    const request = matrixRequest(X);
    for (const wrong of [{}, { authorization: "Bearer gehein" }, { authorization: "Basic geheim" }])
      expect((await infer(server.url, request, wrong)).status).toBe(401);
    expect((await infer(server.url, request, { authorization: "Bearer geheim" })).status).toBe(200);
    expect((await infer(server.url, request, { authorization: "bearer geheim" })).status).toBe(200);
  });

  test("an unauthorised body is not even read", async () => {
    await using server = await serving({ token: "geheim" });
    const got = await send(`${server.url}/v2/models/boston/infer`, "not json");
    expect(got.status).toBe(401);
  });
});

test("metrics count requests, rows and refusals, and describe queue, loop and models", async () => {
  await using server = await serving();
  await infer(server.url, matrixRequest(X));
  await infer(server.url, matrixRequest(X.subarray(0, 13)));
  await infer(server.url, {});
  const text = (await send(`${server.url}/metrics`)).body.toString();
  const value = (line: string) =>
    Number(
      text
        .split("\n")
        .find((l) => l.startsWith(`${line} `))
        ?.slice(line.length),
    );
  const route = 'endpoint="/v2/models/:model/infer",model="boston"';
  expect(value(`goml_requests_total{${route},status="200"}`)).toBe(2);
  expect(value(`goml_requests_total{${route},status="400"}`)).toBe(1);
  expect(value(`goml_request_duration_seconds_count{${route}}`)).toBe(3);
  expect(value('goml_rows_total{model="boston"}')).toBe(507);
  expect(value('goml_model_info{model="boston",version="1",target="medv"}')).toBe(1);
  expect(value("goml_queue_requests")).toBe(0);
  expect(value("goml_queue_limit")).toBe(256);
  for (const name of ["goml_event_loop_utilization", 'goml_event_loop_delay_seconds{quantile="0.99"}'])
    expect(value(name)).toBeGreaterThanOrEqual(0);
});

test("the log has one structured line per request, without the token", async () => {
  const { lines, logger } = recorder();
  await using server = await serving({ logger, token: "geheim" });
  await infer(server.url, matrixRequest(X), { authorization: "Bearer geheim" });
  await until(async () => lines.some(({ msg }) => msg === "request"));
  expect(lines.find(({ msg }) => msg === "request")).toMatchObject({
    method: "POST",
    url: "/v2/models/boston/infer",
    status: 200,
    model: "boston",
    rows: 506,
    ms: expect.any(Number),
  });
  expect(JSON.stringify(lines)).not.toContain("geheim");
});

describe("models from files", () => {
  test("a folder has NAME.json, NAME/model.json and NAME/VERSION/model.json; the highest version is the default", async () => {
    await inFolder({ "a.json": line(1), "b/": "", "c/": "" }, async (folder) => {
      writeFileSync(join(folder, "b", "model.json"), line(2));
      for (const version of [3, 9, 10]) {
        mkdirSync(join(folder, "c", String(version)));
        writeFileSync(join(folder, "c", String(version), "model.json"), line(version));
      }
      await using server = await serving({}, folder);
      expect((await send(`${server.url}/v2/models`)).json).toEqual({ models: ["a", "b", "c"] });
      expect((await send(`${server.url}/v2/models/c`)).json.versions).toEqual(["3", "9", "10"]);
      expect(await slopeOf(server.url, "a")).toBe(1);
      expect(await slopeOf(server.url, "b")).toBe(2);
      expect(await slopeOf(server.url, "c")).toBe(10);
      expect(await slopeOf(server.url, "c/versions/9")).toBe(9);
    });
  });

  test("a file that is not a model, or not there, or two of one name: the server does not start", async () => {
    await inFolder({ "a.json": line(1), "bad.json": "{}", "empty/": "", "b/": "" }, async (folder) => {
      writeFileSync(join(folder, "b", "a.json"), line(2));
      const start = (...names: string[]) => createServer(names.map((name) => join(folder, name))).ready();
      await expect(start("bad.json")).rejects.toThrow("not a goml model");
      await expect(start("none.json")).rejects.toThrow("no such file or folder");
      await expect(start("empty")).rejects.toThrow("has no models");
      await expect(start("a.json", "b")).rejects.toThrow(/two models are called "a"/);
    });
  });
});

describe("hot reload", () => {
  test("a changed file takes over between two requests; bad, half-written and vanished files do not", async () => {
    await inFolder({ "m.json": line(1) }, async (folder) => {
      const path = join(folder, "m.json");
      const { lines, logger } = recorder();
      await using server = await serving({ reloadInterval: 10, logger }, path);
      const metrics = async (result: string) =>
        (await send(`${server.url}/metrics`)).body
          .toString()
          .includes(`goml_model_reloads_total{model="m",result="${result}"}`);

      // Requests go on all the while, and every one is answered by one of the two models.
      const seen = new Set<number>();
      let asking = true;
      const client = (async () => {
        while (asking) seen.add(await slopeOf(server.url, "m"));
      })();
      writeFileSync(`${path}.new`, line(2));
      renameSync(`${path}.new`, path);
      await until(async () => (await slopeOf(server.url, "m")) === 2);
      asking = false;
      await client;
      expect([...seen].every((slope) => slope === 1 || slope === 2)).toBe(true);

      writeFileSync(path, line(3).slice(0, 200));
      await until(() => metrics("refused"));
      expect(await slopeOf(server.url, "m")).toBe(2);
      expect((await send(`${server.url}/v2/models/m`)).json.parameters.problem).toContain("m.json");
      expect((await send(`${server.url}/v2/health/ready`)).status).toBe(200);
      expect(lines.some(({ msg, level }) => level === 50 && String(msg).includes("not taken over"))).toBe(
        true,
      );

      writeFileSync(path, line(3));
      await until(async () => (await slopeOf(server.url, "m")) === 3);
      expect((await send(`${server.url}/v2/models/m`)).json.parameters.problem).toBeUndefined();

      rmSync(path);
      await until(() => metrics("gone"));
      expect(await slopeOf(server.url, "m")).toBe(3);
      writeFileSync(path, line(4));
      await until(async () => (await slopeOf(server.url, "m")) === 4);
    });
  });

  test("a model that comes into a folder is served from then on", async () => {
    await inFolder({ "a.json": line(1) }, async (folder) => {
      await using server = await serving({ reloadInterval: 10 }, folder);
      writeFileSync(join(folder, "b.json"), "{");
      writeFileSync(join(folder, "c.json"), line(5));
      await until(async () => (await send(`${server.url}/v2/models`)).json.models.includes("c"));
      expect(await slopeOf(server.url, "c")).toBe(5);
      writeFileSync(join(folder, "b.json"), line(6));
      await until(async () => (await send(`${server.url}/v2/models`)).json.models.includes("b"));
      expect(await slopeOf(server.url, "b")).toBe(6);
    });
  });
});

describe("the plugin in an app of one's own", () => {
  test("its routes have the prefix, and the app's own routes, parsers and errors stay as they were", async () => {
    const app = Fastify();
    app.post("/own", async (request) => ({ got: request.body }));
    app.get("/fail", async () => {
      throw new Error("own");
    });
    await app.register(plugin, { models: { boston }, prefix: "/ml", threads: 1 });
    await app.listen({ port: 0 });
    const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
    try {
      const got = await send(`${url}/ml/v2/models/boston/infer`, JSON.stringify(matrixRequest(X)));
      expect(got.json.outputs[0].data).toEqual([...expected]);
      const many = manyRows(20_000);
      const large = await send(`${url}/ml/v2/models/boston/infer`, JSON.stringify(matrixRequest(many.X)));
      expect(large.json.outputs[0].data).toEqual([...many.expected]);
      const bare = await send(`${url}/ml`);
      expect([bare.status, bare.headers.location]).toEqual([308, "ml/"]);
      expect((await send(`${url}/ml/`)).body.toString()).toContain("<title>goml serve</title>");
      expect((await send(`${url}/ml/assets/page.js`)).status).toBe(200);
      expect((await send(`${url}/ml/openapi.json`)).json.servers).toEqual([{ url: "/ml" }]);
      const own = await send(`${url}/own`, '{"a":1}', { "content-type": "application/json" });
      expect(own.json).toEqual({ got: { a: 1 } });
      expect((await send(`${url}/fail`)).json).toMatchObject({ statusCode: 500, message: "own" });
      expect((await send(`${url}/v2`)).status).toBe(404);
      const metrics = (await send(`${url}/ml/metrics`)).body.toString();
      expect(metrics).toContain(
        'goml_requests_total{endpoint="/v2/models/:model/infer",model="boston",status="200"} 2',
      );
    } finally {
      await app.close();
    }
  });
});

test("options out of range are refused before anything starts", () => {
  expect(() => createServer({ boston }, { threads: 0 })).toThrow(
    "threads should be an integer of 1 or more, got 0",
  );
  expect(() => createServer({ boston }, { queueLimit: 1.5 })).toThrow("queueLimit");
  expect(() => createServer({ boston }, { token: "" })).toThrow("the token is empty");
});
