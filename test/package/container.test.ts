import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

/** The instructions of a Dockerfile, lines that go on joined. */
const instructionsOf = (path: string) =>
  readFileSync(path, "utf8")
    .replace(/^#.*\n/gm, "")
    .replace(/\\\n\s*/g, "")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const [, name, text] = /^(\w+) (.*)$/.exec(line)!;
      return { name: name!, text: text! };
    });

// The rules of hadolint that have to do with what is here; no engine is needed for them.
describe.each(["Dockerfile", ".devcontainer/Dockerfile"])("%s", (path) => {
  const instructions = instructionsOf(path);
  const all = (name: string) => instructions.filter((one) => one.name === name).map(({ text }) => text);

  test("begins from images of one version (DL3006, DL3007)", () => {
    for (const from of all("FROM")) expect(from).toMatch(/^[\w/-]+:\d+\.\d+[\w.-]*( AS \w+)?$/);
  });

  test("copies only what there is, by COPY and to a folder that is named (DL3000, DL3020)", () => {
    expect(all("ADD")).toEqual([]);
    for (const text of all("COPY")) {
      const words = text.split(" ").filter((word) => !word.startsWith("--"));
      if (!text.startsWith("--from"))
        for (const source of words.slice(0, -1)) expect(existsSync(source)).toBe(true);
    }
    for (const text of all("WORKDIR")) expect(text).toMatch(/^\//);
  });

  test("installs without sudo, questions and leftovers (DL3004, DL3009, DL3014, DL3015, DL3027)", () => {
    for (const run of all("RUN")) {
      expect(run).not.toMatch(/\bsudo\b|\bapt /);
      if (run.includes("apt-get install")) {
        expect(run).toMatch(/apt-get update && apt-get install -y --no-install-recommends/);
        expect(run).toMatch(/rm -rf \/var\/lib\/apt\/lists\/\*$/);
      }
      // A pipe's first command may fail unseen (DL4006).
      if (/[^|]\|[^|]/.test(run)) expect(all("SHELL").join()).toContain("pipefail");
    }
  });

  test("ends as a user without rights (DL3002)", () => {
    expect(all("USER").at(-1)).toBe("node");
  });
});

test("the image's command is an array, told of signals (DL3025)", () => {
  const instructions = instructionsOf("Dockerfile");
  for (const name of ["ENTRYPOINT", "CMD"])
    expect(Array.isArray(JSON.parse(instructions.find((one) => one.name === name)!.text))).toBe(true);
});

test("what is ignored would not be taken from the clone that it is built of", () => {
  const ignored = readFileSync(".dockerignore", "utf8").trim().split("\n");
  expect(ignored).toEqual(expect.arrayContaining([".git", "node_modules", "dist"]));
});

test("the devcontainer's configuration names a Dockerfile that there is", () => {
  const { build, remoteUser } = JSON.parse(readFileSync(".devcontainer/devcontainer.json", "utf8"));
  expect(existsSync(join(".devcontainer", build.dockerfile))).toBe(true);
  expect(remoteUser).toBe("node");
});
