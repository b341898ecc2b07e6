import { execFileSync, spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { uniform } from "../uniform.js";
import { GOML } from "./goml.js";

const LONG = process.env.GOML_LONG === "1";
/** Limits, file systems and users as Linux has them. */
const LINUX = process.platform === "linux";

let folder: string;
let inputs: string[];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "goml-faults-"));
  const next = uniform(7);
  const rows = Array.from(
    { length: 60_000 },
    () => `g${Math.floor(9 * next())},${next().toFixed(4)},${(10 * next()).toFixed(3)}`,
  );
  const text = `t,x,y\n${rows.join("\n")}\n`;
  writeFileSync(join(folder, "data.csv"), text);
  writeFileSync(join(folder, "data.csv.gz"), gzipSync(text));
  execFileSync(process.execPath, [GOML, "train", "data.csv", "-q"], { cwd: folder });
  inputs = readdirSync(folder).sort();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a shell's command line in the folder, `goml` being the command. */
function sh(line: string, env: Record<string, string> = {}) {
  const script = `goml() { "$NODE" "$GOML" "$@"; }\n${line}`;
  const { status, stdout, stderr } = spawnSync("/bin/bash", ["-c", script], {
    cwd: folder,
    env: { ...process.env, NO_COLOR: "1", NODE: process.execPath, GOML, ...env },
    encoding: "utf8",
    input: "",
    maxBuffer: 1 << 28,
  });
  return { status, stdout, stderr };
}

/** What is there beside the inputs; it is taken away. */
function takeLeft(): string[] {
  const left = readdirSync(folder).filter((name) => !inputs.includes(name));
  for (const name of left) rmSync(join(folder, name), { recursive: true });
  return left;
}

/** An error as it should be: one line that names what is wrong, a hint perhaps, and nothing of how goml is made. */
function expectOneLine(stderr: string) {
  expect(stderr).toMatch(/^(?:note: .*\n)*goml: .+\n(?:hint: .+\n)?$/);
  expect(stderr).not.toMatch(/internal|bug in goml|\n\s+at /);
}

const COMMANDS: Record<string, string> = {
  train: "goml train data.csv -q -m out",
  "train on threads": "goml train data.csv -q --threads 2 -m out",
  "train from a pipe, twice over": "cat data.csv | goml train - --test-size 0.1 -q -m out",
  "train by group": "goml train data.csv --group-by t -q -m out",
  predict: "goml predict data.csv -q -o out",
  "predict on threads": "goml predict data.csv -c 2 -q -o out",
  "predict gzip": "goml predict data.csv.gz -c 2 -q -o out",
  diagnose: "goml diagnose data.csv -o out > /dev/null",
  update: "goml update model.json data.csv --again -q -m out",
  refit: "goml refit model.json --features x -q -m out",
  export: "goml export model.json --to sql -o out",
};

