// The gate's camera: it looks for codes by the browser's own detector where there is one that works, else by the gate's own decoder, and
// tells of each code once for as long as it stays in sight.
window.truyvetCamera = ({ video, decode, found }) => {
  const WIDTH = 640; // what the decoder is given
  const GONE = 2_500; // a code that was not seen for so long has left
  let stream = null;
  const seen = new Map(); // when the codes in sight were last seen
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });

  let detector = (async () => {
    const formats = (await window.BarcodeDetector?.getSupportedFormats()) ?? [];
    return formats.includes("qr_code") ? new BarcodeDetector({ formats: ["qr_code"] }) : null;
  })().catch(() => null);

  // look returns what the codes in the picture say.
  const look = async () => {
    const own = await detector;
    if (own) {
      try {
        return (await own.detect(video)).map(({ rawValue }) => rawValue).filter(Boolean);
      } catch {
        if (decode) detector = null; // it says that it reads codes, and cannot
        return [];
      }
    }
    canvas.width = Math.min(WIDTH, video.videoWidth);
    canvas.height = Math.round((video.videoHeight * canvas.width) / video.videoWidth);
    context.drawImage(video, 0, 0, canvas.width, canvas.height);
    const text = await decode(context.getImageData(0, 0, canvas.width, canvas.height));
    return text ? [text] : [];
  };
  // tell tells of the codes that were not in sight a moment ago.
  const tell = (texts, now) => {
    for (const [text, at] of seen) if (now - at > GONE) seen.delete(text);
    for (const text of texts) {
      if (!seen.has(text)) found(text);
      seen.set(text, now);
    }
  };

  const run = async (of) => {
    while (stream === of) {
      const texts = video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA ? await look().catch(() => []) : [];
      if (stream === of) tell(texts, performance.now());
      await new Promise((resolve) => setTimeout(resolve, texts.length ? 120 : 30));
    }
  };

  return {
    // usable says whether anything here reads codes.
    usable: async () => Boolean(navigator.mediaDevices?.getUserMedia && (decode || (await detector))),
    running: () => stream !== null,
    start: async () => {
      stream = await navigator.mediaDevices.getUserMedia({
        audio: false, video: { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 720 } },
      });
      video.srcObject = stream;
      await video.play();
      run(stream);
    },
    stop: () => {
      stream?.getTracks().forEach((track) => track.stop());
      stream = video.srcObject = null;
    },
  };
};
