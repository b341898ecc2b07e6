import { connect, constants } from "node:http2";
import type { AddressInfo } from "node:net";
import Fastify, { LogController } from "fastify";
import { expect, test } from "vitest";
import { plugin } from "../../src/serve/index.js";
import { boston, expected, X } from "./serving.js";

// The plugin in an app of HTTP/2, where many requests are on one connection at a time.
test("requests beside each other on a connection of HTTP/2 are each over by themselves", async () => {
  const lines: { msg: string; status?: number; rows?: number }[] = [];
  const stream = { write: (line: string) => lines.push(JSON.parse(line)) };
  const app = Fastify({
    http2: true,
    logger: { stream },
    logController: new LogController({ disableRequestLogging: true }),
  });
  await app.register(plugin, { models: { boston }, threads: 1 });
  await app.listen({ port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const session = connect(`http://127.0.0.1:${port}`);
  const body = (rows: number) =>
    Buffer.from(
      JSON.stringify({
        inputs: [{ name: "input", shape: [rows, 13], datatype: "FP64", data: [...X.subarray(0, 13 * rows)] }],
      }),
    );
  const infer = (rows: number) =>
    new Promise<number[]>((resolve, reject) => {
      const request = session.request({
        [constants.HTTP2_HEADER_METHOD]: "POST",
        [constants.HTTP2_HEADER_PATH]: "/v2/models/boston/infer",
        "content-type": "application/json",
      });
      let text = "";
      request.setEncoding("utf8");
      request.on("data", (piece) => {
        text += piece;
      });
      request.on("end", () => resolve(JSON.parse(text).outputs[0].data));
      request.on("error", reject);
      request.end(body(rows));
    });
  // The large ones are answered by a thread, while the small ones come and go.
  const sizes = [506, 1, 2, 400, 3];
  const answers = await Promise.all(sizes.map(infer));
  expect(answers).toEqual(sizes.map((rows) => [...expected.subarray(0, rows)]));
  await expect.poll(() => lines.filter(({ msg }) => msg === "request").length).toBe(sizes.length);
  const over = lines.filter(({ msg }) => msg === "request");
  expect(over.map(({ status }) => status)).toEqual(sizes.map(() => 200));
  expect(over.map(({ rows }) => rows).sort()).toEqual([...sizes].sort());
  session.close();
  await app.close();
});
