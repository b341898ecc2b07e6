export { joinRanks, type RankOptions, Ranks } from "./ranks.js";
export type { RankTls } from "./tls.js";
export { type RetriedOptions, withRanks } from "./with-ranks.js";
