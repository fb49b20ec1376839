// The gate's own Go, off the page's thread: it finds codes in pictures, reads and judges what was shown, and closes boxes. The page
// asks with a number, the name of a function of truyvetGate and its arguments, and is answered with the number.
let ready;
const begin = async ({ exec, wasm }) => {
  importScripts(exec);
  const go = new Go();
  const { instance } = await WebAssembly.instantiateStreaming(fetch(wasm), go.importObject);
  go.run(instance);
};
onmessage = async ({ data }) => {
  const { n, name, args } = data;
  try {
    if (name === "begin") ready = begin(...args);
    await ready;
    const answer = name === "begin" ? {} : truyvetGate[name](...args);
    if (!answer) throw new Error("it has ended");
    postMessage({ n, answer });
  } catch (fault) {
    postMessage({ n, answer: { error: String(fault) } });
    if (name !== "begin") setTimeout(() => { throw fault; }); // it is of no more use: the page hears of it, and starts another one
  }
};
