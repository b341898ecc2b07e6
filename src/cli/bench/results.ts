/** The figures of a case; times are of one call. */
export interface CaseResult {
  name: string;
  against: string | null;
  threads: number | null;
  medianMs: number;
  p75Ms: number;
  p99Ms: number;
  opsPerSecond: number;
  samples: number;
  /** The median over that of the case `against`, 1 for a yardstick. */
  ratio: number;
}

/** The figures of a group of cases. */
export interface GroupResult {
  suite: string;
  name: string;
  rows: number;
  values: number;
  bytes: number | null;
  cases: CaseResult[];
}
