import { answerJobs } from "../parallel/answer.js";
import { runTileJob, type TileJob } from "./tile-threads.js";

answerJobs<TileJob, null>(runTileJob);
