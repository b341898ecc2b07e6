import { milliseconds } from "../../clock.js";
import { forTerminal } from "../../files/terminal-text.js";

const SHOW_AFTER_MS = 1000;

/** A line on standard error that says what is under way, after a second and on a terminal only; `end` wipes it. */
export function statusLine(): { show: (text: string) => void; end: () => void } {
  const started = milliseconds();
  const { stderr } = process;
  let shown = false;
  return {
    show(text) {
      if (!stderr.isTTY || milliseconds() - started < SHOW_AFTER_MS) return;
      shown = true;
      stderr.write(`\r\u001b[K${forTerminal(text).slice(0, Math.max(0, (stderr.columns ?? 80) - 1))}`);
    },
    end() {
      if (shown) stderr.write("\r\u001b[K");
    },
  };
}
