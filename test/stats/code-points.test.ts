import fc from "fast-check";
import { expect, test } from "vitest";
import { codePointOrder } from "../../src/stats/code-points.js";

/** Names by UTF-8 bytes, which sort as code points do. */
const byBytes = (names: readonly string[]) =>
  [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
const sorted = (names: readonly string[]) => Array.from(codePointOrder(names), (i) => names[i]!);

test("names are in the order of their bytes in UTF-8, few and many of them, with common beginnings and without", () => {
  const character = fc.oneof(
    fc.constantFrom(..."ab01 \u0000\u007f"),
    fc.constantFrom("é", "\uff00", "😀", "\ud7ff"),
  );
  const ascii = fc.constantFrom(..."ab01 \u0000\u007f");
  const name = (of: fc.Arbitrary<string>, minLength = 0) =>
    fc.array(of, { minLength, maxLength: 12 }).map((c) => c.join(""));
  fc.assert(
    fc.property(
      fc.constantFrom("", "customer-", "é"),
      fc.oneof(
        fc.array(name(character), { maxLength: 40 }),
        fc.array(name(ascii), { minLength: 300, maxLength: 400 }),
        fc.array(name(character), { minLength: 300, maxLength: 400 }),
      ),
      (prefix, ends) => {
        const names = [...new Set(ends.map((end) => prefix + end))];
        expect(sorted(names)).toEqual(byBytes(names));
      },
    ),
    { numRuns: 100 },
  );
});

test("a hundred thousand names are in order", () => {
  const names = Array.from({ length: 100_000 }, (_, i) => `g${(i * 7919) % 100_003}`);
  expect(sorted(names)).toEqual(byBytes(names));
});
