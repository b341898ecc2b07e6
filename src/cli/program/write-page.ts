import { writeFileAtomic } from "../../csv/write.js";
import { type Page, pageHtml } from "../../report/page.js";
import { printError } from "../render/print.js";

/** Says that a page was written, and its size, where it is a file. */
export function sayWritten(output: string, bytes: number): void {
  if (output !== "-") printError(`report written to ${output}, ${Math.ceil(bytes / 1000)} kB\n`);
}

/** Writes a page as one file of HTML; gives its bytes. */
export async function writePage(output: string, page: Page): Promise<number> {
  const html = Buffer.from(pageHtml(page));
  await writeFileAtomic(output, html);
  return html.length;
}
