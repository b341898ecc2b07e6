import { spawn } from "node:child_process";
import { connect, type Socket } from "node:net";
import { expect, test } from "vitest";
import { inFolder } from "../cli/goml.js";
import { boston, expected, infer, matrixRequest, serving, X } from "./serving.js";

// Connections are descriptors, of which a process has so many: who opens more than that, and says nothing. (Node reads modules
// side by side, of which a server has some 270: at its start it has up to 80 open at a time, more on more threads.)

test("with more connections than descriptors the server stays, and answers when they have gone", async () => {
  await inFolder({ "boston.json": JSON.stringify(boston) }, async (folder) => {
    const command = 'ulimit -n 256; exec "$0" "$@" serve boston.json --port 0 --threads 1 --reload 0.1';
    const child = spawn("bash", ["-c", command, process.execPath, `${process.cwd()}/bin/goml.js`], {
      cwd: folder,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [log, errors] = ["", ""];
    child.stderr.on("data", (chunk) => {
      errors += chunk;
    });
    const url = await new Promise<string>((resolve, reject) => {
      child.on("exit", (code) => reject(new Error(`the server ended with ${code}: ${log}${errors}`)));
      child.stdout.on("data", (chunk) => {
        log += chunk;
        const [, found] = /"urls":\["([^"]+)"/.exec(log) ?? [];
        if (found !== undefined) resolve(found);
      });
    });
    let refused = 0;
    const open = Array.from({ length: 500 }, () => {
      const socket = connect(Number(new URL(url).port), "127.0.0.1");
      socket.on("error", () => {});
      socket.on("close", () => {
        refused++;
      });
      return socket;
    });
    // Those that find no descriptor are closed at once, by the server.
    await expect.poll(() => refused, { timeout: 20_000 }).toBeGreaterThanOrEqual(200);
    for (const socket of open) socket.destroy();
    let status = 0;
    while (status !== 200) {
      const answer = await infer(url, matrixRequest(X.subarray(0, 13))).catch(() => undefined);
      status = answer?.status ?? 0;
      if (answer !== undefined) expect(answer.json.outputs[0].data).toEqual([expected[0]]);
    }
    expect(log).not.toMatch(/"level":[56]0/);
    child.kill("SIGTERM");
    expect(await new Promise((resolve) => child.on("exit", (code) => resolve(code)))).toBe(0);
    expect(errors).toBe("");
  });
});

test("a connection that says nothing, or half a header, is ended after the time that headers may take", async () => {
  await using server = await serving({ headersTimeout: 200 });
  const ended = (text: string) =>
    new Promise<void>((resolve) => {
      const socket: Socket = connect(server.port, "127.0.0.1");
      socket.on("error", () => {});
      socket.on("close", () => resolve());
      socket.resume();
      if (text !== "") socket.write(text);
    });
  await Promise.all([ended(""), ended("GET /v2 HTTP/1.1\r\nHost:")]);
});
