// Draws what is written, makes it as small as the network's images are, and shows what the network takes it for.
const SIDE = 28;
/** Digits that networks learn from are 20 pixels high at most, their weight in the middle. */
const INNER = 20;

const paper = document.getElementById("paper");
const pen = paper.getContext("2d", { willReadFrequently: true });
const note = document.getElementById("note");
const rows = Array.from({ length: 10 }, (_, digit) => {
  const row = document.getElementById("digits").insertRow();
  row.insertCell().textContent = digit;
  const bar = document.createElement("div");
  row.insertCell().append(bar);
  return { row, bar, share: row.insertCell() };
});

const worker = new Worker("/worker.js", { type: "module" });
let asked = 0;
const waiting = new Map();
worker.addEventListener("message", ({ data }) => {
  waiting.get(data.id)?.(data);
  waiting.delete(data.id);
});

/** What the network gives for SIDE × SIDE pixels of 0 to 1. */
function read(pixels) {
  return new Promise((resolve) => {
    waiting.set(++asked, resolve);
    worker.postMessage({ id: asked, pixels, side: SIDE });
  });
}

/** What is on the paper in the middle of a small image; undefined where there is nothing. */
function image() {
  const { width, height } = paper;
  const { data } = pen.getImageData(0, 0, width, height);
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (data[4 * (y * width + x)] < 64) continue;
      [left, right] = [Math.min(left, x), Math.max(right, x)];
      [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
    }
  }
  if (right < 0) return undefined;
  const [w, h] = [right - left + 1, bottom - top + 1];
  const scale = INNER / Math.max(w, h);
  const small = new OffscreenCanvas(SIDE, SIDE).getContext("2d");
  small.imageSmoothingQuality = "high";
  const [x, y] = [(SIDE - w * scale) / 2, (SIDE - h * scale) / 2];
  small.drawImage(paper, left, top, w, h, x, y, w * scale, h * scale);
  const pixels = small.getImageData(0, 0, SIDE, SIDE).data;
  return Float32Array.from({ length: SIDE * SIDE }, (_, i) => pixels[4 * i] / 255);
}

async function show() {
  const pixels = image();
  if (pixels === undefined) return;
  const { logits, ms, problem } = await read(pixels);
  if (problem !== undefined) {
    note.textContent = problem;
    return;
  }
  const most = Math.max(...logits);
  const terms = Array.from(logits, (logit) => Math.exp(logit - most));
  const total = terms.reduce((sum, term) => sum + term, 0);
  for (const [digit, { row, bar, share }] of rows.entries()) {
    const probability = terms[digit] / total;
    bar.style.width = `${Math.max(1, 100 * probability)}%`;
    share.textContent = `${(100 * probability).toFixed(1)} %`;
    row.className = logits[digit] === most ? "best" : "";
  }
  note.textContent = `${logits.indexOf(most)}, in ${ms.toFixed(1)} ms`;
}

function clear() {
  pen.fillStyle = "#000";
  pen.fillRect(0, 0, paper.width, paper.height);
  for (const { row, bar, share } of rows)
    [row.className, bar.style.width, share.textContent] = ["", "1%", ""];
}

let last;
const place = ({ offsetX, offsetY }) => [
  (offsetX * paper.width) / paper.clientWidth,
  (offsetY * paper.height) / paper.clientHeight,
];
paper.addEventListener("pointerdown", (event) => {
  paper.setPointerCapture(event.pointerId);
  last = place(event);
});
paper.addEventListener("pointermove", (event) => {
  if (last === undefined) return;
  const next = place(event);
  [pen.strokeStyle, pen.lineWidth, pen.lineCap] = ["#fff", 22, "round"];
  pen.beginPath();
  pen.moveTo(...last);
  pen.lineTo(...next);
  pen.stroke();
  last = next;
  show();
});
paper.addEventListener("pointerup", () => {
  last = undefined;
});
document.getElementById("clear").addEventListener("click", () => {
  clear();
  note.textContent = "Write with the mouse or a finger.";
});

clear();
// The first run plans; what is written then is read at once.
read(new Float32Array(SIDE * SIDE)).then(({ problem }) => {
  note.textContent = problem ?? "Write with the mouse or a finger.";
});
// For the console, and for tests.
Object.assign(globalThis, { read });
