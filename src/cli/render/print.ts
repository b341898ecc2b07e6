import { forTerminal } from "../../files/terminal-text.js";
import { STYLE_MARK } from "./colour.js";

/**
 * Prints on standard output, or another stream: the one way by which the command says anything. Of control characters
 * only line ends, tabs and our own styles come through, whatever headers, levels, cells, file names and servers hold.
 */
export function print(text: string, stream: NodeJS.WriteStream = process.stdout): void {
  stream.write(forTerminal(text).replaceAll(STYLE_MARK, "\u001b"));
}

/** `print` on standard error. */
export function printError(text: string): void {
  print(text, process.stderr);
}
