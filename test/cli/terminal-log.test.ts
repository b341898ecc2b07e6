import { expect, test } from "vitest";
import { TerminalLog } from "../../src/cli/commands/serve/terminal-log.js";

test("a server's log on a terminal: one line with the URL, then a line for each request; JSON stays for pipes", () => {
  let said = "";
  const log = new TerminalLog((text) => {
    said += text;
  });
  const time = new Date(2026, 10, 27, 9, 8, 7).getTime();
  const write = (level: number, msg: string, more: object) =>
    log.write(`${JSON.stringify({ level, time, pid: 1, hostname: "h", ...more, msg })}\n`);
  write(30, "model loaded", { model: "boston" });
  expect(said).toBe("");
  write(50, "model file not served", { file: "bad.json", problem: "no model" });
  log.open(["http://[::1]:8080", "http://127.0.0.1:8080"]);
  const request = { reqId: "1", method: "POST", url: "/v2/models/boston/infer", ms: 1.234, rows: 1 };
  write(30, "request", { ...request, status: 200, model: "boston" });
  write(30, "request", { ...request, status: 404, model: "" });
  write(40, "a worker thread died; its request is tried once more", { err: { message: "out of memory" } });
  expect(said.split("\n")).toEqual([
    "09:08:07 model file not served file bad.json, problem no model",
    "goml serve  http://localhost:8080  Ctrl-C ends it",
    "09:08:07 200 POST /v2/models/boston/infer 1.23 ms boston, 1 row",
    "09:08:07 404 POST /v2/models/boston/infer 1.23 ms",
    "09:08:07 a worker thread died; its request is tried once more err out of memory",
    "",
  ]);
});
