import { createHash } from "node:crypto";
import { readBuilt } from "../files/read-built.js";

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
    const bytes = readBuilt(`page/page.${kind}`);
    const etag = `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`;
    file = { type: `${TYPES[kind]}; charset=utf-8`, bytes, etag };
    read.set(kind, file);
  }
  return file;
}
