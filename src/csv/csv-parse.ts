// What reading needs of csv-parse, where it is needed; the build puts it into this file.
export { parse } from "csv-parse";
