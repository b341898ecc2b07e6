import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, test } from "vitest";

const markdown = (folder: string) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".md"))
    .map((name) => join(folder, name));
const pages = [".", "docs", "docs/guide", "docs/decisions", "examples", "data"].flatMap(markdown);

/** The names by which a page's headings are linked to: lower case, blanks to hyphens, no other signs. */
const anchors = (page: string) =>
  new Set(
    [...readFileSync(page, "utf8").matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
      title!
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );

describe("links of pages lead somewhere", () => {
  test.each(pages)("%s", (page) => {
    const text = readFileSync(page, "utf8").replace(/^```.*?^```/gms, "");
    const broken = [...text.matchAll(/\]\((?!\w+:)([^)\s]+)\)/g)]
      .map(([, link]) => link!)
      .filter((link) => {
        const [path, anchor] = link.split("#") as [string, string?];
        const target = path === "" ? page : normalize(join(dirname(page), path));
        return !existsSync(target) || (anchor !== undefined && !anchors(target).has(anchor));
      });
    expect(broken).toEqual([]);
  });
});
