import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { JsonReader } from "../../../src/linear/model/json-reader.js";

/** The value of a text that comes in pieces of these lengths, again and again. */
function read(text: string, lengths: readonly number[]): unknown {
  const bytes = Buffer.from(text);
  const reader = new JsonReader();
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const length = lengths[i % lengths.length]!;
    reader.push(bytes.subarray(at, at + length));
    at += length;
  }
  return reader.end();
}

/** JSON.parse's value, or that it throws. */
function outcome(parse: () => unknown): unknown {
  try {
    return { value: parse() };
  } catch (error) {
    expect(error).toBeInstanceOf(SyntaxError);
    return "no JSON";
  }
}

const lengths = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });
const layout = fc.constantFrom(undefined, 1, "\t", "\n \r");

describe("JSON in pieces", () => {
  test("has the value of JSON.parse, wherever it is cut", () => {
    fc.assert(
      fc.property(fc.jsonValue(), layout, lengths, (value, space, cuts) => {
        const text = JSON.stringify(value, null, space);
        expect(read(text, cuts)).toEqual(JSON.parse(text));
      }),
      { numRuns: 500 },
    );
  });

  test("is JSON where JSON.parse says so, and nowhere else", () => {
    const signs = fc.constantFrom(...'{}[]:,"\\ \n\t0123456789.eE+-truefalsnü\u0001');
    const edit = fc.record({
      at: fc.nat(),
      cut: fc.nat({ max: 3 }),
      put: fc.string({ unit: signs, maxLength: 3 }),
    });
    fc.assert(
      fc.property(fc.jsonValue(), fc.array(edit, { maxLength: 3 }), lengths, (value, edits, cuts) => {
        let text = JSON.stringify(value);
        for (const { at, cut, put } of edits) {
          const place = at % (text.length + 1);
          text = text.slice(0, place) + put + text.slice(place + cut);
        }
        expect(outcome(() => read(text, cuts))).toEqual(outcome(() => JSON.parse(text)));
      }),
      { numRuns: 3000 },
    );
  });

  test("lists of numbers are those of JSON.parse, whatever stands in them", () => {
    const numbers = fc.array(fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer()), {
      minLength: 20,
      maxLength: 60,
    });
    const cuts = fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 5 });
    const put = fc.constantFrom("", "", ",", " ", "null,", "01,", "-", "[1],", "\n", '"a",', "1e400,", "]");
    fc.assert(
      fc.property(numbers, fc.nat(), put, layout, cuts, (list, place, more, space, lengths) => {
        const text = JSON.stringify({ a: list, b: [list, 1] }, null, space);
        const at = text.indexOf(",", place % text.length) + 1;
        const changed = text.slice(0, at) + more + text.slice(at);
        expect(outcome(() => read(changed, lengths))).toEqual(outcome(() => JSON.parse(changed)));
      }),
      { numRuns: 1000 },
    );
  });

  test("a text that is one token takes time by its length", () => {
    const long = JSON.stringify("a".repeat(1 << 23));
    expect(read(long, [4096])).toHaveLength(1 << 23);
  });

  test("keeps keys that objects have, and depth costs no stack", () => {
    const text = '{"__proto__":{"a":1},"constructor":2,"":3,"a":1,"a":2}';
    const value = read(text, [7]) as object;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.entries(value)).toEqual(Object.entries(JSON.parse(text)));
    const deep = 200_000;
    let inner = read(`${"[".repeat(deep)}${"]".repeat(deep)}`, [4096]) as unknown[];
    let depth = 1;
    for (; inner.length > 0; depth++) inner = inner[0] as unknown[];
    expect(depth).toBe(deep);
  });
});
