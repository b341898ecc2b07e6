// The kernels of dense symmetric systems, in tiles (src/kernels/dense.ts lays them out). They are apart from the other
// kernels because their memory is shared between threads, and as large as the system.
export {
  backTileExtended,
  factorDiagonalExtended,
  forwardTileExtended,
  keepColumn,
  leaveOut,
  solveRightExtended,
  splitTile,
  subtractColumnExtended,
  subtractProductExtended,
  subtractTransposedExtended,
} from "./extended-tile";
export {
  backTile,
  factorDiagonal,
  forwardTile,
  solveRight,
  subtractColumn,
  subtractProduct,
  subtractTransposed,
} from "./tile";
