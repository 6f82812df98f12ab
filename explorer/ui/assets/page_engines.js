// The two engines of an exported page. Both are a function from 8-bit levels to the probabilities of the classes, or to a
// promise of them. This script follows drawing_network.js in one module.
const ENGINES = {
  // The product's own steps in JavaScript.
  async "built-in"({ network }) {
    return networkFrom(network);
  },

  // The ONNX file of the network in onnxruntime, which stands in a script of its own in the page.
  async onnxruntime({ network, model }) {
    const { env, InferenceSession, Tensor } = globalThis.ort;
    env.wasm.numThreads = 1; // more threads need headers that a file does not have
    env.wasm.wasmBinary = await unpacked(document.getElementById("engine").textContent);
    const session = await InferenceSession.create(await unpacked(model), { executionProviders: ["wasm"] });
    const { height, width, channels } = network.input;
    let last = Promise.resolve();
    const answer = async (levels) => {
      const image = new Tensor("float32", prepared(levels, network.input).data, [1, channels, height, width]);
      return softmax((await session.run({ image })).logits.data);
    };
    return (levels) => (last = last.catch(() => {}).then(() => answer(levels))); // a session runs once at a time
  },
};

// Returns the bytes of a text in base64 that were compressed by gzip.
async function unpacked(text) {
  const packed = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
