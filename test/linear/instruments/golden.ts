import { readFileSync } from "node:fs";

/** An estimate of the k-class; its order is that of `order`. */
interface KClass {
  kappa: number;
  estimates: number[];
  errors: number[];
}

/** A test of weak instruments. */
interface Effective {
  f: number;
  df: number;
  criticalValue: number;
}

/** What a covariance that is not the classical one gives. */
interface Robust {
  hansen?: number | null;
  gmm: { estimates: number[]; errors: number[] };
  kleibergenPaap: number;
  andersonRubin: number;
  effective?: Effective;
}

/** An equation with instruments as R has it (test/golden/instruments.R). */
export interface InstrumentedFit {
  formula: string;
  data: string;
  weighted: boolean;
  /** The endogenous terms and then the exogenous, as R orders them. */
  terms: string | string[];
  n: number;
  dfResidual: number;
  estimates: number | number[];
  errors: number | number[];
  sigma: number;
  r2: number;
  order: string[];
  liml: KClass;
  fuller: KClass;
  fuller4: KClass;
  firstStages: { f: number; partialR2: number }[];
  craggDonald: number;
  effective: Effective | null;
  wuHausman: number;
  wuDf: number;
  sargan: number | null;
  andersonRubin: number;
  set: { shape: string; roots: number[] } | null;
  hc0: number[];
  hc1: number[];
  cr1: number[];
  hc: Robust;
  cluster: Robust;
}

export const golden = JSON.parse(readFileSync("test/golden/instruments.json", "utf8")) as {
  data: Record<string, Record<string, (number | string)[]>>;
  cases: InstrumentedFit[];
  gretl: number[];
};

/** One of the data sets as CSV. */
export function csvOf(name: string): string {
  const table = golden.data[name]!;
  const names = Object.keys(table);
  const rows = table[names[0]!]!.map((_, i) => names.map((column) => table[column]![i]).join());
  return `${[names.join(), ...rows].join("\n")}\n`;
}
