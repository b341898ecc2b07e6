// What solving needs of ml-matrix; the build puts it into this file.
export { CholeskyDecomposition, Matrix } from "ml-matrix";
