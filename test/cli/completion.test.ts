import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { describe, expect, test } from "vitest";
import { GOML, goml, inFolder } from "./goml.js";

/** The lines that the shells' scripts get for these words. */
const complete = (...words: string[]) =>
  inFolder({ "model.json": "{}" }, async (folder) => {
    copyFileSync("data/boston.csv", join(folder, "boston.csv"));
    const { code, stdout, stderr } = await goml(folder, ["complete", "--", ...words]);
    expect([code, stderr]).toEqual([0, ""]);
    return stdout.split("\n").slice(0, -1);
  });

/** The values alone. */
const values = async (...words: string[]) => (await complete(...words)).map((line) => line.split("\t")[0]);

describe("what may stand at the cursor", () => {
  test("commands, with what they do", async () => {
    const all = await values("");
    expect(all).toEqual(expect.arrayContaining(["train", "predict", "evaluate", "completion", "help"]));
    expect(all).not.toContain("complete");
    expect(await values("help", "tr")).toEqual(["train"]);
    expect(await complete("tr")).toEqual([
      "train\tfit a linear model to a CSV, print its summary, write model.json",
    ]);
  });

  test("a command's options", async () => {
    expect(await values("train", "--ta")).toEqual(["--target", "--table"]);
    expect(await values("train", "boston.csv", "--hel")).toEqual(["--help"]);
  });

  test.each<[words: string[], values: string[]]>([
    [
      ["train", "--na", ""],
      ["omit", "fail"],
    ],
    [["export", "--to=o"], ["--to=onnx"]],
    [["evaluate", "--unseen", "=", "n"], ["na"]],
    [["evaluate", "--unseen", "="].concat(""), ["fail", "na"]],
    [
      ["completion", ""],
      ["bash", "zsh", "fish"],
    ],
    [
      ["bench", "--suite", "train,o"],
      ["train,onnx", ":nospace"],
    ],
  ])("choices: %j", async (words, wanted) => {
    expect(await values(...words)).toEqual(wanted);
  });

  test("columns of the data that was named", async () => {
    expect(await values("train", "boston.csv", "-t", "m")).toEqual(["medv"]);
    expect(await values("train", "boston.csv", "--features", "rm,l")).toEqual(["rm,lstat", ":nospace"]);
    expect(await values("train", "boston.csv", "-f", "rm,lstat,r")).toEqual(["rm,lstat,rad", ":nospace"]);
    expect(await values("train", "boston.csv", "--reference", "ch")).toEqual(["chas=", ":nospace"]);
    expect(await values("train", "-t", "")).toEqual([]);
    expect(await values("train", "missing.csv", "-t", "")).toEqual([]);
  });

  test("files", async () => {
    for (const words of [
      ["train", ""],
      ["predict", "-m", ""],
      ["train", "a.csv", "-"],
      ["merge", "x", "y"],
    ])
      expect(await values(...words)).toEqual([":files"]);
    expect(await values("sql", "")).toEqual(["print", "read"]);
    expect(await values("sql", "read", "")).toEqual([":files"]);
    expect(await values("sql", "print", "boston.csv", "-t", "m")).toEqual(["medv"]);
    for (const words of [
      ["train", "--folds", ""],
      ["nothing", ""],
    ])
      expect(await values(...words)).toEqual([]);
  });
});

/** Runs a script of a shell in a folder with data, where `goml` is on the path. */
const inShell = (shell: string, script: string) =>
  inFolder({ "train two.csv": "a b,y\n1,2\n2,3\n" }, async (folder) => {
    copyFileSync("data/boston.csv", join(folder, "boston.csv"));
    const bin = join(folder, "bin");
    mkdirSync(bin);
    writeFileSync(join(bin, "goml"), `#!/bin/sh\nexec '${process.execPath}' '${GOML}' "$@"\n`);
    chmodSync(join(bin, "goml"), 0o755);
    return execFileSync(shell, ["-c", script], {
      cwd: folder,
      encoding: "utf8",
      env: { ...process.env, HOME: folder, PATH: bin + delimiter + process.env.PATH },
    });
  });

const has = (shell: string) => spawnSync(shell, ["--version"]).status === 0;

describe("in the shells themselves", () => {
  test.skipIf(!has("bash"))("bash (skipped where it is not installed)", async () => {
    const ask = (words: string[]) => `
      COMP_WORDS=(${words.map((word) => (word === "" ? "''" : word)).join(" ")}); COMP_CWORD=${words.length - 1}
      _goml 2> /dev/null; echo "\${COMPREPLY[*]}"`;
    const found = await inShell(
      "bash",
      `source <(goml completion bash); source <(goml completion bash)
      ${ask(["goml", "pre"])}${ask(["goml", "train", "boston.csv", "-t", "m"])}
      ${ask(["goml", "train", "'train two.csv'", "-t", "a"])}
      ${ask(["goml", "train", "'$(touch harm)'", "-t", "a"])}
      ls harm 2> /dev/null; complete -p goml`,
    );
    expect(found).toBe("predict\nmedv\na\\ b\n\ncomplete -o default -F _goml goml\n");
  });

  test.skipIf(!has("fish"))("fish (skipped where it is not installed)", async () => {
    const found = await inShell(
      "fish",
      `goml completion fish | source
      complete -C 'goml pre'; complete -C 'goml train boston.csv -t m'; complete -C 'goml export --to=o'
      complete -C 'goml train bos'`,
    );
    expect(found).toBe(
      "predict\tpredict with a model, CSV or JSON lines to CSV\nmedv\n--to=onnx\nboston.csv\n",
    );
  });

  test.skipIf(!has("zsh"))("zsh (skipped where it is not installed)", async () => {
    // A terminal of its own, whose reader presses the tab key.
    const found = await inShell(
      "zsh",
      `zmodload zsh/zpty
      until_seen() {
        local text= line
        for i in {1..300}; do
          zpty -rt shell line && text+=$line
          [[ $text == *$1* ]] && break
          sleep 0.1
        done
        print -r -- "$text"
      }
      zpty -b shell 'TERM=vt100 zsh -f -i'
      zpty -w shell "autoload -U compinit && compinit -u; source <(goml completion zsh); echo ready-$((1+1))"
      until_seen ready-2 > /dev/null
      zpty -wn shell $'goml train boston.csv -t m\\t'
      until_seen edv`,
    );
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the terminal's own
    expect(found.replace(/[\0\x07]/g, "")).toContain("goml train boston.csv -t medv");
  });
});
