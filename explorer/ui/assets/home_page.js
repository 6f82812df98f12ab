// The page of a trained network that works without the product: drawings, pictures from files, and the camera.
// It follows the scripts of the drawing field in one module. The server's preparation of pictures is in
// explorer/data/preprocessing.py; the browser's resize differs from it by a level or two.
const page = JSON.parse(document.getElementById("data").textContent);
const element = (id) => document.getElementById(id);
const PAUSE = 100; // least milliseconds between two frames of the camera

let answerOf;
try {
  answerOf = await ENGINES[page.engine](page);
  element("loading").hidden = true;
  element("pictures").hidden = false;
} catch (error) {
  element("loading").textContent = `${page.words.failed} (${error.message ?? error})`;
  throw error;
}
if (page.draws) {
  element("draw").hidden = false;
  new Field(document.querySelector(".drawing"), "page", answerOf).update(page, null);
}

const { height: rows, width: columns, channels } = page.network.input;
const seen = element("seen"), video = element("video"), camera = element("camera");
let picture = null, stream = null;
seen.width = columns;
seen.height = rows;
seen.style.aspectRatio = `${columns} / ${rows}`;

// Draws the part of a picture that the network reads: all of it, or the middle of the resized picture.
async function show(source, width, height) {
  const context = seen.getContext("2d", { willReadFrequently: true, alpha: false });
  context.imageSmoothingQuality = "high";
  let [w, h] = [columns, rows];
  if (page.resize) {
    const scale = page.resize / Math.min(width, height);
    [w, h] = [width * scale, height * scale];
  }
  // A large picture is halved until the browser's last step has enough pixels to average.
  let [last, lastWidth, lastHeight] = [source, width, height];
  while (lastWidth > 2 * w && lastHeight > 2 * h) {
    const half = document.createElement("canvas");
    half.width = Math.ceil(lastWidth / 2);
    half.height = Math.ceil(lastHeight / 2);
    half.getContext("2d").drawImage(last, 0, 0, half.width, half.height);
    [last, lastWidth, lastHeight] = [half, half.width, half.height];
  }
  context.fillStyle = "#fff"; // behind transparent pixels
  context.fillRect(0, 0, columns, rows);
  context.drawImage(last, (columns - w) / 2, (rows - h) / 2, w, h);
  const shown = context.getImageData(0, 0, columns, rows), pixels = shown.data, area = rows * columns;
  const levels = new Uint8Array(channels * area);
  for (let index = 0; index < area; index++) {
    let colours = [...pixels.subarray(4 * index, 4 * index + 3)];
    if (element("invert").checked) colours = colours.map((level) => 255 - level);
    if (channels === 1) colours = [Math.round(0.299 * colours[0] + 0.587 * colours[1] + 0.114 * colours[2])];
    colours.forEach((level, channel) => (levels[channel * area + index] = level));
    pixels.set(channels === 1 ? [colours[0], colours[0], colours[0]] : colours, 4 * index);
  }
  context.putImageData(shown, 0, 0);
  const probabilities = await answerOf(levels);
  document.querySelector(".answer").hidden = false;
  const order = showBars(element("bars"), page.classes, probabilities);
  element("headline").textContent = headlineOf(page.words, page.classes, probabilities, order);
  seen.dataset.answers = Number(seen.dataset.answers ?? 0) + 1;
}

async function answerPicture() {
  if (picture) await show(picture, picture.naturalWidth, picture.naturalHeight);
}

element("file").onchange = async (event) => {
  const [file] = event.target.files;
  if (!file) return;
  stopCamera();
  element("problem").textContent = "";
  const image = new Image();
  image.src = URL.createObjectURL(file);
  try {
    await image.decode();
    picture = image;
  } catch {
    element("problem").textContent = page.words.unreadable;
    return;
  } finally {
    URL.revokeObjectURL(image.src);
    event.target.value = "";
  }
  await answerPicture();
};
element("invert").onchange = answerPicture;

camera.onclick = async () => {
  if (stream) return stopCamera();
  element("problem").textContent = "";
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false });
    video.srcObject = stream;
    await video.play();
  } catch {
    stopCamera();
    element("problem").textContent = page.words.refused;
    return;
  }
  picture = null;
  video.hidden = false;
  camera.textContent = page.words.stop;
  nextFrame();
};

async function nextFrame() {
  if (!stream) return;
  if (video.videoWidth && !document.hidden) await show(video, video.videoWidth, video.videoHeight);
  setTimeout(nextFrame, PAUSE);
}

function stopCamera() {
  stream?.getTracks().forEach((track) => track.stop());
  stream = video.srcObject = null;
  video.hidden = true;
  camera.textContent = page.words.start;
}