describe.skipIf(!LINUX)("what a process runs out of", () => {
  const least = LONG ? 19 : 20;
  it.each(Object.keys(COMMANDS))("open files: %s ends as ever, or says so in one line", (name) => {
    const whole = sh(COMMANDS[name]!);
    expect(whole.status).toBe(0);
    const wanted = readFileSync(join(folder, "out"));
    takeLeft();
    const rest = LONG ? 14 : 3;
    for (let n = least; n < least + rest; n++) {
      // The shell's own limit: what node itself cannot start with is not goml's to say.
      const { status, stderr } = sh(`ulimit -n ${n}; ${COMMANDS[name]}`);
      const left = takeLeftOf(wanted);
      if (/^node:|Error: EMFILE/m.test(stderr) && /goml\.js|dist/.test(stderr)) continue;
      if (status === 0) expect(left).toEqual(["out"]);
      else {
        expect({ n, left }).toEqual({ n, left: [] });
        expect(status).toBe(3);
        expectOneLine(stderr);
        expect(stderr).toMatch(/too many open files|EMFILE/);
      }
    }
  });

  it("memory: it is said in one line, with exit code 4", () => {
    let refused = 0;
    for (const kilobytes of LONG ? [2e6, 3e6, 4e6, 6e6, 8e6, 12e6] : [3e6]) {
      const { status, stderr } = sh(`ulimit -v ${kilobytes}; goml train data.csv -q --threads 2 -m out`);
      // With less, node itself does not start.
      if (/^#?\n?# Fatal/m.test(stderr)) continue;
      const left = takeLeft();
      if (status === 0) expect(left).toEqual(["out"]);
      else {
        refused++;
        expect({ status, left }).toEqual({ status: 4, left: [] });
        expectOneLine(stderr);
        expect(stderr).toContain("not enough memory");
      }
    }
    expect(refused).toBeGreaterThan(0);
  });

  it("memory: what it advises against a limit of addresses helps", () => {
    const limited = (env: string, command: string) => sh(`ulimit -v 4000000; ${env} ${command}`);
    const { stderr } = limited("", COMMANDS.train!);
    takeLeft();
    const advice = /NODE_OPTIONS=--disable-wasm-trap-handler/.exec(stderr);
    expect(advice).not.toBeNull();
    for (const name of ["train", "train on threads", "predict on threads", "diagnose"]) {
      const wanted = sh(COMMANDS[name]!) && readFileSync(join(folder, "out"));
      takeLeft();
      const { status, stderr } = limited(`export ${advice![0]};`, COMMANDS[name]!);
      expect({ name, status, stderr }).toEqual({ name, status: 0, stderr: "" });
      expect(readFileSync(join(folder, "out")).equals(wanted)).toBe(true);
      takeLeft();
    }
  });

  it.each(["train", "predict", "predict on threads", "diagnose", "update", "export"])(
    "the size that a file may have: %s leaves none",
    (name) => {
      const blocks = name === "export" ? 0 : 1;
      const { status, stderr } = sh(`ulimit -f ${blocks}; ${COMMANDS[name]}`);
      expect({ status, left: takeLeft() }).toEqual({ status: 3, left: [] });
      expectOneLine(stderr);
    },
  );

  /** Which of the files beside the inputs there are; a whole one may be there. */
  function takeLeftOf(wanted: Buffer): string[] {
    const there = readdirSync(folder).filter((name) => !inputs.includes(name));
    if (there.includes("out")) {
      const found = readFileSync(join(folder, "out"));
      if (!found.equals(wanted)) expect(found.length).toBe(wanted.length);
    }
    return takeLeft();
  }
});

const root = process.getuid?.() === 0;
const mounts =
  LINUX &&
  root &&
  (() => {
    const probe = mkdtempSync(join(tmpdir(), "goml-mount-"));
    const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", probe]);
    if (status === 0) spawnSync("umount", [probe]);
    rmSync(probe, { recursive: true });
    return status === 0;
  })();
if (!mounts)
  console.warn("a full and a read-only file system are not tested: that takes root, and leave to mount");

describe.skipIf(!mounts)("file systems", () => {
  const mounted = (options: string, body: () => void) => {
    const at = join(folder, "disk");
    mkdirSync(at);
    execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", at]);
    try {
      body();
    } finally {
      execFileSync("umount", [at]);
      rmSync(at, { recursive: true });
    }
  };

  it("that are full keep what was there, and nothing half-written", () =>
    mounted("size=64k", () => {
      expect(sh("goml train data.csv -q -m disk/model.json").status).toBe(0);
      const before = readFileSync(join(folder, "disk/model.json"));
      writeFileSync(
        join(folder, "disk/filler"),
        Buffer.alloc(65_536 - 4096 * Math.ceil(before.length / 4096)),
      );
      for (const line of [
        "goml predict data.csv -o disk/out.csv -q",
        "goml predict data.csv -c 2 -o disk/out.csv -q",
        "goml train data.csv -q -m disk/other.json",
        "goml update disk/model.json data.csv --again -q",
        "goml export model.json --to json -o disk/terms.json",
      ]) {
        const { status, stderr } = sh(line);
        expect({ line, status }).toEqual({ line, status: 3 });
        expectOneLine(stderr);
        expect(stderr).toContain("no space left");
        expect(readdirSync(join(folder, "disk")).sort()).toEqual(["filler", "model.json"]);
        expect(readFileSync(join(folder, "disk/model.json")).equals(before)).toBe(true);
      }
      const spooled = sh("cat data.csv | goml train - --test-size 0.1 -q -m out", {
        TMPDIR: join(folder, "disk"),
      });
      expect(spooled.status).toBe(3);
      expectOneLine(spooled.stderr);
      expect(readdirSync(join(folder, "disk")).sort()).toEqual(["filler", "model.json"]);
    }));

  it("that are read-only are named as that", () =>
    mounted("size=64k,ro", () => {
      for (const line of [
        "goml train data.csv -q -m disk/m.json",
        "goml predict data.csv -q -o disk/o.csv",
      ]) {
        const { status, stderr } = sh(line);
        expect(status).toBe(3);
        expectOneLine(stderr);
        expect(stderr).toContain("read-only");
      }
    }));
});

describe.skipIf(process.platform === "win32")("files and folders that may not be used", () => {
  /** As a user for whom permissions count. */
  const asUser = (line: string) => {
    const script = `"$NODE" "$GOML" ${line}`;
    const { status, stderr } = spawnSync("/bin/bash", ["-c", script], {
      cwd: folder,
      env: { PATH: process.env.PATH, NODE: process.execPath, GOML, NO_COLOR: "1", HOME: folder },
      encoding: "utf8",
      ...(root ? { uid: 65_534, gid: 65_534 } : {}),
    });
    return { status, stderr };
  };

  it("a folder that may not be written, a file that may not be read", () => {
    chmodSync(folder, 0o755);
    if (asUser("--version").status !== 0)
      return console.warn("goml cannot be run by another user here: skipped");
    chmodSync(folder, 0o555);
    writeFileSync(join(folder, "secret.csv"), "a,b\n1,2\n");
    chmodSync(join(folder, "secret.csv"), 0o000);
    try {
      for (const [line, says] of [
        ["train data.csv -q -m out", "permission"],
        ["predict data.csv -q -o out", "permission"],
        ["train secret.csv", "permission"],
        ["update model.json data.csv --again -q", "cannot be locked"],
      ] as const) {
        const { status, stderr } = asUser(line);
        expect({ line, status }).toEqual({ line, status: 3 });
        expectOneLine(stderr);
        expect(stderr).toContain(says);
      }
    } finally {
      chmodSync(folder, 0o755);
      expect(takeLeft()).toEqual(["secret.csv"]);
    }
  });

  it("no folder for temporary files: what needs one says so, what needs none does not care", () => {
    const gone = { TMPDIR: join(folder, "nowhere") };
    expect(sh("goml train data.csv.gz --test-size 0.1 -q -m out", gone).status).toBe(0);
    expect(sh("goml predict data.csv -c 2 -q -o out", gone).status).toBe(0);
    takeLeft();
    for (const line of [
      "cat data.csv | goml train - --test-size 0.1 -q -m out",
      "goml bench data.csv -t y --quick --suite train",
    ]) {
      const { status, stderr } = sh(line, gone);
      expect({ line, status, left: takeLeft() }).toEqual({ line, status: 3, left: [] });
      expectOneLine(stderr);
    }
  });

  it.each([
    "train .",
    "predict . -m model.json",
    "evaluate .",
    "diagnose .",
    "inspect .",
    "cv .",
    "select .",
    "refit .",
    "update . data.csv",
    "update model.json .",
    "forget model.json .",
    "anova .",
    "test . x",
    "means . x",
    "export . --to json",
    "graph .",
    "bench .",
    "train data.csv -m .",
    "predict data.csv -o .",
    "export model.json --to json -o .",
    "train data.csv -m nowhere/x.json",
    "train data.csv/x",
  ])("a folder in the place of a file, or none: goml %s", (line) => {
    const { status, stderr } = sh(`goml ${line}`);
    expect({ status, left: takeLeft() }).toEqual({ status: 3, left: [] });
    expectOneLine(stderr);
  });
});

describe.skipIf(process.platform === "win32")("standard streams", () => {
  it.each([
    ["a closed standard output", "goml train data.csv -m out >&-", 0],
    ["a closed standard error", "goml train data.csv -m out 2>&-", 0],
    ["a reader that goes away", "set -o pipefail; goml predict data.csv | true", 0],
    ["a reader of the summary that goes away", "set -o pipefail; goml train data.csv -m out | true", 0],
    ["closed standard input", "goml train - -m out <&-", 3],
    ["a device that is full", "goml predict data.csv > /dev/full", 3],
    ["a device that is full, for a summary", "goml inspect model.json > /dev/full", 3],
    ["a device that is full, for the version", "goml --version > /dev/full", 3],
    ["a device that is full, for a model", "goml train data.csv -q -m /dev/full", 3],
  ])("%s", (_, line, code) => {
    const { status, stderr } = sh(line);
    takeLeft();
    expect(status).toBe(code);
    if (code !== 0) expectOneLine(stderr);
    else expect(stderr).not.toMatch(/internal|\n\s+at /);
  });

  it("a named pipe without a writer as standard input is left by a signal", async () => {
    execFileSync("mkfifo", [join(folder, "pipe")]);
    // Opened for reading and writing, so that the shell does not wait for a peer; goml waits for bytes.
    const child = spawn(
      "/bin/bash",
      ["-c", 'exec "$0" "$1" train - -m out <> pipe', process.execPath, GOML],
      {
        cwd: folder,
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    const end = new Promise<number | null>((resolve) => child.on("close", resolve));
    await new Promise((resolve) => setTimeout(resolve, 700));
    child.kill("SIGTERM");
    expect(await end).toBe(143);
    expect(takeLeft()).toEqual(["pipe"]);
  });
});
