import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { fitCsv, fitGroupsCsv } from "../../../src/index.js";
import { matchesDigest } from "../../../src/linear/model/digest.js";
import { readStreamed } from "../../../src/linear/model/model-file.js";
import { writeJson } from "../../../src/linear/model/write-json.js";
import { inFolder } from "../../cli/goml.js";

const FOLDER = "test/models";
const files = readdirSync(FOLDER, { recursive: true, encoding: "utf8" }).filter((name) =>
  name.endsWith(".json"),
);

/** A text in pieces of so many bytes. */
async function* pieces(text: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** What a frozen file says, and what today's build writes: with a digest. */
const texts = async (): Promise<string[]> => {
  const written = await inFolder({}, async (folder) => {
    const path = join(folder, "model.json");
    const write = async (document: unknown) => {
      await writeJson(path, document);
      return readFileSync(path, "utf8");
    };
    const { models } = await fitGroupsCsv("data/boston.csv", { groupBy: "rad", features: ["lstat", "rm"] });
    const { model } = await fitCsv("data/cps-wages.csv", { formula: "wage ~ gender * education" });
    return [await write(models.document()), await write(model.document())];
  });
  return [...files.slice(0, 4).map((name) => readFileSync(`${FOLDER}/${name}`, "utf8")), ...written];
};

describe("a document in pieces", () => {
  test("is that of its text, and intact where that is", async () => {
    for (const text of await texts()) {
      const parsed = JSON.parse(text);
      for (const size of [61, 4096, 1 << 20]) {
        const { document, intact } = await readStreamed(pieces(text, size));
        expect(document).toEqual(parsed);
        expect(intact()).toBe(true);
      }
      if (parsed.schema === 1) continue;
      expect(parsed.digest).toBeDefined();
      // Laid out otherwise it is the same document.
      const spread = JSON.stringify(parsed, null, 2);
      expect((await readStreamed(pieces(spread, 1000))).intact()).toBe(true);
      const changed = text.replace(/\.(\d)/, (_, digit) => `.${(Number(digit) + 1) % 10}`);
      expect(changed).not.toBe(text);
      expect((await readStreamed(pieces(changed, 1000))).intact()).toBe(false);
      expect(matchesDigest(changed, JSON.parse(changed))).toBe(false);
    }
  });

  test("that is cut short is no JSON", async () => {
    const text = readFileSync(`${FOLDER}/${files[0]}`, "utf8");
    await expect(readStreamed(pieces(text.slice(0, -30), 1000))).rejects.toThrow(SyntaxError);
  });
});
