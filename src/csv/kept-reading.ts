import type { ReadingOptions } from "./reading-options.js";

/** What a model keeps of the options by which its data were read: those that were given. Plain JSON. */
export type KeptReading = ReadingOptions;

/** Options that say how one file is written, and nothing of the next. */
const OF_A_FILE = ["delimiter", "header", "skipRows", "encoding"] as const;
/** Options that say what cells mean. */
const OF_CELLS = [
  "decimal",
  "thousands",
  "strip",
  "naValues",
  "naValuesIn",
  "text",
  "comment",
  "id",
] as const;
const ALL = [...OF_A_FILE, ...OF_CELLS, "where"] as const;

/** What is to be kept of options; undefined where nothing was given. */
export function readingToKeep(options: ReadingOptions): KeptReading | undefined {
  const given = ALL.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]);
  return given.length === 0 ? undefined : (Object.fromEntries(given) as KeptReading);
}

/**
 * The options to read data for a model with: those given, else those by which its own data were read. What is said of
 * cells holds for other files too; how a file is written holds for that file alone, and which rows count is for the
 * caller to say.
 *
 * @param about.sameFile whether the data are the model's own file
 * @param about.where whether its condition on rows holds here too
 */
export function readingFor<Options extends ReadingOptions>(
  given: Options,
  kept: KeptReading | undefined,
  about: { sameFile: boolean; where: boolean },
): Options {
  if (kept === undefined) return given;
  const names = [
    ...(about.sameFile ? OF_A_FILE : []),
    ...OF_CELLS.filter((name) => name !== "thousands" || given.decimal === undefined),
    ...(about.where ? (["where"] as const) : []),
  ];
  const known = names.filter((name) => given[name] === undefined && kept[name] !== undefined);
  return { ...given, ...Object.fromEntries(known.map((name) => [name, kept[name]])) };
}
