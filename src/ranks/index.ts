export { joinRanks } from "./join-ranks.js";
export type { RankOptions } from "./rank-options.js";
export { Ranks } from "./ranks.js";
export type { RankTls } from "./tls.js";
export { type RetriedOptions, withRanks } from "./with-ranks.js";
