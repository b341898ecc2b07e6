// The page of goml serve: the models, each with a form to try it. Plain DOM, and only text goes into it.

const base = location.pathname.replace(/\/+$/, "");
const list = document.getElementById("models");
const token = document.getElementById("token");

function node(tag, text, attributes) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  return Object.assign(element, attributes);
}

async function ask(path, body) {
  const headers = token.value === "" ? {} : { authorization: `Bearer ${token.value}` };
  if (body !== undefined) headers["content-type"] = "application/json";
  const answer = await fetch(base + path, { method: body === undefined ? "GET" : "POST", headers, body });
  const document = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(document.error), { status: answer.status });
  return document;
}

/** A request for people: a tensor a line. */
function written({ inputs, parameters }) {
  const tensors = inputs.map((tensor) => `  ${JSON.stringify(tensor)}`).join(",\n");
  const asked = parameters === undefined ? "" : `, "parameters": ${JSON.stringify(parameters)}`;
  return `{"inputs": [\n${tensors}\n]${asked}}`;
}

/** The same as a literal of Python. */
function python(value) {
  if (Array.isArray(value)) return `[${value.map(python).join(", ")}]`;
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value !== "object") return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([name, part]) => `${JSON.stringify(name)}: ${python(part)}`)
    .join(", ")}}`;
}

/** What asks the same from elsewhere, by language. */
function snippets(url, request) {
  const secret = token.value !== "";
  const text = written(request);
  const quoted = (words) => `'${words.replaceAll("'", "'\\''")}'`;
  const lines = request.inputs.map((tensor) => `    ${python(tensor)},`).join("\n");
  const asked = request.parameters === undefined ? "" : `, "parameters": ${python(request.parameters)}`;
  const pythonHeaders = `{"content-type": "application/json"${
    secret ? ', "authorization": "Bearer " + os.environ["GOML_TOKEN"]' : ""
  }}`;
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a template of the snippet's own
  const bearer = "authorization: `Bearer ${process.env.GOML_TOKEN}`";
  return {
    curl: [
      `curl -s ${quoted(url)} -H 'content-type: application/json' \\`,
      ...(secret ? ['  -H "authorization: Bearer $GOML_TOKEN" \\'] : []),
      `  -d ${quoted(text)}`,
    ].join("\n"),
    Python: [
      `import json${secret ? ", os" : ""}`,
      "from urllib.request import Request, urlopen",
      "",
      `request = {"inputs": [\n${lines}\n]${asked}}`,
      `headers = ${pythonHeaders}`,
      `with urlopen(Request(${JSON.stringify(url)}, json.dumps(request).encode(), headers)) as answer:`,
      '    for output in json.load(answer)["outputs"]:',
      '        print(output["name"], output["data"])',
    ].join("\n"),
    JavaScript: [
      `const request = ${text};`,
      `const answer = await fetch(${JSON.stringify(url)}, {`,
      '  method: "POST",',
      `  headers: { "content-type": "application/json"${secret ? `, ${bearer}` : ""} },`,
      "  body: JSON.stringify(request),",
      "});",
      "const { outputs } = await answer.json();",
      "for (const { name, data } of outputs) console.log(name, data);",
    ].join("\n"),
  };
}

/** Texts that open one by one, and how they are written anew. */
function codeBlocks(titles) {
  const blocks = titles.map((title) => {
    const details = node("details");
    const code = node("pre");
    code.tabIndex = 0;
    code.setAttribute("aria-label", title);
    details.append(node("summary", title), code);
    return { title, details, code };
  });
  return {
    elements: blocks.map(({ details }) => details),
    write(texts) {
      for (const { title, code, details } of blocks) {
        code.textContent = texts[title] ?? "";
        details.hidden = texts[title] === undefined;
      }
    },
  };
}

const LANGUAGES = ["curl", "Python", "JavaScript"];
const [REQUEST, ANSWER] = ["The request", "The answer"];

/** A form that asks a model: its fields, the request that they make, and how an answer reads. */
function askingForm({ path, action, fields, choices, request, text, reading }) {
  const form = node("form");
  const go = node("div", undefined, { className: "go" });
  const result = node("output");
  result.setAttribute("aria-live", "polite");
  go.append(...choices, node("button", action, { type: "submit" }), result);
  const blocks = codeBlocks([REQUEST, ...LANGUAGES, ANSWER]);
  const url = location.origin + base + path;
  let answered;
  const describe = () => {
    const asked = request();
    const texts =
      asked === undefined
        ? {}
        : { [REQUEST]: `POST ${base}${path}\n\n${written(asked)}`, ...snippets(url, asked) };
    blocks.write({ ...texts, ...(answered === undefined ? {} : { [ANSWER]: answered }) });
  };
  form.addEventListener("input", describe);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const answer = await ask(path, text === undefined ? JSON.stringify(request()) : text());
      answered = JSON.stringify(answer, null, 1);
      result.className = "";
      result.textContent = reading(answer.outputs);
    } catch (error) {
      answered = undefined;
      result.className = "error";
      result.textContent = error.message;
    }
    describe();
  });
  form.append(fields, go, ...blocks.elements);
  describe();
  return form;
}

function heading(model, about) {
  const section = node("section", undefined, { className: "model" });
  section.append(node("h2", model.name), node("p", about, { className: "about" }));
  const { problem } = model.parameters;
  if (problem !== undefined)
    section.append(node("p", `The file has changed and was refused: ${problem}`, { className: "error" }));
  return section;
}

/** The most elements of a tensor that are written out for people to change. */
const ONES = 1000;

function zeros({ name, datatype, shape: declared }) {
  const shape = declared.map((length) => (length < 0 ? 1 : length));
  const size = shape.reduce((product, length) => product * length, 1);
  const one = datatype === "BYTES" ? "" : datatype === "BOOL" ? false : 0;
  return { name, datatype, shape, data: size > ONES ? [] : Array(size).fill(one) };
}

function shapes(tensors) {
  return tensors
    .map(({ name, datatype, shape }) => {
      const lengths = shape.map((length) => (length < 0 ? "?" : length)).join(", ");
      return `${name}: ${datatype} [${lengths}]`;
    })
    .join(", ");
}

function showNetwork(model, path) {
  const { opset, nodes, parameters } = model.parameters;
  const section = heading(
    model,
    `ONNX, operator set ${opset} · ${nodes} nodes, ${parameters.toLocaleString("en")} parameters · version ${model.versions.at(-1)}`,
  );
  section.append(node("p", `${shapes(model.inputs)} → ${shapes(model.outputs)}`));
  const body = node("textarea", undefined, {
    value: written({ inputs: model.inputs.map(zeros) }),
    rows: 6,
    spellcheck: false,
  });
  body.setAttribute("aria-label", `The request to POST to ${base}${path}/infer`);
  const request = () => {
    try {
      return JSON.parse(body.value);
    } catch {
      return undefined;
    }
  };
  const reading = (outputs) =>
    outputs
      .map(({ name, shape, data }) => {
        const more = data.length > 8 ? ", …" : "";
        return `${name} [${shape.join(", ")}] = ${data.slice(0, 8).join(", ")}${more}`;
      })
      .join("; ");
  section.append(
    askingForm({
      path: `${path}/infer`,
      action: "Infer",
      fields: body,
      choices: [],
      request,
      // As it stands, also where it is no JSON: the server says what is wrong with it.
      text: () => body.value,
      reading,
    }),
  );
  return section;
}

/** A field for a column: a list of its levels, or a number, at its mean where that is known. */
function fieldOf({ name, datatype }, { mean, levels }) {
  const label = node("label", name);
  let field;
  if (levels !== undefined) {
    field = node("select", undefined, { name, required: true });
    field.append(
      ...levels.map((level) => node("option", level === "" ? "(empty)" : level, { value: level })),
    );
  } else {
    field = node("input", undefined, { name, required: true, autocomplete: "off" });
    if (datatype !== "BYTES") {
      field.type = "number";
      field.step = "any";
      if (mean !== undefined) field.value = String(Number(mean.toPrecision(4)));
    }
  }
  label.append(field);
  return { label, field };
}

/** Numbers for reading: to where σ has its third digit, for no prediction is known better; the answer has all digits. */
function digitsOf(sigma) {
  if (!(sigma > 0)) return (x) => String(Number(x.toPrecision(6)));
  const decimals = Math.min(12, Math.max(0, 2 - Math.floor(Math.log10(sigma))));
  return (x) => x.toFixed(decimals);
}

const LEVELS = [0.9, 0.95, 0.99];

function intervalChoices(kinds) {
  if (kinds.length === 0) return { elements: [], wish: () => undefined };
  const kindLabel = node("label", "Interval");
  const kind = node("select");
  kind.append(...[...kinds, "none"].map((name) => node("option", name, { value: name })));
  kindLabel.append(kind);
  const levelLabel = node("label", "Level");
  const level = node("select");
  level.append(...LEVELS.map((share) => node("option", `${share * 100} %`, { value: String(share) })));
  level.value = "0.95";
  levelLabel.append(level);
  return {
    elements: [kindLabel, levelLabel],
    wish: () => (kind.value === "none" ? undefined : { interval: kind.value, level: Number(level.value) }),
  };
}

function showRegression(model, path) {
  const { formula, rows, sigma, target, intervals, conformalBy, columns } = model.parameters;
  const section = heading(
    model,
    `${formula} · fitted on ${rows.toLocaleString("en")} rows${sigma === null ? "" : `, σ ${sigma.toPrecision(4)}`} · version ${model.versions.at(-1)}`,
  );
  const fields = node("div", undefined, { className: "fields" });
  const about = new Map(columns.map((column) => [column.name, column]));
  const inputs = model.inputs.map((input) => {
    const { label, field } = fieldOf(input, about.get(input.name) ?? {});
    fields.append(label);
    return field;
  });
  const { elements, wish } = intervalChoices(
    // A column that is no input has no field.
    intervals.filter((kind) => kind !== "conformal" || conformalBy === undefined),
  );
  const request = () => ({
    inputs: model.inputs.map(({ name, datatype }, i) => {
      const { value } = inputs[i];
      return { name, datatype, shape: [1, 1], data: [datatype === "BYTES" ? value : Number(value)] };
    }),
    ...(wish() === undefined ? {} : { parameters: wish() }),
  });
  const shown = digitsOf(sigma);
  const reading = (outputs) => {
    const value = (name) => outputs.find((output) => output.name === name)?.data[0];
    const bounds =
      value("lower") === undefined ? "" : ` [${shown(value("lower"))}, ${shown(value("upper"))}]`;
    return `${target} = ${shown(value("prediction"))}${bounds}`;
  };
  section.append(
    askingForm({ path: `${path}/infer`, action: "Predict", fields, choices: elements, request, reading }),
  );
  return section;
}

async function load() {
  try {
    const { models } = await ask("/v2/models");
    const sections = [];
    for (const name of models) {
      const path = `/v2/models/${encodeURIComponent(name)}`;
      const model = await ask(path);
      sections.push(model.platform === "goml" ? showRegression(model, path) : showNetwork(model, path));
    }
    list.replaceChildren(...sections);
  } catch (error) {
    if (error.status === 401) document.getElementById("auth").hidden = false;
    list.replaceChildren(node("p", error.message, { className: "error" }));
  }
}

document.getElementById("auth").addEventListener("submit", (event) => {
  event.preventDefault();
  load();
});
load();
