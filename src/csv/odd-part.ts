import { CHUNK_BYTES, type ResumePoint } from "./chunks.js";
import type { ColumnChoice } from "./column-block.js";
import { levelsOf } from "./levels.js";
import { readReference } from "./reference-lane.js";
import type { Table } from "./table.js";
import { linesBefore, oddPartError } from "./table-part.js";

/**
 * Why the fast lane stopped in a part of a table: what csv-parse says of the rows from there on, else that only it can read
 * them. Then rows before other parts of the file may have been counted wrong, and the part must not be used: of all parts,
 * the one that holds the first such row has been read from its true start, and is refused here.
 */
export async function oddPart(table: Table, choice: ColumnChoice, resume: ResumePoint): Promise<unknown> {
  const { lines } = await linesBefore(table);
  const from = { ...resume, line: resume.line + lines, bytes: table.source.chunks(resume.offset) };
  const blocks = readReference(table, choice, levelsOf(table, choice), CHUNK_BYTES, from);
  try {
    const end = table.part?.end ?? Number.POSITIVE_INFINITY;
    for await (const { chunk } of blocks) if (table.dataStart + (chunk + 1) * CHUNK_BYTES >= end) break;
    return oddPartError(table.source.name, from.line);
  } catch (error) {
    return error;
  } finally {
    await blocks.return();
  }
}
