// Loads Node's own modules where they are first used, not where a script begins: what a run does not use it need not wait for
// (node:child_process takes 2.6 ms of a small fit, node:crypto 4, node:fs/promises 1.5).
import { parseAst } from "vite";

/**
 * A bundle in which modules of Node are required when something of them is used.
 *
 * `var a = require("node:fs"); a.statSync(…)` becomes `function $node_fs() {…} ($node_fs()).statSync(…)`, for each module once. Of
 * names at the top only: esbuild gives no inner name that a name at the top has.
 *
 * @param {string} text CommonJS, as esbuild writes it of modules that import by names
 * @returns {string}
 */
export function builtinsLater(text) {
  const ast = parseAst(text);
  const called = new Map();
  const cuts = [];
  const declared = [];
  const own = new Set();
  for (const statement of ast.body)
    for (const { id, init } of statement.type === "VariableDeclaration" ? statement.declarations : []) {
      const module = builtinOf(init);
      if (module === undefined) continue;
      called.set(id.name, functionOf(module));
      if (!declared.includes(module)) declared.push(module);
      // Nobody asks for it any more, and so it gets into no piece.
      own.add(id.start);
      cuts.push([id.start, init.end, `${id.name} = 0`]);
    }
  // In parentheses: what stands behind new would call the function, and not the class of the module, as a constructor.
  for (const { name, start, end } of identifiersIn(ast.body))
    if (called.has(name) && !own.has(start)) cuts.push([start, end, `(${called.get(name)}())`]);
  let out = "";
  let at = 0;
  for (const [from, to, instead] of cuts.sort((a, b) => a[0] - b[0])) {
    out += text.slice(at, from) + instead;
    at = to;
  }
  out += text.slice(at);
  const functions = declared.map((id) => {
    const name = functionOf(id);
    return `var ${name}_;\nfunction ${name}() { return ${name}_ ??= require(${JSON.stringify(id)}); }\n`;
  });
  // At the end, for what is first may be a directive.
  return `${out}\n${functions.join("")}`;
}

const functionOf = (id) => `$${id.replace(/\W/g, "_")}`;

/** The module of Node that an expression requires, and nothing else. */
const builtinOf = (node) =>
  node?.type === "CallExpression" &&
  node.callee.name === "require" &&
  String(node.arguments[0]?.value).startsWith("node:")
    ? node.arguments[0].value
    : undefined;

function* identifiersIn(tree) {
  const open = [tree];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (node.type === "Identifier") yield node;
    for (const [key, value] of Object.entries(node))
      if (value !== null && typeof value === "object")
        if (!((key === "property" || key === "key") && node.computed === false)) open.push(value);
  }
}
