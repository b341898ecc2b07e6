type Labels = Readonly<Record<string, string | number>>;

/** One number of a family. */
export interface Sample {
  readonly labels?: Labels;
  readonly value: number;
  /** What a histogram or a summary appends to its name. */
  readonly suffix?: "_bucket" | "_sum" | "_count";
}

/** Numbers of one name; a counter's never becomes less. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram" | "summary";
  /** Asked for at every look. */
  samples(): Iterable<Sample>;
}

/** The content type of what `exposition` writes. */
export const EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/**
 * Metrics in the text format of Prometheus, version 0.0.4: for each family its help, its type, and a line for each
 * sample. Lines end with a line feed each, the last one's too. The format is small, and what a library for it does
 * beyond is to keep numbers, which are kept here already.
 */
export function exposition(families: Iterable<MetricFamily>): string {
  let text = "";
  for (const { name, help, type, samples } of families) {
    text += `# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}\n# TYPE ${name} ${type}\n`;
    for (const { labels, value, suffix = "" } of samples())
      text += `${name}${suffix}${labelled(labels)} ${decimal(value)}\n`;
  }
  return text;
}

function labelled(labels: Labels | undefined): string {
  const pairs = Object.entries(labels ?? {}).map(([name, value]) => `${name}="${escaped(String(value))}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escaped(text: string): string {
  return /["\\\n]/.test(text)
    ? text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"')
    : text;
}

/** A number as Go's ParseFloat takes it. */
function decimal(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  return String(value);
}
