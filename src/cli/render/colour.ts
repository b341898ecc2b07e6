/** The styles that the command uses. */
type Style = (...text: string[]) => string;

type Colours = Record<"bold" | "dim" | "yellow" | "red" | "blue" | "green", Style>;

const plain: Style = (...text) => text.join(" ");
const none: Colours = { bold: plain, dim: plain, yellow: plain, red: plain, blue: plain, green: plain };

/**
 * Chalk where standard output may show colours, else plain text. Chalk decides by itself (`NO_COLOR`, `FORCE_COLOR`,
 * the kind of terminal); it is loaded only where it has something to decide, for loading it takes some 5 ms.
 */
export const colour: Colours =
  process.stdout.isTTY || process.env.FORCE_COLOR !== undefined ? await terminalColours() : none;

async function terminalColours(): Promise<Colours> {
  const { NO_COLOR } = process.env;
  // https://no-color.org: present and not empty. Chalk itself knows FORCE_COLOR and --no-color only.
  if (NO_COLOR !== undefined && NO_COLOR !== "") return none;
  return (await import("chalk")).default;
}
