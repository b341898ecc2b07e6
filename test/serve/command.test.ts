import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { Agent, get } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { goml, inFolder } from "../cli/goml.js";
import { serve } from "./process.js";
import { boston, expected, manyRows, matrixRequest, names, rows, send, serving, X } from "./serving.js";

const model = { "boston.json": JSON.stringify(boston) };
const csv = `${names.join(",")}\n${rows.map((row) => row.join(",")).join("\n")}\n`;

/** Readiness over one connection that stays open, as a load balancer's probe does. */
function readiness(url: string, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    get(`${url}/v2/health/ready`, { agent }, (answer) => {
      answer.resume();
      answer.on("end", () => resolve(answer.statusCode!));
    }).on("error", reject);
  });
}

async function until(hope: () => Promise<boolean>): Promise<void> {
  while (!(await hope())) await new Promise((resolve) => setTimeout(resolve, 10));
}

describe("goml serve", () => {
  test("listens on 127.0.0.1, answers, and ends with 0 on SIGTERM", async () => {
    await inFolder(model, async (folder) => {
      const { child, url, log, done } = await serve(folder, "boston.json");
      expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
      const got = await send(`${url}/v2/models/boston/infer`, JSON.stringify(matrixRequest(X)));
      expect(got.json.outputs[0].data).toEqual([...expected]);
      child.kill("SIGTERM");
      const { code, stderr } = await done;
      expect([code, stderr]).toEqual([0, ""]);
      expect(log.map(({ msg }) => msg)).toEqual([
        "model loaded",
        "listening",
        "ready",
        "request",
        "stopping: requests under way are finished",
        "stopped",
      ]);
    });
  });

  test("SIGTERM under load: not ready at once, every request under way is answered, then nobody listens", async () => {
    await inFolder(model, async (folder) => {
      const { child, url, done } = await serve(
        folder,
        "boston.json",
        "--threads",
        "1",
        "--drain-delay",
        "0.3",
      );
      const many = manyRows(20_000);
      const body = JSON.stringify(matrixRequest(many.X));
      const agent = new Agent({ keepAlive: true });
      expect(await readiness(url, agent)).toBe(200);
      const answers = Array.from({ length: 8 }, () => send(`${url}/v2/models/boston/infer`, body));
      await until(async () =>
        /^goml_queue_requests 8$/m.test((await send(`${url}/metrics`)).body.toString()),
      );
      child.kill("SIGTERM");
      await until(async () => (await readiness(url, agent)) === 503);
      // Still open for those who have not noticed yet.
      const late = await send(`${url}/v2/models/boston/infer`, JSON.stringify(matrixRequest(X)));
      expect(late.status).toBe(200);
      for (const answer of answers) {
        const { status, json } = await answer;
        expect(status).toBe(200);
        expect(json.outputs[0].data).toEqual([...many.expected]);
      }
      agent.destroy();
      expect((await done).code).toBe(0);
      await expect(send(`${url}/v2`)).rejects.toThrow(/ECONNREFUSED/);
    });
  });

  test("SIGTERM under many small requests: those on open connections are answered and told to leave, none is lost", async () => {
    await inFolder(model, async (folder) => {
      const { child, url, done } = await serve(folder, "boston.json", "--drain-delay", "0.5");
      const body = JSON.stringify(matrixRequest(X.subarray(0, 13)));
      let answered = 0;
      const client = async () => {
        const agent = new Agent({ keepAlive: true, maxSockets: 1 });
        for (let leaving = false; !leaving; ) {
          const got = await send(`${url}/v2/models/boston/infer`, body, {}, "POST", agent);
          expect(got.status).toBe(200);
          expect(got.json.outputs[0].data).toEqual([expected[0]]);
          leaving = got.headers.connection === "close";
          answered++;
        }
        agent.destroy();
      };
      const clients = Array.from({ length: 8 }, client);
      await until(async () => answered > 200);
      child.kill("SIGTERM");
      await Promise.all(clients);
      expect((await done).code).toBe(0);
    });
  });

  test("SIGTERM with a client that never finishes: cut off at the deadline, exit code 1", async () => {
    await inFolder(model, async (folder) => {
      const { child, url, log, done } = await serve(folder, "boston.json", "--deadline", "0.2");
      const { port } = new URL(url);
      const { connect } = await import("node:net");
      const socket = connect(Number(port), "127.0.0.1");
      socket.on("error", () => {});
      socket.write(
        "POST /v2/models/boston/infer HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{",
      );
      await until(async () =>
        /^goml_queue_requests 1$/m.test((await send(`${url}/metrics`)).body.toString()),
      );
      child.kill("SIGTERM");
      expect((await done).code).toBe(1);
      expect(log).toContainEqual(
        expect.objectContaining({ requests: 1, msg: "the deadline passed; requests were cut off" }),
      );
    });
  });

  test("the token comes from the environment or a file, never from an argument", async () => {
    await inFolder({ ...model, token: "geheim\n" }, async (folder) => {
      const { child, url, done } = await serve(folder, "b=boston.json", "--token-file", "token");
      expect((await send(`${url}/v2/models`)).status).toBe(401);
      const got = await send(`${url}/v2/models`, undefined, { authorization: "Bearer geheim" });
      expect(got.json).toEqual({ models: ["b"] });
      child.kill("SIGTERM");
      await done;
    });
  });

  const wrong: [what: string, args: string[], code: number, message: RegExp][] = [
    ["no model", [], 2, /missing required argument/],
    ["a file that is not there", ["none.json"], 3, /^goml: none\.json: no such file or folder\nhint: /],
    ["a file that is no model", ["bad.json"], 4, /^goml: bad\.json: not a goml model\nhint: /],
    ["a port that is none", ["boston.json", "--port", "70000"], 2, /expected a port/],
    ["a limit that is none", ["boston.json", "--body-limit", "much"], 2, /such as 256MiB/],
    [
      "an address that is not ours",
      ["boston.json", "--host", "192.0.2.1"],
      2,
      /cannot listen on 192\.0\.2\.1/,
    ],
    ["a token file that is not there", ["boston.json", "--token-file", "x"], 3, /the token cannot be read/],
    ["two models of one name", ["a=boston.json", "a=bad.json"], 2, /two models are called "a"/],
  ];
  test.each(wrong)("%s", async (_what, args, code, message) => {
    await inFolder({ ...model, "bad.json": "{}" }, async (folder) => {
      const run = await goml(folder, ["serve", ...args, "--quiet"]);
      expect(run.stderr).toMatch(message);
      expect(run.code).toBe(code);
    });
  });
});

