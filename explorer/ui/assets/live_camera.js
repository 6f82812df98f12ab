// Sends the camera's frames to the server: the next one when the last one is answered. It follows answer_bars.js.
const LONGER_SIDE = 320; // pixels of a frame
const QUALITY = 0.85;
const LOST = 4000; // milliseconds, after which the first frame without an answer counts as lost
const MOST_LOST = 60000; // the same for later frames: each doubles the time, because the network may be slow
const SPOKEN = 3000; // least milliseconds between two spoken answers
const RECENT = 5000; // milliseconds over which the rate is counted
const REASONS = {
  NotAllowedError: "refused",
  SecurityError: "insecure",
  NotFoundError: "missing",
  OverconstrainedError: "missing",
};

const cameras = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".camera");
  let camera = cameras.get(root);
  if (!camera) {
    camera = new Camera(root);
    cameras.set(root, camera);
  }
  camera.send = (frame) => setTriggerValue("frame", frame);
  camera.update(data);
  return () => camera.stop();
}

class Camera {
  constructor(root) {
    const find = (selector) => root.querySelector(selector);
    this.root = root;
    this.video = find("video");
    this.button = find("button");
    this.problem = find(".problem");
    this.headline = find(".headline");
    this.spoken = find(".spoken");
    this.rate = find(".rate");
    this.bars = find(".bars");
    this.seen = find(".seen");
    this.heat = find(".heat");
    this.number = 0;
    this.times = []; // of the recent answers
    this.patience = LOST;
    this.button.onclick = () => (this.stream || this.starting ? this.stop() : this.start());
  }

  update({ answer, classes, words }) {
    this.words = words;
    this.classes = classes;
    this.video.setAttribute("aria-label", words.video);
    this.root.querySelector(".privacy").textContent = words.privacy;
    this.label();
    if (answer && answer.number === this.waiting) this.show(answer);
  }

  label() {
    const on = this.stream || this.starting;
    this.button.textContent = on ? this.words.stop : this.words.start;
    this.root.classList.toggle("off", !this.stream);
    this.root.querySelector(".idle").textContent = this.starting ? this.words.starting : this.words.idle;
  }

  async start() {
    this.problem.textContent = "";
    if (!navigator.mediaDevices?.getUserMedia) return this.fail("insecure");
    const attempt = (this.starting = {});
    this.label();
    try {
      const video = { facingMode: "environment", width: { ideal: 640 } };
      const stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
      if (this.starting !== attempt) return stream.getTracks().forEach((track) => track.stop());
      this.starting = null;
      this.stream = stream;
      stream.getVideoTracks()[0].onended = () => this.fail("ended");
      this.video.srcObject = stream;
      await this.video.play();
    } catch (error) {
      if (this.starting === attempt || this.stream) this.fail(REASONS[error.name] ?? "busy");
      return;
    }
    this.times = [];
    this.label();
    this.next();
  }

  stop() {
    clearTimeout(this.timer);
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = this.starting = this.waiting = this.video.srcObject = null;
    this.rate.textContent = "";
    this.label();
  }

  fail(reason) {
    this.stop();
    this.problem.textContent = this.words[reason];
  }

  next() {
    clearTimeout(this.timer);
    const { videoWidth: width, videoHeight: height } = this.video;
    if (!this.stream) return;
    if (!width || document.hidden) {
      this.timer = setTimeout(() => this.next(), 200);
      return;
    }
    const scale = Math.min(LONGER_SIDE / Math.max(width, height), 1);
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    canvas.getContext("2d").drawImage(this.video, 0, 0, canvas.width, canvas.height);
    this.waiting = ++this.number;
    this.timer = setTimeout(() => {
      this.patience = Math.min(2 * this.patience, MOST_LOST);
      this.next();
    }, this.patience);
    this.send({ number: this.waiting, image: canvas.toDataURL("image/jpeg", QUALITY) });
  }

  show(answer) {
    const now = performance.now();
    this.waiting = null;
    this.patience = LOST;
    this.times = [...this.times.filter((time) => now - time < RECENT), now];
    if (answer.probabilities) this.showAnswer(answer, now);
    const [first] = this.times;
    const rate = this.times.length > 1 ? (1000 * (this.times.length - 1)) / (now - first) : 0;
    this.rate.textContent = rate ? this.words.rate.replace("{rate}", rate.toFixed(1)) : "";
    this.root.dataset.answers = Number(this.root.dataset.answers ?? 0) + 1;
    this.next();
  }

  showAnswer({ probabilities, seen, heat, ink }, now) {
    const order = showBars(this.bars, this.classes, probabilities);
    this.headline.textContent = headlineOf(this.words, this.classes, probabilities, order);
    if (now - (this.spokenAt ?? 0) > SPOKEN) {
      this.spokenAt = now;
      this.spoken.textContent = this.headline.textContent;
    }
    const caption = ink === false ? `${this.words.seen}. ${this.words.no_ink}` : this.words.seen;
    this.showImage(this.seen, seen, caption);
    this.showImage(this.heat, heat, this.words.heat);
  }

  showImage(image, url, caption) {
    image.hidden = !url;
    if (!url) return;
    image.src = url;
    image.alt = caption;
    image.nextElementSibling.textContent = caption;
  }
}
