import { DataError } from "../errors.js";

/** What a file is that is no CSV, and a command whose output goml can read. */
interface FileKind {
  name: string;
  /** The command, for a file's name in a shell. */
  command?: ((path: string) => string) | undefined;
  /** What to do where goml reads it under another name. */
  named?: ((path: string) => string) | undefined;
}

const duckdb = (source: (path: string) => string) => (path: string) =>
  `duckdb -csv -c "FROM ${source(path.replaceAll("'", "''"))}"`;
const unpacked = (tool: string) => (path: string) => `${tool} ${path}`;
const NUMPY = (path: string) =>
  `python3 -c "import numpy, sys; numpy.savetxt(sys.stdout, numpy.load('${path}'), delimiter=',')"`;

/** By the bytes that they begin with, in Latin-1. */
const MAGIC: [start: string, kind: FileKind][] = [
  ["\x28\xb5\x2f\xfd", { name: "compressed with zstd", command: unpacked("zstd -dc") }],
  ["BZh", { name: "compressed with bzip2", command: unpacked("bzip2 -dc") }],
  ["\xfd7zXZ\0", { name: "compressed with xz", command: unpacked("xz -dc") }],
  ["\x04\x22\x4d\x18", { name: "compressed with lz4", command: unpacked("lz4 -dc") }],
  ["7z\xbc\xaf\x27\x1c", { name: "a 7-Zip archive", command: unpacked("7z x -so") }],
  ["PAR1", { name: "a Parquet file", command: duckdb((path) => `'${path}'`) }],
  ["ARROW1", { name: "an Arrow (Feather) file" }],
  ["FEA1", { name: "a Feather file of version 1" }],
  ["SQLite format 3\0", { name: "an SQLite database", named: (path) => `sqlite:${path}` }],
  [
    "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    { name: "an old Excel workbook (.xls)", command: unpacked("xls2csv") },
  ],
  ["\x89HDF\r\n\x1a\n", { name: "an HDF5 file" }],
  ["\x93NUMPY", { name: "a NumPy array", command: NUMPY }],
  ["%PDF", { name: "a PDF document" }],
  ["\x89PNG", { name: "an image (PNG)" }],
  ["\xff\xd8\xff", { name: "an image (JPEG)" }],
  ["Obj\x01", { name: "an Avro file" }],
  ["ORC", { name: "an ORC file" }],
  ["RDX", { name: "an R data file" }],
  ["$FL2", { name: "an SPSS file" }],
  ["<stata_dta>", { name: "a Stata file" }],
  ["\x80\x04\x95", { name: "a Python pickle" }],
];

/** The error for a file that its first bytes show to be something other than text, if they do. */
export function binaryKind(head: Uint8Array, file?: string): DataError | undefined {
  const start = Buffer.from(head.subarray(0, 32)).toString("latin1");
  if (start.startsWith("PK\x03\x04") || start.startsWith("PK\x05\x06")) return otherKind(archive(head), file);
  const found = MAGIC.find(([magic]) => start.startsWith(magic));
  // What could be the first words of a text counts only among bytes that no text has.
  const isText = found !== undefined && /^[\x20-\x7e]+$/.test(found[0]) && !hasControls(head);
  return found === undefined || isText ? undefined : otherKind(found[1], file);
}

/** Whether there are bytes that no text has: control characters other than tab, line ends, form feed and Ctrl-Z. */
function hasControls(head: Uint8Array): boolean {
  return head.some((byte) => byte < 9 || (byte > 13 && byte < 32 && byte !== 0x1a));
}

/** Texts that are tables in another writing, by how they begin, and how to get one that goml reads. */
const TABLES: [start: RegExp, name: string, instead: string][] = [
  [/^(?:%[^\n]*\n|\s)*@relation\b/i, "an ARFF file (Weka)", "its rows stand after @data; export them as CSV"],
  [
    /^\S+(?:[ \t]+\d+:[^\s:]+)+[ \t]*\r?\n\S+(?:[ \t]+\d+:[^\s:]+)+[ \t]*(?:\r?\n|$)/,
    "a file of index:value pairs (libsvm)",
    "export the rows as CSV, with a cell for every column",
  ],
  [/^\+-[-+]*-\+\r?\n\|/, "a table as MySQL prints it", "export it as tab-separated text (mysql --batch)"],
  [/^[^\n|]*\|[^\n]*\n-+\+[-+]*-\r?\n/, "a table as psql prints it", "export it as CSV (psql --csv)"],
  [/^┌─/, "a table drawn for a terminal", "export it as CSV (duckdb -csv)"],
  [
    /^\|?[^\n|]+\|[^\n]*\n\|?[ \t]*:?-{2,}:?[ \t]*\|[-:| \t]*\r?\n/,
    "a table in Markdown",
    "export it as CSV",
  ],
];

/** The error for a text that is JSON, HTML, XML or a table in another writing, if it is one. */
export function textKind(text: string, file?: string): DataError | undefined {
  const start = text.slice(0, 4096).trimStart();
  if (/^<(?:!doctype html|html|head|body|table|script)\b/i.test(start))
    return otherKind(
      { name: "a web page (HTML), such as a login or an error page" },
      file,
      "download the data again",
    );
  for (const [begins, name, instead] of TABLES)
    if (begins.test(start)) return otherKind({ name }, file, instead);
  if (/^<\?xml\b/i.test(start)) return otherKind({ name: "an XML document" }, file);
  if (!start.startsWith("{") && !start.startsWith("[")) return undefined;
  const inside = start.slice(1).trimStart();
  const nested = start.startsWith("[") && (inside.startsWith("{") || inside.startsWith("["));
  const field = start.startsWith("{") && /^"(?:[^"\\]|\\.)*"\s*:/.test(inside);
  if (nested || field || isJson(text))
    return otherKind(
      { name: "JSON", command: duckdb((path) => `read_json('${path}')`) },
      file,
      nested ? "an array of objects is read as lines of them: jq -c '.[]'" : undefined,
    );
  return undefined;
}

function archive(head: Uint8Array): FileKind {
  const names = Buffer.from(head).toString("latin1");
  if (names.includes("xl/") || names.includes("[Content_Types].xml"))
    return { name: "an Excel workbook (.xlsx)", command: duckdb((path) => `read_xlsx('${path}')`) };
  if (names.includes("opendocument.spreadsheet"))
    return {
      name: "an OpenDocument spreadsheet",
      command: (path) => `ssconvert ${path} fd://1 -T Gnumeric_stf:stf_csv`,
    };
  return { name: "a zip archive", command: unpacked("unzip -p") };
}

function otherKind(
  { name, command, named }: FileKind,
  file: string | undefined,
  otherwise?: string,
): DataError {
  // Programs that unpack files read those that are here.
  const here = file !== undefined && file !== "standard input" && !file.includes("://");
  const path = here ? shellWord(file) : undefined;
  if (named !== undefined && path !== undefined)
    return new DataError(`this is ${name}, expected CSV`, {
      place: { file },
      hint: `name it as ${named(path)}`,
    });
  const instead = otherwise ?? "export the data as CSV in UTF-8";
  return new DataError(`this is ${name}, expected CSV`, {
    place: { file },
    hint:
      command === undefined || path === undefined
        ? instead
        : `${instead}, or read the output of: ${command(path)}`,
  });
}

/** A file's name as one word of a shell. */
export function shellWord(path: string): string {
  return /^[\w./+@%:=-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

function isJson(text: string): boolean {
  try {
    return typeof JSON.parse(text) === "object";
  } catch {
    return false;
  }
}
