import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { duplicateKey } from "../../src/json-schema/duplicate-key.js";

describe("a key that stands twice in an object", () => {
  test.each([
    ['{"a":1,"a":2}', "a"],
    ['{"a":1,"\\u0061":2}', "a"],
    ['[{"x":{"b":1, "c":[{}], "b" : 2}}]', "b"],
    ['{"":1,"":1}', ""],
    ['{"a\\"":1,"a\\"":2}', 'a"'],
    ['{"a":1,"b":"a"}', undefined],
    ['{"a":{"a":{"a":1}}}', undefined],
    ['[{"a":1},{"a":1}]', undefined],
    ['{"a":"{\\"a\\":1,\\"a\\":2}","b":"\\\\"}', undefined],
    ["[1,2,3]", undefined],
  ])("%s: %s", (text, key) => {
    expect(duplicateKey(text)).toBe(key);
  });

  test("is found wherever one is put in, and nowhere else", () => {
    fc.assert(
      fc.property(fc.json(), fc.string(), fc.nat(2), (json, key, blanks) => {
        expect(duplicateKey(json)).toBeUndefined();
        const twice = `{${JSON.stringify(key)}:${json},${" ".repeat(blanks)}${JSON.stringify(key)} :${json}}`;
        expect(duplicateKey(twice)).toBe(key);
        expect(duplicateKey(`[${json},${twice}]`)).toBe(key);
      }),
    );
  });
});
