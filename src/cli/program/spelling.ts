import { quoteField } from "../../csv/write.js";
import type { OnnxOptions } from "../../interchange/onnx.js";
import type { MeansOptions } from "../../linear/hypotheses/marginal-means.js";
import type { ReadModelOptions } from "../../linear/model/model-file.js";
import type { RefitOptions } from "../../linear/selection/refit.js";
import type { MergeOptions } from "../../linear/shards/merge-models.js";
import type { PredictCsvOptions } from "../../prediction/predict-csv.js";
import type { PredictUrlOptions } from "../../prediction/predict-url.js";
import type { FitGroupsCsvOptions } from "../../training/fit-groups-csv.js";
import type { FitCsvOptions } from "../../training/fit-options.js";
import type { UpdateCsvOptions } from "../../training/update-csv.js";
import { type OptionName, type Spelling, spell, type Verb, type Wording } from "../../wording.js";

/** The options of the library's functions: a message that names another does not compile. */
type LibraryOption = keyof (FitCsvOptions &
  FitGroupsCsvOptions &
  RefitOptions &
  MergeOptions &
  UpdateCsvOptions &
  ReadModelOptions &
  PredictCsvOptions &
  PredictUrlOptions &
  MeansOptions &
  OnnxOptions);

/** Flags that are not their option's name with hyphens. */
const FLAGS: Partial<Record<LibraryOption, string>> = { references: "--reference", stdError: "--se" };

/** The command that does what the library does by a function. */
const COMMANDS: Readonly<Record<Verb, string>> = {
  refit: "goml refit",
  trainGroups: "goml train --group-by",
  oneOfGroups: "goml inspect --group",
  exportTerms: "goml export --to json",
  means: "goml means",
};

/** The flag of an option: testSize is --test-size. */
function flagOf(name: LibraryOption): string {
  return FLAGS[name] ?? `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

const COMMAND_LINE: Spelling = {
  option: (name: OptionName, value) => {
    const flag = flagOf(name);
    if (value === undefined || value === true) return flag;
    if (value === false) return flag.replace(/^--/, "--no-");
    return `${flag} ${quoted(argument(value))}`;
  },
  verb: (name, given) => (given === undefined ? COMMANDS[name] : `${COMMANDS[name]} ${given}`),
};

/** A wording as users of the command line read it: options are flags. */
export function commandText(words: Wording): string {
  return spell(words, COMMAND_LINE);
}

function argument(value: string | number | readonly string[] | Readonly<Record<string, string>>): string {
  if (typeof value !== "object") return String(value);
  if (Array.isArray(value)) return value.map((one) => quoteField(one)).join(",");
  return Object.entries(value)
    .map(([key, one]) => `${key}=${one}`)
    .join(",");
}

/** As a shell takes it for one word. */
function quoted(text: string): string {
  return /^[\p{L}\p{N}_.,:=+%@/-]+$/u.test(text) && /[\p{L}\p{N}]/u.test(text)
    ? text
    : `'${text.replaceAll("'", "'\\''")}'`;
}