test("the package has it as goml/serve", async () => {
  await inFolder(model, async (folder) => {
    const script = `
      import { createServer, plugin } from "goml/serve";
      const app = createServer(${JSON.stringify(join(folder, "boston.json"))});
      const address = await app.listen({ port: 0 });
      console.log(typeof plugin, JSON.stringify(await (await fetch(address + "/v2/models")).json()));
      await app.shutDown();`;
    const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
      cwd: new URL("../..", import.meta.url),
      encoding: "utf8",
    });
    expect([stdout, stderr]).toEqual(['function {"models":["boston"]}\n', ""]);
  });
});

describe("goml predict --url", () => {
  test("gives the bytes of goml predict, in order, whatever the number of batches", async () => {
    await using server = await serving();
    const lines = Array.from({ length: 30_000 }, (_, i) => rows[(i * 7) % rows.length]!.join(","));
    lines[20_000] = `NA,${lines[20_000]!.split(",").slice(1).join(",")}`;
    const files = { ...model, "data.csv": `${names.join(",")}\n${lines.join("\n")}\n` };
    await inFolder(files, async (folder) => {
      const url = `${server.url}/v2/models/boston`;
      const remote = await goml(folder, ["predict", "data.csv", "--url", url]);
      const local = await goml(folder, ["predict", "data.csv", "-m", "boston.json", "-q"]);
      expect(remote.code).toBe(0);
      expect(remote.stdout === local.stdout).toBe(true);
      expect(remote.stderr).toMatch(/^30,000 rows of data\.csv, 1 NA for missing cells, \d+ batches, /);
      const appended = await goml(folder, [
        "predict",
        "data.csv",
        "--url",
        url,
        "--append",
        "-o",
        "out.csv",
        "-q",
      ]);
      const same = await goml(folder, ["predict", "data.csv", "-m", "boston.json", "--append", "-q"]);
      expect(appended.stderr).toBe("");
      expect(readFileSync(join(folder, "out.csv"), "utf8") === same.stdout).toBe(true);
      const piped = await goml(folder, ["predict", "--url", url, "--json"], csv);
      expect(piped.stdout.split("\n").slice(1, -1).map(Number)).toEqual([...expected]);
      expect(JSON.parse(piped.stderr)).toMatchObject({
        data: { rows: 506 },
        server: { batches: 1, retries: 0 },
      });
    });
  });

  test("a busy server is asked again, in order all the same", async () => {
    // Room for one request at a time, and four are sent at a time.
    await using server = await serving({ queueLimit: 1, retryAfter: 0 });
    const lines = Array.from({ length: 60_000 }, (_, i) => rows[(i * 7) % rows.length]!.join(","));
    const files = { ...model, "data.csv": `${names.join(",")}\n${lines.join("\n")}\n` };
    await inFolder(files, async (folder) => {
      const url = `${server.url}/v2/models/boston`;
      const remote = await goml(folder, ["predict", "data.csv", "--url", url, "--json"]);
      const local = await goml(folder, ["predict", "data.csv", "-m", "boston.json", "-q"]);
      expect(remote.code).toBe(0);
      expect(remote.stdout === local.stdout).toBe(true);
      expect(JSON.parse(remote.stderr).server.retries).toBeGreaterThan(0);
    });
  });

  test("says what is wrong, and leaves no half-written file", async () => {
    await using server = await serving({ token: "geheim" });
    const closed = createTcpServer();
    await new Promise<void>((resolve) => closed.listen(0, "127.0.0.1", resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    await inFolder({ "data.csv": csv, "other.csv": "a,b\n1,2\n" }, async (folder) => {
      const run = async (data: string, url: string, ...more: string[]) => {
        const { code, stderr, left } = await goml(folder, [
          "predict",
          data,
          "--url",
          url,
          "-o",
          "out.csv",
          ...more,
        ]);
        expect(left).toEqual(["data.csv", "other.csv"]);
        return [code, stderr];
      };
      const url = `${server.url}/v2/models/boston`;
      expect(await run("data.csv", url)).toEqual([4, expect.stringContaining("answered 401")]);
      process.env.GOML_TOKEN = "geheim";
      try {
        expect(await run("data.csv", `${server.url}/v2/models/nope`)).toEqual([
          4,
          expect.stringContaining('answered 404: there is no model "nope"'),
        ]);
        expect(await run("other.csv", url)).toEqual([
          4,
          expect.stringContaining("columns of the model are missing: crim"),
        ]);
        expect(await run("data.csv", `${url}/extra`)).toEqual([
          2,
          expect.stringContaining("not the URL of a model"),
        ]);
        expect(await run("data.csv", `http://127.0.0.1:${port}/v2/models/m`)).toEqual([
          3,
          expect.stringContaining("nobody listens there"),
        ]);
        expect(await run("data.csv", url, "--interval", "prediction")).toEqual([
          2,
          expect.stringContaining("--interval cannot be had from a server"),
        ]);
        writeFileSync(join(folder, "data.csv"), csv.replace("0.00632", "x"));
        expect(await run("data.csv", url)).toEqual([
          3,
          expect.stringContaining('expected a number, found "x"'),
        ]);
      } finally {
        delete process.env.GOML_TOKEN;
      }
    });
  });
});
