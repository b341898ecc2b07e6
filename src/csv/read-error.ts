import { DataError } from "../errors.js";

const REASONS: Record<string, readonly [message: string, hint: string]> = {
  ENOENT: ["no such file", "check the path; it is relative to the current directory"],
  EACCES: ["no permission to read it", "check the file's permissions (ls -l)"],
  EPERM: ["no permission to read it", "check the file's permissions (ls -l)"],
  EISDIR: ["it is a directory, expected a file", "give the path of a CSV file inside it"],
  ENOTDIR: ["a part of the path is not a directory", "check the path"],
  ELOOP: ["its symbolic links go in a circle", "check the links (ls -l)"],
  EMFILE: ["too many open files", "raise the limit (ulimit -n)"],
  Z_BUF_ERROR: ["the gzip data end too early: the file is truncated", "copy or compress the file again"],
  Z_DATA_ERROR: ["the gzip data are damaged", "check the file with gzip -t; copy or compress it again"],
  ZSTD_END: ["the zstd data end too early: the file is truncated", "copy or compress the file again"],
  ZSTD_DATA: ["the zstd data are damaged", "check the file with zstd -t; copy or compress it again"],
  ZSTD_WINDOW: [
    "the zstd data need more memory than is given to them (a long window)",
    "read the output of: zstd -dc --long=31",
  ],
};

/** A system or zlib error while reading `file`, as a DataError in one line; other errors come back as they are. */
export function readError(file: string, cause: unknown): unknown {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  if (cause instanceof DataError || typeof code !== "string") return cause;
  const [message, hint] = REASONS[code] ?? [
    `cannot be read (${code})`,
    "check the disk or the network drive it is on",
  ];
  return new DataError(message, { place: { file }, hint, cause });
}

/** The error for a file whose size or time of change differ from when reading began. */
export function changedError(file: string, was: number, is: number): DataError {
  const sizes = was === is ? "its time of change moved" : `${was} bytes at first, ${is} bytes now`;
  return new DataError(`the file changed while it was being read (${sizes})`, {
    place: { file },
    hint: "wait until the program that writes it has finished, or work on a copy",
  });
}

/** The error for a file without a byte. */
export function emptyError(file: string): DataError {
  return new DataError("the file is empty", {
    place: { file },
    hint: "expected CSV: a line of column names, then rows",
  });
}
