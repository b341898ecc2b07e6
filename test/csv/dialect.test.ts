import { describe, expect, it } from "vitest";
import { sniffDialect } from "../../src/csv/dialect.js";
import { DataError, UsageError } from "../../src/errors.js";

const sniff = (text: string | Uint8Array, options = {}) =>
  sniffDialect(typeof text === "string" ? Buffer.from(text) : text, true, options, "data.csv");

describe("sniffDialect", () => {
  it.each([
    [",", "a,b,c\n1,2,3\n"],
    [";", "a;b\n1,5;2,5\n3,5;4,5\n"],
    ["\t", "a\tb\n1\t2\n"],
    ["|", "a|b|c\n1|2|3\n"],
    [",", "a\n1\n2\n"],
    [",", 'a,b\n"x;y;z",2\n"p;q;r",4\n'],
    [";", 'a;b\n"x,y";2\n"p,q";4\n'],
    [",", "a,b,c\n1,2,3\n1,2\n1,2,3\n1,2,3\n"],
  ])("finds %j", (delimiter, text) => expect(sniff(text).delimiter).toBe(delimiter));

  it("sees byte order mark, line ends and stray quotes", () => {
    expect(sniff("\ufeffa,b\r\n1,2\r\n")).toMatchObject({ bom: true, newline: "\n", odd: false });
    expect(sniff("a,b\r1,2\r")).toMatchObject({ bom: false, newline: "\r", odd: true });
    expect(sniff('a,b\n"x"y,2\n')).toMatchObject({ odd: true });
  });

  it("takes the user's word", () => {
    expect(sniff("a,b\n1,2\n", { delimiter: ";", header: false })).toMatchObject({
      delimiter: ";",
      header: false,
    });
    expect(sniff("a\tb\n", { delimiter: "tab" }).delimiter).toBe("\t");
    for (const delimiter of ["", ",,", '"', "\n", "é"]) {
      expect(() => sniff("a,b\n", { delimiter })).toThrow(UsageError);
    }
  });

  it.each([
    ["UTF-16", Buffer.from("\ufeffa,b\n1,2\n", "utf16le")],
    ["Excel", Buffer.from("PK\x03\x04\0\0\0")],
    ["zero byte", Buffer.from("a,b\n\0,2\n")],
  ])("refuses %s with a hint", (_, bytes) => {
    const refused = expect(() => sniff(bytes));
    refused.toThrow(DataError);
    refused.toThrow(expect.objectContaining({ hint: expect.stringContaining("UTF-8") }));
  });

  it("names the line of text that is not UTF-8", () => {
    expect(() => sniff(Buffer.from("a,b\n1,caf\xe9\n", "latin1"))).toThrow(
      "data.csv:2: the text is not valid UTF-8",
    );
  });

  it("does not mind a character cut off at the sample's end", () => {
    const cut = Buffer.from("a,b\n1,é").subarray(0, -1);
    expect(sniffDialect(cut, false).delimiter).toBe(",");
  });
});
