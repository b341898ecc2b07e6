import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { SIGNAL_CODES } from "../../src/cli/program/exit-codes.js";
import { finished, inFolder, start } from "./goml.js";

/** A CSV of noise, wide enough that solving takes longer than reading. */
function wide(rows: number, columns: number): string {
  let state = 1;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return String((state >>> 8) % 1000);
  };
  const lines = [Array.from({ length: columns }, (_, j) => `c${j}`).join()];
  for (let i = 0; i < rows; i++) lines.push(Array.from({ length: columns }, next).join());
  return `${lines.join("\n")}\n`;
}

describe("a signal", () => {
  it("ends a wide fit in whichever phase it is, with its code and nothing left behind", async () => {
    await inFolder({}, async (folder) => {
      writeFileSync(join(folder, "wide.csv"), wide(1600, 700));
      const args = ["train", "wide.csv", "--folds", "10", "-q"];
      const began = performance.now();
      const whole = await finished(start(folder, args), folder);
      const takes = performance.now() - began;
      expect(whole).toMatchObject({ code: 0, left: ["model.json", "wide.csv"] });
      // Reading, solving, cross-validating, writing: shares of the time it takes undisturbed, which may miss a phase but
      // not the invariant.
      for (const [i, share] of [0.25, 0.45, 0.6, 0.75, 0.9].entries()) {
        const child = start(folder, [...args, "-m", "other.json"]);
        const end = finished(child, folder);
        await new Promise((resolve) => setTimeout(resolve, share * takes));
        const running = child.exitCode === null;
        const signal = i % 2 === 0 ? "SIGINT" : "SIGTERM";
        child.kill(signal);
        const { code, stderr, left } = await end;
        if (running && code !== 0)
          expect({ code, stderr, left }).toEqual({
            code: SIGNAL_CODES[signal],
            stderr: "",
            left: ["model.json", "wide.csv"],
          });
        else expect(left).toEqual(["model.json", "other.json", "wide.csv"]);
        if (code === 0) break;
      }
    });
  });

  it.each([
    ["SIGINT", ["train", "pipe"]],
    ["SIGTERM", ["predict", "few.csv", "-m", "pipe"]],
    ["SIGHUP", ["predict", "few.csv", "-o", "pipe"]],
    ["SIGINT", ["update", "model.json", "pipe"]],
  ] as const)("%s ends a command that waits for a named pipe: %j", (signal, args) =>
    inFolder({ "few.csv": "a,b,y\n1,2,3\n2,1,5\n3,5,4\n4,3,8\n5,9,7\n" }, async (folder) => {
      await finished(start(folder, ["train", "few.csv", "-q"]), folder);
      execFileSync("mkfifo", [join(folder, "pipe")]);
      const child = start(folder, args);
      const end = finished(child, folder);
      // Long enough to come to the pipe, whose other end nobody opens; the end itself is all that is asserted.
      await new Promise((resolve) => setTimeout(resolve, 700));
      child.kill(signal);
      expect(await end).toMatchObject({
        code: SIGNAL_CODES[signal],
        stderr: "",
        left: ["few.csv", "model.json", "pipe"],
      });
    }),
  );

  // 4,000 ids in two rows each: a solution of 4,000 coefficients took minutes, and heard no signal.
  it.each(["SIGINT", "SIGTERM"] as const)("%s ends a fit of a text of very many levels", (signal) => {
    const rows = (ids: number) =>
      Array.from({ length: 2 * ids }, (_, i) => `u${i % ids},w${i % 1999},${i % 7},${(i * 31) % 17}`).join(
        "\n",
      );
    return inFolder({ "u.csv": `user,place,x,y\n${rows(4000)}\n` }, async (folder) => {
      const child = start(folder, ["train", "u.csv", "-q"]);
      const end = finished(child, folder);
      await new Promise((resolve) => setTimeout(resolve, 600));
      expect(child.exitCode).toBeNull();
      child.kill(signal);
      expect(await end).toMatchObject({ code: SIGNAL_CODES[signal], stderr: "", left: ["u.csv"] });
    });
  });

  // The command sends the signal to itself, so that the moment is no matter of chance.
  it.each([
    ["JSON.stringify", ["graph", "--format", "json"], 130],
    ["JSON.stringify", ["graph", "--format", "json", "-o", "drawn.json"], 130],
    ["JSON.stringify", ["graph", "model.onnx", "--format", "json"], 130],
    ["stdout.write", ["graph", "--format", "json"], 0],
    ["stdout.write", ["graph", "model.onnx", "--format", "json"], 0],
    ["stdout.write", ["graph", "--run"], 0],
  ] as const)("during %s: %j ends with %i, nothing begun, or all done", (where, args, code) =>
    inFolder({ "few.csv": "a,b,y\n1,2,3\n2,1,5\n3,5,4\n4,3,8\n5,9,7\n" }, async (folder) => {
      await finished(start(folder, ["train", "few.csv", "-q"]), folder);
      await finished(start(folder, ["export", "model.json", "--to", "onnx", "-o", "model.onnx"]), folder);
      const whole = await finished(
        start(
          folder,
          args.filter((word) => !/^-o$|drawn/.test(word)),
        ),
        folder,
      );
      expect(whole.code).toBe(0);
      const [owner, method] = where === "stdout.write" ? ["process.stdout", "write"] : ["JSON", "stringify"];
      const preload = `const { ${method}: own } = ${owner};
        ${owner}.${method} = (...all) => {
          ${owner}.${method} = own;
          process.kill(process.pid, "SIGINT");
          return own.apply(${owner}, all);
        };`;
      const more = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(preload)}` };
      const { stdout, ...run } = await finished(start(folder, args, more), folder);
      expect(run).toEqual({ code, stderr: "", left: ["few.csv", "model.json", "model.onnx"] });
      // Of a run the times differ; its last line is the prediction.
      const end = (text: string) =>
        (args as readonly string[]).includes("--run") ? text.split("\n").slice(-2) : text;
      expect(end(stdout)).toEqual(code === 0 ? end(whole.stdout) : "");
    }),
  );
});
