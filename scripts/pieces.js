// Cuts one bundle of many entries into pieces, of which each entry takes those that it needs: what entries have in common
// is in the package once, and yet each entry is one script that holds nothing else.
import { parseAst } from "vite";

/**
 * A statement at the top of a bundle: what it declares, or else does, and the names at the top that it speaks of.
 * @typedef {{ text: string, node: object, file: string, declares: string[], uses: string[] }} Unit
 */

/**
 * The text that each entry takes of a bundle, which esbuild wrote without minifying its whitespace, so that comments say
 * which file a statement is of.
 *
 * @param {string} text the bundle, in which `mark("name", it);` says what an entry exports
 * @param {string} mark
 * @param {Record<string, string>} files of the entries that do something when they are loaded, and export nothing
 * @returns {{ text: string, of: string[] }[]} pieces, each with the entries that take it, in an order that serves all of them
 */
export function piecesOf(text, mark, files) {
  const units = unitsOf(text);
  const declaring = new Map(units.flatMap((unit) => unit.declares.map((name) => [name, unit])));
  // What is done to an object at the top (its exports set) is done where it is needed, all else where anything of its file is.
  const effects = new Map();
  const starts = new Map();
  for (const unit of units) {
    if (unit.declares.length > 0) continue;
    const [first, second] = unit.node.type === "CallExpression" ? unit.node.arguments : [];
    if (first !== undefined && unit.node.callee.name === mark) {
      starts.set(first.value, [unit]);
      Object.assign(unit, { text: `module.exports = ${second.name};\n`, file: undefined });
      continue;
    }
    const onObject = second?.type === "ObjectExpression" && declaring.get(first.name);
    const key = onObject || unit.file;
    effects.set(key, [...(effects.get(key) ?? []), unit]);
  }
  for (const [entry, file] of Object.entries(files)) {
    if (!effects.has(file)) throw new Error(`${file} does nothing when it is loaded`);
    starts.set(entry, effects.get(file));
  }
  const takers = new Map(units.map((unit) => [unit, []]));
  for (const [entry, units] of [...starts].sort()) {
    const taken = new Set(units);
    // A set is walked to what is added on the way.
    for (const unit of taken) {
      takers.get(unit).push(entry);
      const uses = unit.uses.map((name) => declaring.get(name)).filter((one) => one !== undefined);
      for (const one of [...uses, ...(effects.get(unit) ?? []), ...(effects.get(unit.file) ?? [])])
        taken.add(one);
    }
  }
  const pieces = new Map();
  for (const unit of units) {
    const of = takers.get(unit);
    if (of.length === 0) continue;
    const key = of.join(" ");
    const piece = pieces.get(key) ?? { of, text: "" };
    piece.text += unit.text;
    pieces.set(key, piece);
  }
  // Who takes a statement takes all that it needs: that is in the same piece, or in one of more entries.
  return [...pieces.values()].sort((a, b) => b.of.length - a.of.length);
}

/** @returns {Unit[]} in the bundle's order; one for each name of a `var`, and for each expression of a sequence */
function unitsOf(text) {
  const units = [];
  let from = 0;
  let file = "";
  for (const node of parseAst(text).body) {
    file = [...text.slice(from, node.start).matchAll(/^\/\/ (\S+)$/gm)].at(-1)?.[1] ?? file;
    from = node.end;
    if (node.directive !== undefined) continue;
    const unit = (part, declares, before = "") => {
      const own = text.slice(part.start, part.end);
      units.push({ text: `${before}${own};\n`, node: part, file, declares, uses: namesIn(part) });
    };
    const { expression } = node;
    if (node.type === "VariableDeclaration")
      for (const one of node.declarations) unit(one, namesIn(one.id), `${node.kind} `);
    else if (node.id) unit(node, [node.id.name]);
    else if (expression?.type === "SequenceExpression")
      for (const one of expression.expressions) unit(one, []);
    else unit(expression ?? node, []);
  }
  return units;
}

/** All identifiers in a syntax tree but keys. (esbuild gives no inner name that a name at the top has.) */
function namesIn(tree) {
  const names = new Set();
  const open = [tree];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (node.type === "Identifier") names.add(node.name);
    for (const [key, value] of Object.entries(node))
      if (value !== null && typeof value === "object")
        if (!((key === "property" || key === "key") && node.computed === false)) open.push(value);
  }
  return [...names];
}
