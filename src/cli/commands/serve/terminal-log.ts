import { colour } from "../../render/colour.js";
import { count, milliseconds } from "../../render/numbers.js";

/** A line of the server's log, as pino writes it; what a line has depends on what it is about. */
type Entry = Record<string, unknown> & { level: number; time: number; msg: string };

/** What pino's levels are called, from the number on. */
const [WARN, ERROR] = [40, 50];

/**
 * The server's log on a terminal: one line that says where it is, then a line for each thing that happens, in colour. Before
 * that only what is wrong is said. (On a pipe the log is pino's JSON, for programs.)
 */
export class TerminalLog {
  private opened = false;

  constructor(private readonly print: (text: string) => void) {}

  /** Takes a line of JSON. */
  readonly write = (line: string): void => {
    const entry = JSON.parse(line) as Entry;
    if (this.opened || entry.level >= WARN) this.print(`${lineOf(entry)}\n`);
  };

  /** Says where the server listens. */
  open(urls: readonly string[]): void {
    this.opened = true;
    this.print(
      `goml serve  ${colour.bold(urls.map(forPeople).sort()[0] ?? "")}  ${colour.dim("Ctrl-C ends it")}\n`,
    );
  }
}

/** An address that a browser on this machine opens. */
function forPeople(url: string): string {
  return url.replace(/\/\/(0\.0\.0\.0|\[::\]|127\.0\.0\.1|\[::1\]):/, "//localhost:");
}

/** A line for people: the time, then what was asked and how it went, or what happened and to what. */
function lineOf({ level, time, msg, ...fields }: Entry): string {
  const at = colour.dim(new Date(time).toTimeString().slice(0, 8));
  if (msg === "request") return `${at} ${requestText(fields)}`;
  const paint = level >= ERROR ? colour.red : level >= WARN ? colour.yellow : (text: string) => text;
  const about = Object.entries(fields).filter(([name]) => !UNSAID.has(name));
  const details = about.map(([name, value]) => `${name} ${valueText(value)}`).join(", ");
  return `${at} ${paint(msg)}${details === "" ? "" : ` ${colour.dim(details)}`}`;
}

/** What every line has, and people know. */
const UNSAID = new Set(["pid", "hostname", "reqId", "name"]);

function requestText({ method, url, status, ms, model, rows }: Record<string, unknown>): string {
  const code = Number(status);
  const paint = code >= 500 ? colour.red : code >= 400 ? colour.yellow : colour.green;
  const of = model ? ` ${colour.dim(`${model}, ${count(Number(rows))} ${rows === 1 ? "row" : "rows"}`)}` : "";
  return `${paint(String(status))} ${method} ${url} ${milliseconds(Number(ms))}${of}`;
}

function valueText(value: unknown): string {
  if (typeof value === "string") return value;
  const { message } = (value ?? {}) as { message?: unknown };
  return typeof message === "string" ? message : JSON.stringify(value);
}
