import { execFile, spawn } from "node:child_process";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { GOML } from "../cli/goml.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** A fenced block of a page. */
export interface Block {
  readonly language: string;
  readonly text: string;
  /** Of a program: what it prints, the block of `text` that follows it at once. */
  readonly prints?: string;
}

/** A command of a session and what the page says that it prints; `…` stands for anything. */
export interface Step {
  readonly command: string;
  readonly output: string;
}

/** The fenced blocks of a page of Markdown. */
export function blocksOf(path: string): Block[] {
  const fences = /^```(\w+)\n(.*?)^```$(?:\n\n```text\n(.*?)^```$)?/gms;
  return [...readFileSync(path, "utf8").matchAll(fences)].map(([, language, text, prints]) => ({
    language: language!,
    text: text!,
    ...(prints !== undefined && { prints }),
  }));
}

/** The steps of all terminal sessions of a page. */
export const stepsOf = (blocks: readonly Block[]): Step[] =>
  blocks
    .filter(({ language }) => language === "console")
    .flatMap(({ text }) => text.split(/^\$ /m).slice(1))
    .map((part) => {
      const [command, ...output] = part.trimEnd().split("\n");
      return { command: command!, output: output.join("\n") };
    });

/** Durations, thread counts and when a node ran are the machine's own. */
const steady = (text: string) =>
  text
    .replace(/ +[·█][·█ ]*\d/g, " 0")
    .replace(/\d+(\.\d+)? (ms|s|µs)(?!\w)/g, "T")
    .replace(/\b\d+ threads?\b/g, "N threads")
    .trimEnd();

/** What was printed, and the pattern of what the page says, for `toMatch`. */
export function compared(printed: string, says: string): [printed: string, pattern: RegExp] {
  const pattern = steady(says)
    .split("…")
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
    .join("[^]*");
  return [steady(printed), new RegExp(`^${pattern}$`)];
}

/** What a line came to, both streams in one as a terminal shows them. */
export interface Ended {
  readonly code: number;
  readonly printed: string;
}

/** A server that was started, and where it listens. */
export interface Served {
  readonly url: string;
  stop(): void;
}

/** A folder as a clone of the project has it, with `goml` and `npx goml` at hand and nothing on standard input. */
export class Clone {
  readonly folder = mkdtempSync(join(tmpdir(), "goml-page-"));

  constructor() {
    cpSync(join(ROOT, "data"), join(this.folder, "data"), { recursive: true });
    cpSync(join(ROOT, "examples"), join(this.folder, "examples"), { recursive: true });
    writeFileSync(join(this.folder, "package.json"), '{ "private": true, "type": "module" }\n');
    // A program finds goml, and what is installed beside it, as it would in a project.
    mkdirSync(join(this.folder, "node_modules"));
    symlinkSync(ROOT, join(this.folder, "node_modules/goml"));
    for (const name of ["fastify", "@duckdb"])
      symlinkSync(join(ROOT, "node_modules", name), join(this.folder, "node_modules", name));
    mkdirSync(join(this.folder, ".bin"));
    this.tool("npx", '#!/bin/sh\nexec "$@"\n');
    this.tool("goml", `#!/bin/sh\nexec "${process.execPath}" "${GOML}" "$@"\n`);
  }

  /** Puts a command at hand. */
  tool(name: string, script: string): void {
    writeFileSync(join(this.folder, ".bin", name), script);
    chmodSync(join(this.folder, ".bin", name), 0o755);
  }

  /** Writes a file, and the folders that it stands in. */
  write(name: string, content: string | Uint8Array): void {
    mkdirSync(resolve(this.folder, name, ".."), { recursive: true });
    writeFileSync(join(this.folder, name), content);
  }

  /** The environment of what runs here. */
  private get environment(): NodeJS.ProcessEnv {
    const path = [join(this.folder, ".bin"), process.env.PATH].join(delimiter);
    return { ...process.env, NO_COLOR: "1", PATH: path };
  }

  /** Runs a line in the shell, with `more` in its environment. */
  run(line: string, more: Readonly<Record<string, string>> = {}): Promise<Ended> {
    const env = { ...this.environment, ...more };
    return new Promise((ended) => {
      execFile(
        "sh",
        ["-c", `exec 2>&1 </dev/null\n${line}`],
        { cwd: this.folder, env, maxBuffer: 1 << 26 },
        (error, printed) => ended({ code: error === null ? 0 : Number(error.code), printed }),
      );
    });
  }

  /** Starts a line that serves, and gives the first address that it prints. */
  serve(line: string): Promise<Served> {
    const child = spawn("sh", ["-c", `exec 2>&1; exec ${line}`], {
      cwd: this.folder,
      env: this.environment,
      stdio: ["ignore", "pipe", "inherit"],
    });
    let printed = "";
    return new Promise((resolve, reject) => {
      child.stdout.on("data", (chunk: Buffer) => {
        printed += chunk;
        const [url] = /http:\/\/[\w.:]+\d/.exec(printed) ?? [];
        if (url !== undefined) resolve({ url, stop: () => child.kill() });
      });
      child.on("exit", () => reject(new Error(printed)));
    });
  }

  /** Runs a program of JavaScript. */
  async runProgram(text: string): Promise<Ended> {
    this.write("program.js", text);
    return this.run(`"${process.execPath}" program.js`);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
