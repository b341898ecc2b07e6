/** The styles that the command uses. */
type Style = (...text: string[]) => string;

type Colours = Record<"bold" | "dim" | "yellow" | "red" | "blue" | "green", Style>;

const plain: Style = (...text) => text.join(" ");

/**
 * Stands for ESC in what styles give: `print` writes ESC for it, and for nothing else. Drawn anew in every process, so
 * that no text from outside can hold it.
 */
export const STYLE_MARK = `\ufdd0${Math.random().toString(36).slice(2, 12)}\ufdd0`;

/** Plain text, until `prepareColours` finds that there are colours. */
export const colour: Colours = {
  bold: plain,
  dim: plain,
  yellow: plain,
  red: plain,
  blue: plain,
  green: plain,
};

/**
 * Makes the styles chalk's where standard output may show colours. Chalk decides by itself (`NO_COLOR`, `FORCE_COLOR`, the
 * kind of terminal); it is loaded only where it has something to decide, for loading it takes some 5 ms.
 */
export async function prepareColours(): Promise<void> {
  const { NO_COLOR, FORCE_COLOR } = process.env;
  if (!process.stdout.isTTY && FORCE_COLOR === undefined) return;
  // https://no-color.org: present and not empty. Chalk itself knows FORCE_COLOR and --no-color only.
  if (NO_COLOR !== undefined && NO_COLOR !== "") return;
  const { chalk } = await import("./chalk.js");
  const marked = (style: Style): Style => {
    const [open = "", close = ""] = style("\0").replaceAll("\u001b", STYLE_MARK).split("\0");
    return (...text) => `${open}${text.join(" ")}${close}`;
  };
  for (const name of Object.keys(colour) as (keyof Colours)[]) colour[name] = marked(chalk[name]);
}

/** What output is set for. */
interface Screen {
  /** Columns of a line; Infinity where nobody says how many there are, as on a pipe. */
  columns: number;
  /** Whether long lists are whole (`--all`). */
  all: boolean;
}

/** The screen of this process; `prepareScreen` finds out its width, the program whether lists are to be whole. */
export const screen: Screen = { columns: Number.POSITIVE_INFINITY, all: false };

/**
 * Finds out how wide lines may be: as wide as the terminal, and as COLUMNS says, wherever output goes. On a pipe without COLUMNS
 * no name is cut and no table broken, so that `grep` and `awk` find whole lines; lists are as short there as on a terminal.
 */
export function prepareScreen(): void {
  const told = Number(process.env.COLUMNS);
  const { columns } = process.stdout;
  screen.columns = Math.min(
    Number.isInteger(told) && told > 0 ? told : Number.POSITIVE_INFINITY,
    columns > 0 ? columns : Number.POSITIVE_INFINITY,
  );
}
