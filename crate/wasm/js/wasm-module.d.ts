// How platforms and their bundlers hand over a `.wasm` file, and what the build makes of it.
declare module "#compact-wasm" {
  const module: WebAssembly.Module;
  export default module;
}
declare module "#compact-wasm?module" {
  const module: WebAssembly.Module;
  export default module;
}
declare module "#compact-base64" {
  const text: string;
  export default text;
}
/** The one call of Bun's that is used. */
declare namespace Bun {
  function file(path: URL): { bytes(): Promise<Uint8Array<ArrayBuffer>> };
}
