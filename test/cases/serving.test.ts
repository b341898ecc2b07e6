import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { goml } from "../cli/goml.js";
import { serve } from "../serve/process.js";
import { send } from "../serve/serving.js";
import { inCase } from "./in-case.js";

/** A served model of a case's s.csv. */
function served(name: string, body: (url: string, folder: string) => Promise<void>): Promise<void> {
  return inCase(name, async (folder) => {
    expect((await goml(folder, ["train", "s.csv", "-q", "-m", "m.json"])).code).toBe(0);
    const { child, url, done } = await serve(folder, "m.json");
    try {
      await body(url, folder);
    } finally {
      child.kill("SIGTERM");
      await done;
    }
  });
}

describe("what curl sends", () => {
  it("is answered though -d calls JSON a form, as the guide has it", () =>
    served("readme-curl", async (url) => {
      const records = JSON.stringify({ dataframe_records: [{ x: 1, z: 2 }] });
      for (const type of ["application/x-www-form-urlencoded", "application/json"]) {
        const got = await send(`${url}/invocations`, records, { "content-type": type });
        expect(got.status).toBe(200);
        // predict(lm(y ~ ., read.csv("s.csv")), data.frame(x = 1, z = 2))
        expect(got.json.predictions).toEqual([expect.closeTo(3.3050159466512, 12)]);
      }
    }));

  it("params of MLflow that ask for intervals are refused, and not passed over as others are", () =>
    served("readme-curl", async (url) => {
      const ask = (params: unknown) =>
        send(`${url}/invocations`, JSON.stringify({ dataframe_records: [{ x: 1, z: 2 }], params }), {
          "content-type": "application/json",
        });
      const { status, json } = await ask({ interval: "prediction" });
      expect([status, json.error]).toEqual([400, expect.stringContaining("/v2/models/NAME/infer")]);
      expect((await ask({ other: 1 })).status).toBe(200);
    }));

  it("is answered when it is compressed, in chunks, announced or binary; a misspelt output is named", () =>
    served("http-edges", async (url) => {
      const infer = `${url}/v2/models/m/infer`;
      const column = (name: string, datatype: string, data: unknown[]) => ({
        name,
        datatype,
        shape: [data.length],
        data,
      });
      const body = JSON.stringify({ inputs: [column("x", "FP64", [1]), column("g", "BYTES", ["a"])] });
      const json = { "content-type": "application/json" };
      // predict(lm(y ~ ., read.csv("s.csv")), data.frame(x = c(1, 2), g = c("a", "b")))
      const [first, last] = [2.92156862745098, 8.27450980392157];
      const packed = await send(infer, gzipSync(body), { ...json, "content-encoding": "gzip" });
      expect([packed.status, packed.json.outputs[0].data]).toEqual([200, [expect.closeTo(first, 12)]]);
      const odd = await send(infer, body, { ...json, "content-encoding": "br" });
      expect([odd.status, odd.headers["accept-encoding"]]).toEqual([415, expect.stringContaining("gzip")]);
      for (const more of [{ "transfer-encoding": "chunked" }, { expect: "100-continue" }]) {
        const got = await send(infer, body, { ...json, ...more });
        expect([got.status, got.json.outputs[0].data]).toEqual([200, [expect.closeTo(first, 12)]]);
      }
      const floats = Buffer.from(Float32Array.of(1, 2).buffer);
      const texts = Buffer.concat(["a", "b"].map((text) => Buffer.from([1, 0, 0, 0, text.charCodeAt(0)])));
      const binary = async (output: string) => {
        const sized = (name: string, datatype: string, bytes: Buffer) => ({
          name,
          datatype,
          shape: [2],
          parameters: { binary_data_size: bytes.length },
        });
        const header = Buffer.from(
          JSON.stringify({
            inputs: [sized("x", "FP32", floats), sized("g", "BYTES", texts)],
            outputs: [{ name: output, parameters: { binary_data: true } }],
          }),
        );
        return send(infer, Buffer.concat([header, floats, texts]), {
          "content-type": "application/octet-stream",
          "inference-header-content-length": String(header.length),
        });
      };
      const got = await binary("prediction");
      const from = Number(got.headers["inference-header-content-length"]);
      const values = [0, 8].map((at) => got.body.readDoubleLE(from + at));
      expect(values).toEqual([expect.closeTo(first, 12), expect.closeTo(last, 12)]);
      const wrong = await binary("predict");
      expect(wrong.status).toBe(400);
      expect(wrong.body.toString()).toContain('no output \\"predict\\"; it has \\"prediction\\"');
    }));
});
