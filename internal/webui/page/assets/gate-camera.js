// The gate's camera: it looks for codes by the browser's own detector where there is one, else by the gate's own decoder, and tells of
// each code once for as long as it stays in sight.
window.truyvetCamera = ({ video, decode, found }) => {
  const WIDTH = 640; // what the decoder is given
  const GONE = 2_500; // a code that was not seen for so long has left
  let stream = null;
  let last = { text: "", seen: 0 };
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });

  const detector = (async () => {
    const formats = (await window.BarcodeDetector?.getSupportedFormats()) ?? [];
    return formats.includes("qr_code") ? new BarcodeDetector({ formats: ["qr_code"] }) : null;
  })().catch(() => null);

  const look = async (own) => {
    if (own) return (await own.detect(video))[0]?.rawValue ?? "";
    canvas.width = Math.min(WIDTH, video.videoWidth);
    canvas.height = Math.round((video.videoHeight * canvas.width) / video.videoWidth);
    context.drawImage(video, 0, 0, canvas.width, canvas.height);
    return decode(context.getImageData(0, 0, canvas.width, canvas.height));
  };

  const run = async (of) => {
    const own = await detector;
    while (stream === of) {
      const text = video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA ? await look(own).catch(() => "") : "";
      const now = performance.now();
      if (text && stream === of) {
        const fresh = text !== last.text || now - last.seen > GONE;
        last = { text, seen: now };
        if (fresh) found(text);
      }
      await new Promise((resolve) => setTimeout(resolve, own || !text ? 30 : 120));
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
