// The gate's own Go, off the page's thread: it finds codes in pictures, reads and judges what was shown, and closes boxes. The page
// asks with a number, the name of a function of truyvetGate and its arguments, and is answered with the number.
let ready;
const begin = async ({ exec, wasm }) => {
  importScripts(exec);
  const go = new Go();
  const { instance } = await WebAssembly.instantiateStreaming(fetch(wasm), go.importObject);
  go.run(instance).then(() => setTimeout(() => { throw new Error("it has ended"); })); // the page hears of it and starts another one
};
onmessage = async ({ data }) => {
  const { n, name, args } = data;
  try {
    if (name === "begin") ready = begin(...args);
    await ready;
    postMessage({ n, answer: name === "begin" ? {} : truyvetGate[name](...args) ?? { error: "no answer" } });
  } catch (fault) {
    postMessage({ n, answer: { error: String(fault) } });
  }
};
