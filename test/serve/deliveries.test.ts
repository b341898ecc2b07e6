import { expect, test } from "vitest";
import { boston, infer, manyRows, matrixRequest, send, serving } from "./serving.js";

// Answers that are written in pieces, past Fastify's own way of sending: they are the same but for that.

test("a large answer has the headers of a small one, its length, and its connection goes on", async () => {
  const origin = "https://a.example";
  await using server = await serving({ allowedOrigins: [origin] });
  const [small, large] = await Promise.all(
    [5, 5000].map((rows) => infer(server.url, matrixRequest(manyRows(rows).X), { origin })),
  );
  expect(large!.json.outputs[0].data).toEqual([...manyRows(5000).expected]);
  expect(large!.body.length).toBeGreaterThan(1 << 16);
  expect(Number(large!.headers["content-length"])).toBe(large!.body.length);
  expect(large!.headers["access-control-allow-origin"]).toBe(origin);
  const names = (headers: object) => Object.keys(headers).sort();
  expect(names(large!.headers)).toEqual(names(small!.headers));
});

test("metrics of so many models that they are large: their length is told to HEAD too, without them", async () => {
  await using server = await serving(
    {},
    Object.fromEntries(Array.from({ length: 900 }, (_, i) => [`m${i}`, boston])),
  );
  const got = await send(`${server.url}/metrics`);
  expect(got.body.length).toBeGreaterThan(1 << 16);
  expect(Number(got.headers["content-length"])).toBe(got.body.length);
  expect(got.headers["content-type"]).toContain("version=0.0.4");
  expect(got.body.toString().match(/^goml_model_info\{/gm)).toHaveLength(900);
  const head = await send(`${server.url}/metrics`, undefined, {}, "HEAD");
  expect([head.status, head.body.length]).toEqual([200, 0]);
  expect(Number(head.headers["content-length"])).toBeGreaterThan(1 << 16);
  expect((await send(`${server.url}/v2`)).status).toBe(200);
});
