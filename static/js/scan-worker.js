// Reads codes in a picture, off the page's thread. A worker of its own also for the policy: WebAssembly needs
// 'wasm-unsafe-eval', which a worker's own answer may leave open while the pages stay strict.

self.onmessage = async ({ data }) => {
  try {
    if (data.library) {
      importScripts(data.library);
      await ZXingWASM.prepareZXingModule({ overrides: { locateFile: () => data.wasm }, fireImmediately: true });
      postMessage({ codes: [] });
      return;
    }
    const picture = new ImageData(new Uint8ClampedArray(data.pixels), data.width, data.height);
    const found = await ZXingWASM.readBarcodes(picture, { formats: ["QRCode", "Code128"], maxNumberOfSymbols: 4 });
    postMessage({ codes: found.filter((code) => code.isValid).map((code) => code.text) });
  } catch (error) {
    postMessage({ error: String(error) });
  }
};
