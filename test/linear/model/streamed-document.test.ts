import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { fitCsv, fitGroupsCsv } from "../../../src/index.js";
import { matchesDigest } from "../../../src/linear/model/digest.js";
import { DocumentStream, type StreamedDocument } from "../../../src/linear/model/streamed-document.js";
import { writeJson } from "../../../src/linear/model/write-json.js";
import { inOneGo } from "../../../src/parallel/steps.js";
import { inFolder } from "../../cli/goml.js";

const FOLDER = "test/models";
const files = readdirSync(FOLDER, { recursive: true, encoding: "utf8" }).filter((name) =>
  name.endsWith(".json"),
);

/** The document of a text that comes in pieces of so many bytes. */
function inPieces(text: string, size: number): StreamedDocument {
  const bytes = Buffer.from(text);
  const stream = new DocumentStream();
  for (let at = 0; at < bytes.length; at += size) stream.push(bytes.subarray(at, at + size));
  return stream.end();
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
        const { document, intact, twice } = inPieces(text, size);
        expect(document).toEqual(parsed);
        expect(inOneGo(intact())).toBe(true);
        expect(twice).toBeUndefined();
      }
      if (parsed.schema === 1) continue;
      expect(parsed.digest).toBeDefined();
      // Laid out otherwise it is the same document.
      const spread = JSON.stringify(parsed, null, 2);
      expect(inOneGo(inPieces(spread, 1000).intact())).toBe(true);
      const changed = text.replace(/\.(\d)/, (_, digit) => `.${(Number(digit) + 1) % 10}`);
      expect(changed).not.toBe(text);
      expect(inOneGo(inPieces(changed, 1000).intact())).toBe(false);
      expect(matchesDigest(changed, JSON.parse(changed))).toBe(false);
    }
  });

  test("that is cut short is no JSON", () => {
    const text = readFileSync(`${FOLDER}/${files[0]}`, "utf8");
    expect(() => inPieces(text.slice(0, -30), 1000)).toThrow(SyntaxError);
  });

  test("tells of a key that an object has twice", () => {
    for (const size of [1, 7, 1000]) {
      expect(inPieces('{"a":{"n":1,"b":[{"n":2}]},"b":{"n":3}}', size).twice).toBeUndefined();
      expect(inPieces('{"a":[{"n":1,"m":[1,2],"\\u006e":4}]}', size).twice).toBe("n");
      expect(inPieces('{"__proto__":1,"__proto__":2}', size).twice).toBe("__proto__");
    }
  });
});
