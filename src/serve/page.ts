/** The style of the page. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 20%, transparent);
  --soft: color-mix(in srgb, currentColor 5%, transparent); --accent: #0b6bcb; }
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.35rem; margin: 0; } h2 { font-size: 1.05rem; margin: 0 0 .2rem; }
header { display: flex; gap: 1rem; align-items: baseline; flex-wrap: wrap; margin-bottom: 1.5rem; }
header nav { margin-left: auto; display: flex; gap: 1rem; }
a { color: var(--accent); }
.model { border: 1px solid var(--line); border-radius: .5rem; padding: 1.1rem 1.25rem; margin-bottom: 1.25rem; }
.about { opacity: .75; margin: 0 0 1rem; }
.fields { display: grid; grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr)); gap: .7rem; }
label { display: block; font-size: .85rem; overflow-wrap: anywhere; }
input, textarea { width: 100%; font: inherit; padding: .3rem .45rem; border: 1px solid var(--line); border-radius: .3rem;
  background: var(--soft); color: inherit; }
.go { display: flex; gap: 1rem; align-items: center; margin-top: 1rem; flex-wrap: wrap; }
button { font: inherit; padding: .35rem 1rem; border: 0; border-radius: .3rem; background: var(--accent); color: #fff;
  cursor: pointer; }
output { font-size: 1.15rem; font-variant-numeric: tabular-nums; }
.error { color: #c62828; font-size: 1rem; }
details { margin-top: .9rem; } pre { background: var(--soft); padding: .7rem; border-radius: .3rem; overflow-x: auto;
  font-size: .82rem; margin: .4rem 0 0; }
#token { width: 16rem; }
`;

/** The script of the page: plain DOM, and only text goes into it. */
export const PAGE_SCRIPT = `
"use strict";
const base = location.pathname.replace(/\\/+$/, "");
const list = document.getElementById("models");
const token = document.getElementById("token");
const node = (tag, text, attributes) => {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  return Object.assign(element, attributes);
};
const ask = async (path, body) => {
  const headers = token.value === "" ? {} : { authorization: "Bearer " + token.value };
  if (body !== undefined) headers["content-type"] = "application/json";
  const answer = await fetch(base + path, { method: body === undefined ? "GET" : "POST", headers, body });
  const document = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(document.error), { status: answer.status });
  return document;
};
const requestOf = (model, values) => "{\\"inputs\\": [\\n" + model.inputs.map(({ name, datatype }, i) => "  " + JSON.stringify(
  { name, datatype, shape: [1, 1], data: [datatype === "BYTES" ? values[i] : Number(values[i])] })).join(",\\n") + "\\n]}";
const ONES = 1000;
const networkRequest = ({ inputs }) => {
  const tensors = inputs.map(({ name, datatype, shape }) => {
    const own = shape.map((length) => length < 0 ? 1 : length);
    const size = own.reduce((product, length) => product * length, 1);
    const one = datatype === "BYTES" ? "" : datatype === "BOOL" ? false : 0;
    return { name, datatype, shape: own, data: size > ONES ? [] : Array(size).fill(one) };
  });
  return "{\\"inputs\\": [\\n" + tensors.map((tensor) => "  " + JSON.stringify(tensor)).join(",\\n") + "\\n]}";
};
const described = (tensors) => tensors.map(({ name, datatype, shape }) => name + ": " + datatype + " [" +
  shape.map((length) => length < 0 ? "?" : length).join(", ") + "]").join(", ");
const showNetwork = (model, path) => {
  const section = node("section", undefined, { className: "model" });
  const about = model.parameters;
  section.append(node("h2", model.name), node("p", "ONNX, operator set " + about.opset + " · " + about.nodes +
    " nodes, " + about.parameters.toLocaleString("en") + " parameters · version " + model.versions.at(-1),
    { className: "about" }), node("p", described(model.inputs) + " → " + described(model.outputs)));
  if (about.problem !== undefined) section.append(node("p", "The file has changed and was refused: " + about.problem,
    { className: "error" }));
  const form = node("form");
  const body = node("textarea", undefined, { value: networkRequest(model), rows: 6, spellcheck: false });
  body.setAttribute("aria-label", "The request to POST to " + base + path + "/infer");
  const go = node("div", undefined, { className: "go" });
  const result = node("output");
  result.setAttribute("aria-live", "polite");
  go.append(node("button", "Infer", { type: "submit" }), result);
  form.append(body, go);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const { outputs } = await ask(path + "/infer", body.value);
      result.className = "";
      result.textContent = outputs.map(({ name, shape, data }) => name + " [" + shape.join(", ") + "] = " +
        data.slice(0, 8).join(", ") + (data.length > 8 ? ", …" : "")).join("; ");
    } catch (error) {
      result.className = "error";
      result.textContent = error.message;
    }
  });
  section.append(form);
  return section;
};
const show = (model, path) => {
  if (model.platform !== "goml") return showNetwork(model, path);
  const section = node("section", undefined, { className: "model" });
  const about = model.parameters;
  section.append(node("h2", model.name), node("p", about.formula + " · fitted on " + about.rows.toLocaleString("en") +
    " rows" + (about.sigma === null ? "" : ", σ " + about.sigma.toPrecision(4)) + " · version " +
    model.versions.at(-1), { className: "about" }));
  if (about.problem !== undefined) section.append(node("p", "The file has changed and was refused: " + about.problem,
    { className: "error" }));
  const form = node("form");
  const fields = node("div", undefined, { className: "fields" });
  const inputs = model.inputs.map(({ name, datatype }) => {
    const label = node("label", name);
    const input = node("input", undefined, { name, required: true, autocomplete: "off" });
    if (datatype !== "BYTES") { input.type = "number"; input.step = "any"; input.value = "0"; }
    label.append(input);
    fields.append(label);
    return input;
  });
  const go = node("div", undefined, { className: "go" });
  const result = node("output");
  result.setAttribute("aria-live", "polite");
  go.append(node("button", "Predict", { type: "submit" }), result);
  const details = node("details");
  const code = node("pre");
  details.append(node("summary", "The request"), code);
  const describe = () => {
    code.textContent = "POST " + base + path + "/infer\\n\\n" + requestOf(model, inputs.map(({ value }) => value));
  };
  form.addEventListener("input", describe);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    describe();
    try {
      const answer = await ask(path + "/infer", requestOf(model, inputs.map(({ value }) => value)));
      result.className = "";
      result.textContent = about.target + " = " + answer.outputs[0].data[0];
    } catch (error) {
      result.className = "error";
      result.textContent = error.message;
    }
  });
  describe();
  form.append(fields, go, details);
  section.append(form);
  return section;
};
const load = async () => {
  try {
    const { models } = await ask("/v2/models");
    const sections = [];
    for (const name of models) {
      const path = "/v2/models/" + encodeURIComponent(name);
      sections.push(show(await ask(path), path));
    }
    list.replaceChildren(...sections);
  } catch (error) {
    if (error.status === 401) document.getElementById("auth").hidden = false;
    list.replaceChildren(node("p", error.message, { className: "error" }));
  }
};
document.getElementById("auth").addEventListener("submit", (event) => { event.preventDefault(); load(); });
for (const link of document.querySelectorAll("nav a")) link.href = base + link.getAttribute("href");
load();
`;

/** The page at `/`: the models, each with a form to try it. It holds no data; its script asks for them. */
export const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>goml serve</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<header><h1>goml serve</h1><nav><a href="/openapi.json">OpenAPI</a><a href="/metrics">Metrics</a></nav></header>
<form id="auth" hidden><div class="go"><input id="token" type="password" placeholder="Bearer token" autocomplete="off" aria-label="Bearer token"><button>Sign in</button></div></form>
<main id="models"><p>Loading…</p></main>
<script>${PAGE_SCRIPT}</script>
</body>
</html>
`;
