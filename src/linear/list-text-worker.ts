import { answerJobs } from "../parallel/answer.js";
import { listText, type NumberList } from "./list-text.js";

answerJobs<NumberList, Uint8Array<ArrayBuffer>>(listText, ({ buffer }) => [buffer]);
