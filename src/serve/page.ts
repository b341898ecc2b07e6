import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

/** A file of the page, as it is sent. */
export interface PageFile {
  readonly type: string;
  readonly bytes: Buffer;
  /** Of its content, so that browsers need not fetch it again. */
  readonly etag: string;
}

const TYPES = { html: "text/html", css: "text/css", js: "text/javascript" } as const;

const read = new Map<string, PageFile>();

/** A file of the page at `/`, which lies beside the code as it is written (src/serve/page/); read once. */
export function pageFile(kind: keyof typeof TYPES): PageFile {
  let file = read.get(kind);
  if (file === undefined) {
    const bytes = readFileSync(new URL(`../../dist/page/page.${kind}`, import.meta.url));
    const etag = `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`;
    file = { type: `${TYPES[kind]}; charset=utf-8`, bytes, etag };
    read.set(kind, file);
  }
  return file;
}
