import type { Kernels } from "../kernels/kernels.js";
import { BLOCK_ROWS } from "../kernels/kernels.js";
import { GroupedMoments } from "../kernels/moments.js";
import { Moments } from "../stats/moments.js";
import { foldOf, isHeldOut } from "./assignment.js";
import type { BlockSource, ChunkJob } from "./chunk-job.js";
