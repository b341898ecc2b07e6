/** What a process has run out of, the way out, and the exit code. */
export interface Exhaustion {
  readonly message: string;
  readonly hint: string;
  readonly code: number;
}

/** By what Node, V8 and the system say: codes, and messages where there is none. */
const SIGNS: readonly (readonly [sign: RegExp, found: Exhaustion])[] = [
  [
    /\bE[MN]FILE\b/,
    {
      message: "too many open files",
      hint: "raise the limit (ulimit -n), or use fewer threads with --threads 1",
      code: 3,
    },
  ],
  [
    /\bENOSPC\b|\bEDQUOT\b/,
    { message: "no space left on the disk", hint: "free some space, or write to another disk", code: 3 },
  ],
  [
    /\bEAGAIN\b/,
    {
      message: "the system starts no more threads",
      hint: "raise the limit (ulimit -u), or use fewer with --threads 1",
      code: 3,
    },
  ],
  // For each of its memories Node reserves addresses that the memory has no use for: accesses out of bounds end there.
  [
    /WebAssembly\.(?:Instance|Memory|Module)\(\).*(?:out of memory|could not allocate)|Wasm memory/i,
    {
      message:
        "there is not enough memory: WebAssembly takes 10 GB of addresses for each thread, if not of memory",
      hint: "raise the limit (ulimit -v), or do without: NODE_OPTIONS=--disable-wasm-trap-handler",
      code: 4,
    },
  ],
  [
    /\bENOMEM\b|out of memory|could not allocate|allocation failed|invalid (?:array|typed array) length|ERR_WORKER_OUT_OF_MEMORY|ERR_STRING_TOO_LONG|cannot create a string longer/i,
    {
      message: "there is not enough memory",
      hint: "raise the limit where there is one (ulimit -v, a container's), or use fewer columns, levels or --threads",
      code: 4,
    },
  ],
];

/** What an error says that there is no more of, its causes asked too; undefined where it is of another kind. */
export function exhaustionOf(error: unknown): Exhaustion | undefined {
  let at = error;
  for (let depth = 0; at instanceof Error && depth < 10; depth++) {
    const { code } = at as NodeJS.ErrnoException;
    const said = `${typeof code === "string" ? code : ""} ${at.message}`;
    const known = SIGNS.find(([sign]) => sign.test(said));
    if (known !== undefined) return known[1];
    at = at.cause;
  }
  return undefined;
}
