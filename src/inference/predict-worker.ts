import { workerData } from "node:worker_threads";
import type { ColumnBlock } from "../csv/columns.js";
import { answerJobs } from "../parallel/answer.js";
import { type ChunkPredictions, type PredictPlan, predictChunk } from "./predict-chunk.js";

answerJobs<ColumnBlock, ChunkPredictions>((block) => predictChunk(workerData as PredictPlan, block));
