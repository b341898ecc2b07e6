// What solving needs of ml-matrix; the build puts it into this file.
export { CholeskyDecomposition, Matrix, QrDecomposition } from "ml-matrix";
