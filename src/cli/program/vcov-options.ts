import { type Command, Option } from "commander";
import type { BootstrapDraw } from "../../linear/covariance/bootstrap.js";
import type { ClusterDf } from "../../linear/covariance/clustered.js";
import type { Kernel } from "../../linear/covariance/hac.js";
import type { Ssc } from "../../linear/covariance/small-sample.js";
import type { AskedVcov, VcovOptions } from "../../training/vcov-request.js";
import { lag, list, positive, ssc, vcov } from "./option-values.js";

const VCOVS = [
  "iid",
  "hc0",
  "hc1",
  "hc2",
  "hc3",
  "hc4",
  "hc4m",
  "hc5",
  "cluster",
  "cr0",
  "cr1",
  "cr2",
  "cr3",
  "hac",
  "dk",
  "bootstrap",
  "jackknife",
];

/** The options that say how the coefficients' covariance is estimated, as commander gives them. */
export interface VcovFlags {
  vcov?: AskedVcov;
  cluster?: string[];
  ssc?: Ssc;
  df?: ClusterDf;
  kernel?: Kernel;
  lag?: number | "auto";
  time?: string;
  unit?: string;
  draw?: BootstrapDraw;
  draws?: number;
}

/** The same as the library calls them. */
export function vcovOptions(flags: VcovFlags): VcovOptions {
  const { cluster, df, kernel, time, unit, draw, draws } = flags;
  return { vcov: flags.vcov, cluster, ssc: flags.ssc, df, kernel, lag: flags.lag, time, unit, draw, draws };
}

/** @param usual the covariance where none is named, in words */
export function robust(command: Command, usual = "iid"): Command {
  return command
    .addOption(
      new Option(
        "--vcov <type>",
        `the coefficients' covariance (default: ${usual}); hc0 to hc5 read the data twice`,
      )
        .choices(VCOVS)
        .argParser(vcov(VCOVS)),
    )
    .option(
      "--cluster <columns>",
      "the groups of --vcov cluster (CR1) and cr0 to cr3; of several columns, of each",
      list,
    )
    .option(
      "--ssc <name=value,…>",
      "finite-sample factors as fixest names them: adj=false,cluster.df=conventional",
      ssc,
    )
    .addOption(
      new Option("--df <kind>", "t and F under clusters: Satterthwaite's (cr2, cr3), or G − 1").choices([
        "satterthwaite",
        "clusters",
      ]),
    )
    .addOption(
      new Option("--kernel <name>", "hac, dk: how lags weigh (default: bartlett, Newey–West)").choices([
        "bartlett",
        "parzen",
        "qs",
      ]),
    )
    .option("--lag <n|auto>", "hac, dk: lags before weights are 0 (default: auto, Newey & West 1994)", lag)
    .option(
      "--time <column>",
      "hac, dk, lag() in formulas: the column of time (default of hac: the rows' order)",
    )
    .option("--unit <column>", "hac, lag() in formulas: the column of the series, where there are several")
    .addOption(
      new Option(
        "--draw <what>",
        "bootstrap: clusters or rows, or what residuals are multiplied by (default: rademacher; of few clusters webb)",
      ).choices(["pairs", "rademacher", "webb", "mammen"]),
    )
    .option("--draws <n>", "bootstrap: how many (default: 999), by --seed", positive);
}
